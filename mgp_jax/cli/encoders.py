"""The command that trains a generator's encoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from mgp_jax.cli.common import OK, Command
from mgp_jax.errors import SettingError
from mgp_jax.seeds import check_seed


@dataclass(frozen=True, kw_only=True)
class TrainEncoder(Command):
    """Train a network that guesses the latent code of an image, on images that the generator makes.

    The baselines of `mgp bench tables` that start from an encoder take its file. Example:
    mgp train-encoder faces64 --out encoder.safetensors
    """

    name: ClassVar[str] = "train-encoder"

    generator: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GENERATOR")]
    """A bundled generator (faces1024, faces64) or a file written by mgp-convert."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.safetensors")]
    """Weights file to write."""
    steps: Annotated[int, tyro.conf.arg(metavar="K")] = 1000
    """Number of steps, each on 32 images."""
    seed: int = 0
    """Seed of the weights and of the images."""

    def run(self, argv: Sequence[str]) -> int:
        """Trains on images seen through what the tables undo, and writes the file."""
        from mgp_jax.degradations import parse
        from mgp_jax.generators import load_generator
        from mgp_jax.methods.encoder_network import save_encoder, train_encoder
        from mgp_jax.tasks import tasks_for

        check_seed(self.seed)
        if self.steps < 1:
            raise SettingError(f"steps: {self.steps}, at least 1 is needed")
        if not self.out.parent.is_dir():
            raise SettingError(f"{self.out}: the folder does not exist")
        generator = load_generator(self.generator)
        size = generator.resolution
        # Gray images have no colours to be given back.
        tasks = [
            task
            for task in tasks_for("tables").values()
            if task.kind != "colorization" or generator.channels == 3
        ]
        degradations = [parse(task.spec(size), size, generator.channels) for task in tasks]
        console = self.telling.console()
        losses: list[float] = []

        def show(step: int, loss: float) -> None:
            losses.append(loss)
            if step % 50 == 0 or step == self.steps:
                console.print(f"train-encoder: {step}/{self.steps}, loss {loss:.4f}")

        encoder = train_encoder(generator, self.steps, self.seed, degradations, show)
        save_encoder(self.out, encoder, generator.licence)
        self.telling.answer({"output": str(self.out), "loss": losses[-1]}, str(self.out))
        return OK
