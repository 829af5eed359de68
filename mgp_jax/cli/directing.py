"""The commands that find directions: those that are bundled, and training from labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import tyro

from mgp_jax.cli.common import OK, Command, Space
from mgp_jax.errors import SettingError
from mgp_jax.seeds import check_seed

if TYPE_CHECKING:
    from mgp_jax.generators import Generator


@dataclass(frozen=True, kw_only=True)
class TrainBoundary(Command):
    """Train a direction from labels: latent codes and their labels, or a function that scores.

    The result is a boundary file for `mgp edit --direction`. Needs the extra `editing`. Example:
    mgp train-boundary faces64 --out bright.npy --score mine:brightness
    """

    name: ClassVar[str] = "train-boundary"

    generator: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GENERATOR")]
    """A bundled generator (faces1024, faces64) or a file written by mgp-convert."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.npy")]
    """File to write, float32 [1, latent size]."""
    latents: Annotated[Path | None, tyro.conf.arg(metavar="Z.npy")] = None
    """Latent codes [N, latent size], with --labels."""
    labels: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Their labels, 0 or 1, or scores: an array file (.npy), or text with one number a line."""
    score: Annotated[str | None, tyro.conf.arg(metavar="MODULE:FUNCTION")] = None
    """Instead: a Python function that takes images, float [N, H, W, C] from 0 to 1, and returns N
    scores; random images are scored."""
    count: Annotated[int, tyro.conf.arg(metavar="N")] = 2000
    """Number of random images, with --score."""
    direction_space: Space | None = None
    """The space of the latent codes; with --score W if the generator has it, or Z."""
    method: Literal["svm", "logistic"] = "svm"
    """Linear support vector machine, or logistic regression."""
    share: float = 0.2
    """Of scores: the share of the codes with the highest, and with the lowest, that is used."""
    keep: Annotated[tuple[str, ...], tyro.conf.arg(metavar="DIRECTION...")] = ()
    """Directions of attributes that shall not change; they are projected out."""
    seed: int = 0
    """Seed of the random images and of what is held out."""

    def run(self, argv: Sequence[str]) -> int:
        """Trains and writes the boundary."""
        from mgp_jax.code_files import read_latents
        from mgp_jax.editing import (
            condition,
            default_space,
            find_direction,
            read_labels,
            score_samples,
            train_boundary,
        )
        from mgp_jax.generators import load_generator
        from mgp_jax.images import write_array
        from mgp_jax.user_code import load_function

        check_seed(self.seed)
        generator = load_generator(self.generator)
        space = self.direction_space or default_space(generator)
        given = [self.latents is not None, self.labels is not None]
        if any(given) != all(given) or any(given) == (self.score is not None):
            raise SettingError("labels: give either --latents and --labels, or --score")
        cut = generator.default_cut()
        kept = [
            find_direction(spec, generator, cut, self.seed, self.direction_space)
            for spec in self.keep
        ]
        if self.latents is not None and self.labels is not None:
            latents, space = read_latents(self.latents, generator, self.direction_space)
            labels = read_labels(self.labels)
        else:
            function = load_function(str(self.score))
            latents, labels = score_samples(generator, function, self.count, self.seed, space)
        boundary = train_boundary(
            latents, labels, space, self.out.stem, self.method, self.share, seed=self.seed
        )
        direction = condition(boundary.direction, kept)
        write_array(self.out, direction.vector[None])
        numbers = {name: getattr(boundary, name) for name in ("accuracy", "trained", "held_out")}
        self.telling.answer(
            {"output": str(self.out), **numbers},
            f"{self.out}: {boundary.accuracy:.1%} of {boundary.held_out} held-out codes are on the "
            f"right side; trained on {boundary.trained}",
        )
        return OK


@dataclass(frozen=True, kw_only=True)
class Directions(Command):
    """List the directions that are bundled with a generator, and draw what they do.

    With --out every direction becomes a strip of one random image moved along it, and all of them
    one sheet. Example: mgp directions faces1024 --out strips
    """

    name: ClassVar[str] = "directions"

    generator: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GENERATOR")]
    """A bundled generator; of those faces1024 has directions."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder for the strips, which take some seconds each."""
    only: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME...")] = ()
    """Draw these directions only."""
    range: Annotated[str, tyro.conf.arg(metavar="FROM:TO")] = "-2:2"
    """The smallest and the largest strength, in standard deviations of random codes."""
    frames: Annotated[int, tyro.conf.arg(metavar="COUNT")] = 5
    """Number of strengths, evenly spaced."""
    truncation: Annotated[float, tyro.conf.arg(metavar="PSI")] = 0.6
    """Pull the random style towards the mean, 1 = not at all."""
    seed: int = 0
    """Seed of the random image."""

    def run(self, argv: Sequence[str]) -> int:
        """Lists them, and draws them if asked for."""
        from rich.console import Console
        from rich.table import Table

        from mgp_jax.cli.editing import evenly
        from mgp_jax.editing import about_bundled, bundled_directions
        from mgp_jax.generators import load_generator

        check_seed(self.seed)
        strengths, generator = evenly(self.range, self.frames), load_generator(self.generator)
        known = bundled_directions(generator)
        if not known:
            raise SettingError(
                f"{generator.name}: no directions are bundled with it; `mgp edit` also takes "
                "sefa:K, ganspace:K and files"
            )
        names = [item.name for item in known]
        if strange := [name for name in self.only if name not in names]:
            raise SettingError(f"direction {strange[0]}: there are {', '.join(names)}")
        chosen = [item for item in known if not self.only or item.name in self.only]
        table = Table("direction", "less", "more", "layers", "found by")
        facts = []
        for item in chosen:
            first, last = item.layers
            table.add_row(item.name, item.less, item.more, f"{first}:{last}", item.found)
            about = {"less": item.less, "more": item.more, "found": item.found}
            facts.append({"name": item.name, **about, "layers": [first, last]})
        files = self.draw(generator, [item.name for item in chosen], strengths)
        console = Console(width=120)
        with console.capture() as capture:
            console.print(table)
        text = "\n".join([capture.get().rstrip(), *files])
        facts = {"directions": facts, "files": files, **about_bundled(generator)}
        self.telling.answer(facts, text)
        return OK

    def draw(
        self, generator: "Generator", names: Sequence[str], strengths: Sequence[float]
    ) -> list[str]:
        """Writes a strip for every direction and a sheet of all, and returns their paths."""
        import numpy as np

        from mgp_jax.code_files import Latents, codes_of
        from mgp_jax.editing import find_direction, render_edits
        from mgp_jax.generators import random_latents
        from mgp_jax.generators.sampling import with_truncation
        from mgp_jax.images import to_uint8, write_image
        from mgp_jax.report import contact_sheet

        if self.out is None:
            return []
        self.out.mkdir(parents=True, exist_ok=True)
        calm = with_truncation(generator, self.truncation)
        z = random_latents(generator, 1, self.seed)
        styles = calm.apply(calm.params, z, 0, calm.space("w+"))
        split, (codes,) = codes_of(generator, Latents(np.asarray(styles), "w+"))
        headings, rows = [f"{strength:+g}" for strength in strengths], []
        for name in names:
            direction = find_direction(name, generator, split.cut)
            rows.append(list(to_uint8(render_edits(split, codes, direction, strengths))))
            strip = contact_sheet(rows[-1:], [name], headings=headings)
            write_image(self.out / f"{name}.png", strip)
        write_image(self.out / "sheet.png", contact_sheet(rows, names, headings=headings))
        return [str(self.out / f"{name}.png") for name in (*names, "sheet")]
