"""`mgp analyse layers` and `mgp analyse domains`: how well codes alone do a task."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import tyro

from mgp_jax.cli.analysis.writing import write_table
from mgp_jax.cli.common import DEFAULT_GENERATOR, OK, Command, Files, Flag
from mgp_jax.cli.result_folder import FREE, asked_for, claim_results
from mgp_jax.errors import ImageError
from mgp_jax.seeds import check_seed

if TYPE_CHECKING:
    import numpy as np

    from mgp_jax.analysis import Cell
    from mgp_jax.generators import Generator
    from mgp_jax.recipes import Recipe


@dataclass(frozen=True, kw_only=True)
class OfQuality(Command):
    """The options of analyses of quality: codes alone are optimised, without residual."""

    inputs: Files
    """Clean photographs, files or folders."""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder for the results."""
    recipe: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "fast"
    """Recipe whose phases of the codes are run."""
    steps: Annotated[int | None, tyro.conf.arg(metavar="K")] = None
    """Number of steps; the recipe's unless given."""
    seed: int = 0
    """Seed of the random starts."""
    overwrite: Flag = False
    """Start anew if the folder holds such results with other settings."""

    def recipe_for(self, degradation: Any, generator: "Generator") -> "Recipe":
        """Returns the recipe of the inversions for a degradation."""
        from mgp_jax.recipe_files import choose_recipe
        from mgp_jax.recipes import codes_only, recipe_for

        named = partial(recipe_for, degradation=degradation, what=generator)
        recipe = codes_only(choose_recipe(self.recipe, named))
        return recipe if self.steps is None else recipe.with_(steps=self.steps)

    def settings(self) -> "dict[str, Any]":
        """Returns what was asked for, of which photographs."""
        from mgp_jax.batch import find_inputs
        from mgp_jax.batch.inputs import identity

        paths = [identity(entry.path) for entry in find_inputs(self.inputs).entries]
        return asked_for(self, FREE) | {"inputs": paths}

    def read(self, generator: "Generator") -> "dict[str, np.ndarray]":
        """Returns the photographs by the name of the folder that they are in; bad ones are named.

        Raises:
            ImageError: none is readable.
        """
        import sys

        import numpy as np

        from mgp_jax.images import find_images, read_image

        groups: dict[str, list[Any]] = {}
        for path in find_images(self.inputs):
            try:
                image = read_image(path, generator.resolution, generator.channels)
            except ImageError as error:
                print(f"mgp: {error}", file=sys.stderr)
                continue
            groups.setdefault(path.resolve().parent.name, []).append(image)
        if not groups:
            raise ImageError("none of the photographs is readable")
        return {name: np.stack(images) for name, images in groups.items()}

    def show_cell(self, cell: "Cell") -> None:
        """Prints one line about a measurement."""
        from mgp_jax.metrics import PAIR, describe

        place = f"{cell.generator}, {cell.images}, {cell.task}, cut {cell.cut}, {cell.codes} codes"
        self.telling.say(f"{place}: {', '.join(describe(cell.scores, PAIR)) or '-'}")

    def write(self, folder: Path, cells: "Sequence[Cell]", figure: Path) -> None:
        """Writes the cells as a table, and tells where their figure is."""
        records = [cell.record() for cell in cells]
        self.telling.answer({"figure": str(figure), "records": records}, str(figure))
        write_table(folder / "table.csv", records)
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / "results.jsonl").write_text(lines)


@dataclass(frozen=True, kw_only=True)
class Layers(OfQuality):
    """Measure the quality of tasks over cuts and numbers of codes.

    Example: mgp analyse layers photos/ --out known --cuts 1 2 3 4 --counts 1 5 20
    """

    name: ClassVar[str] = "layers"

    generator: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = DEFAULT_GENERATOR
    """A bundled generator (faces1024, faces64) or a file written by mgp-convert."""
    cuts: Annotated[tuple[str, ...], tyro.conf.arg(metavar="INDEX|NAME...")] = ()
    """Where to cut; behind the last layer of every resolution unless given."""
    counts: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N...")] = (1, 5, 20)
    """Numbers of codes."""
    tasks: Annotated[tuple[str, ...], tyro.conf.arg(metavar="SPEC...")] = ()
    """Degradations as for `mgp restore`; reconstruction, colorization and a central hole of a
    quarter of the side unless given."""

    def run(self, argv: Sequence[str]) -> int:
        """Measures and draws."""
        import numpy as np

        from mgp_jax.analysis import cuts_of, measure
        from mgp_jax.degradations import parse
        from mgp_jax.generators import load_generator
        from mgp_jax.report.figures import quality_curves, save_figure

        check_seed(self.seed)
        generator = load_generator(self.generator)
        size = generator.resolution
        specs = self.tasks or ("identity", "gray", f"mask:center:{size // 4}")
        tasks = [parse(spec, size, generator.channels) for spec in specs]
        cuts = [generator.cut(cut) for cut in self.cuts] or cuts_of(generator)
        images = np.concatenate(list(self.read(generator).values()))
        folder = self.out / "analysis" / self.name
        claim_results(folder, self.settings(), self.overwrite)
        cells = measure(
            generator,
            images,
            tasks,
            cuts,
            self.counts,
            lambda degradation: self.recipe_for(degradation, generator),
            f"{len(images)} photographs",
            self.show_cell,
            seed=self.seed,
        )
        title = f"{generator.name}: {len(images)} photographs, codes alone"
        path = save_figure(quality_curves(cells, title), folder / "layers.png")
        self.write(folder, cells, path)
        return OK


@dataclass(frozen=True, kw_only=True)
class Domains(OfQuality):
    """Measure how generators reconstruct photographs of their own and of other domains.

    The photographs of a folder are a domain, named after it.

    Example: mgp analyse domains faces/ places/ --out known --generators faces64 places.safetensors
    """

    name: ClassVar[str] = "domains"

    generators: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME|FILE...")] = (
        DEFAULT_GENERATOR,
    )
    """Generators."""
    cuts: Annotated[tuple[str, ...], tyro.conf.arg(metavar="INDEX|NAME...")] = ()
    """Where to cut; the default cut of each generator unless given."""
    task: Annotated[str, tyro.conf.arg(metavar="SPEC")] = "identity"
    """Degradation as for `mgp restore`."""

    def run(self, argv: Sequence[str]) -> int:
        """Measures and draws."""
        from mgp_jax.analysis import measure_domains
        from mgp_jax.degradations import parse
        from mgp_jax.generators import load_generator
        from mgp_jax.report.figures import domain_bars, save_figure

        check_seed(self.seed)
        generators = [load_generator(name) for name in self.generators]
        for generator in generators:
            for cut in self.cuts:
                generator.cut(cut)
        groups = [self.read(generator) for generator in generators]
        folder = self.out / "analysis" / self.name
        claim_results(folder, self.settings(), self.overwrite)
        cells = []
        for generator, images in zip(generators, groups, strict=True):
            degradation = parse(self.task, generator.resolution, generator.channels)
            cells += measure_domains(
                generator,
                images,
                self.cuts or None,
                degradation,
                self.recipe_for(degradation, generator),
                self.show_cell,
                seed=self.seed,
            )
        title = f"{self.task}: generators and domains"
        path = save_figure(domain_bars(cells, title), folder / "domains.png")
        self.write(folder, cells, path)
        return OK
