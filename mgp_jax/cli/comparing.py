"""The options and steps that commands share which compare methods."""

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from mgp_jax.cli.common import DEFAULT_GENERATOR, OK, SOME_FAILED, Command
from mgp_jax.seeds import check_seed

if TYPE_CHECKING:
    from mgp_jax.tables import Comparison

Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Comparing(Command):
    """What is compared, and where the results go."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder for the results; the same command on it again continues where it stopped."""
    images: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE|FOLDER")] = ()
    """Clean photographs; without them the bundled photograph and images that the generator makes
    of fixed seeds."""
    generator: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = DEFAULT_GENERATOR
    """A bundled generator (faces1024, faces64) or a file written by mgp-convert."""
    encoder: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The generator's encoder, made by `mgp train-encoder`; without it the methods that need one
    are left out."""
    lpips_vgg: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """LPIPS with VGG16, a file written by mgp-convert; without it the method robust is left out."""
    tasks: Annotated[tuple[str, ...], tyro.conf.arg(metavar="TASK...")] = ()
    """Some of the tasks only."""
    methods: Annotated[tuple[str, ...], tyro.conf.arg(metavar="METHOD...")] = ()
    """Some of the methods only."""
    budget: Annotated[str, tyro.conf.arg(metavar="SECONDS|STEPS")] = "3s"
    """What every method may spend on an image: 3s is three seconds, 200 is two hundred steps. The
    same steps and seed give the same table; how many steps a second buys is measured once and kept
    in the folder."""
    seed: int = 0
    """Seed of the random starts and of simulated noise."""

    def comparison(self, **settings: Any) -> "Comparison":
        """Loads what is compared.

        Args:
            **settings: further attributes of the `Comparison`.
        """
        from mgp_jax.generators import load_generator
        from mgp_jax.methods.encoder_network import load_encoder
        from mgp_jax.perception import load_lpips
        from mgp_jax.tables import Comparison, example_images, parse_budget, read_images

        check_seed(self.seed)
        budget = parse_budget(self.budget)
        generator = load_generator(self.generator)
        images = read_images(self.images, generator) if self.images else example_images(generator)
        return Comparison(
            generator=generator,
            images=images,
            budget=budget,
            encoder=None if self.encoder is None else load_encoder(self.encoder, generator),
            methods=self.methods,
            seed=self.seed,
            lpips_vgg=None if self.lpips_vgg is None else load_lpips(self.lpips_vgg),
            **settings,
        )

    def say(self, text: str) -> None:
        """Tells how far it is."""
        self.telling.console().print(text, markup=False, highlight=False, soft_wrap=True)

    def show(self, record: Record) -> None:
        """Tells of a record."""
        text = record["error"] or f"{record['steps']} steps, {record['seconds']} s an image"
        self.say(f"{record['task']}, {record['method']}: {text}")

    def conclude(
        self,
        comparison: "Comparison",
        records: Sequence[Record],
        argv: Sequence[str],
        write: Callable[..., Path],
    ) -> int:
        """Writes the page and answers with its numbers.

        Args:
            comparison: what was compared.
            records: what was found.
            argv: the command.
            write: writes the page of folder, records and what is said above them.
        """
        about = {
            "command": shlex.join(["mgp", *argv]),
            "generator": comparison.generator.name,
            "images": list(comparison.images.stems),
            "budget": str(comparison.budget),
            "seed": self.seed,
        }
        page = write(self.out, records, about)
        values = json.loads((self.out / "tables.json").read_text())["summary"]
        self.telling.answer(values, str(page))
        return OK if all(record["error"] is None for record in records) else SOME_FAILED
