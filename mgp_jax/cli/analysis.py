"""The command `mgp analyse`: what codes, channels and layers know, in arrays and figures."""

import csv
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

import tyro

from mgp_jax.cli.common import OK, Command, Files, Telling, check_seed
from mgp_jax.cli.editing import Inverted, Inverting, finish, new_folder
from mgp_jax.errors import ImageError, MGPError, SettingError

if TYPE_CHECKING:
    import numpy as np

    from mgp_jax.analysis import Cell
    from mgp_jax.batch import Record
    from mgp_jax.codes import Codes
    from mgp_jax.generators import Generator
    from mgp_jax.inversion import InversionConfig


class Subject(NamedTuple):
    """What is analysed: the inversion of one photograph.

    Attributes:
        generator: the generator.
        codes: the codes, without the residual: what it adds is no code's.
        residual: the codes with the residual.
        cut: index of the cut.
        space: the space of the codes.
        stem: name of the photograph's files.
    """

    generator: "Generator"
    codes: "Codes"
    residual: "Codes"
    cut: int
    space: str
    stem: str


@dataclass(frozen=True, kw_only=True)
class OfPhotographs(Inverting):
    """What the analyses of inverted photographs have in common.

    Results are written to DIR/analysis/NAME; the inversions are those of `mgp edit`.
    """

    @abstractmethod
    def analyse(self, subject: Subject, folder: Path) -> "Record":
        """Analyses one photograph, writes its files, and returns numbers for its record."""

    def run(self, argv: Sequence[str]) -> int:
        """Inverts and analyses all inputs."""
        from mgp_jax.generators import load_generator

        generator = load_generator(self.generator)
        cut, space = self.place(generator)
        self.check(generator)
        records = self.invert(generator, argv)
        folder = new_folder(self.out / "analysis" / self.name)
        results = []
        for item in self.inverted(generator, records):
            if isinstance(item, Inverted):
                bare = item.codes._replace(residual=None)
                subject = Subject(generator, bare, item.codes, cut, space, item.stem)
                numbers = self.analyse(subject, folder)
                about = {"status": "ok", "error": None, "picture": f"{item.stem}.png"}
                results.append({"input": item.record["input"], **about, **numbers})
            else:
                results.append(item)
        return finish(folder, results, "analyses", self.telling)

    def check(self, generator: "Generator") -> None:
        """Raises SettingError or ImageError for settings that cannot work, before inverting."""


@dataclass(frozen=True, kw_only=True)
class CodesAlone(OfPhotographs):
    """Images of every code alone and of the sum without it.

    Example: mgp analyse codes photo.png --out known
    """

    name: ClassVar[str] = "codes"

    def analyse(self, subject: Subject, folder: Path) -> "Record":
        """Renders the codes of one photograph."""
        from mgp_jax.analysis import code_images
        from mgp_jax.report.figures import image_rows, save_figure

        generator, codes, _, cut, space, stem = subject
        images = code_images(generator, codes, cut, space)
        save_arrays(folder / f"{stem}.npz", images._asdict())
        rows = {
            "alone": images.alone,
            "alone,\nscaled": images.scaled,
            "all but\nthis code": images.without,
        }
        titles = [f"code {number}" for number in range(len(images.alone))]
        figure = image_rows(rows, titles, f"{stem}: what the codes contribute, cut {cut}")
        save_figure(figure, folder / f"{stem}.png")
        return {}


@dataclass(frozen=True, kw_only=True)
class AblatedCodes(OfPhotographs):
    """Zero the largest importances of each code and match what changes to segments of the image.

    Example: mgp analyse ablation photo.png --out known --segments 6
    """

    name: ClassVar[str] = "ablation"

    threshold: float | None = None
    """Importances above it are set to zero (the paper's: 0.2); one that a tenth of the image's
    importances exceed, unless given."""
    segments: Annotated[str, tyro.conf.arg(metavar="COUNT|FILE.png")] = "6"
    """A number of segments to find in the generator's features; or an image file: a mask, or a
    segmentation with a gray level or colour for each segment."""
    area: float = 0.2
    """Share of the pixels, those that change most, that are compared with the segments."""

    def check(self, generator: "Generator") -> None:
        """Reads the segmentation, if one is given."""
        if not self.segments.isdecimal():
            from mgp_jax.analysis import read_segments

            read_segments(self.segments, generator.resolution)

    def analyse(self, subject: Subject, folder: Path) -> "Record":
        """Ablates the codes of one photograph."""
        import numpy as np

        from mgp_jax.analysis import ablate, find_segments, match_segments, read_segments
        from mgp_jax.codes import render
        from mgp_jax.report.figures import image_rows, save_figure, segment_matches

        generator, codes, _, cut, space, stem = subject
        result = ablate(generator, codes, cut, space, self.threshold)
        if self.segments.isdecimal():
            number = int(self.segments)
            segments = find_segments(generator, codes, cut, space, number, self.seed)
        else:
            segments = read_segments(self.segments, generator.resolution)
        matches = match_segments(result.differences, segments, self.area)
        save_arrays(
            folder / f"{stem}.npz", result._asdict() | matches._asdict() | {"segments": segments}
        )
        table = [
            {
                "code": code,
                "zeroed": int(result.zeroed[code]),
                "segment": int(matches.labels[best]) if best >= 0 else None,
                "iou": float(matches.iou[code, best]) if best >= 0 else None,
                "chance": float(matches.chance[best]) if best >= 0 else None,
            }
            for code, best in enumerate(matches.best)
        ]
        write_table(folder / f"{stem}.csv", table)
        whole = np.asarray(render(generator, codes, cut, space))
        title = f"{stem}: importances above {result.threshold:.3g} zeroed"
        figure = segment_matches(whole, segments, matches.iou, matches.chance, title)
        save_figure(figure, folder / f"{stem}.png")
        rows = {"ablated": result.images, "change": result.differences}
        titles = [f"code {row['code']}: {row['zeroed']}" for row in table]
        title += " (how many: above each image)"
        save_figure(image_rows(rows, titles, title), folder / f"{stem}-changes.png")
        return {"threshold": result.threshold, "table": table}


@dataclass(frozen=True, kw_only=True)
class Importances(OfPhotographs):
    """Heat map of the importance of every channel of every code, and how sparse they are.

    Example: mgp analyse importances photo.png --out known
    """

    name: ClassVar[str] = "importances"

    def analyse(self, subject: Subject, folder: Path) -> "Record":
        """Draws the importances of one photograph."""
        from mgp_jax.analysis import importance_spread
        from mgp_jax.report.figures import heat_map, save_figure

        spread = importance_spread(subject.codes)
        save_arrays(folder / f"{subject.stem}.npz", spread._asdict())
        title = f"{subject.stem}: sparsity {spread.whole:.2f} (0 even, 1 one alone)"
        figure = heat_map(spread.importances, "channel", "code", "importance (alpha)", title)
        save_figure(figure, folder / f"{subject.stem}.png")
        return {
            "sparsity": spread.whole,
            "sparsity_of_codes": [float(value) for value in spread.codes],
            "negative": spread.negative,
        }


@dataclass(frozen=True, kw_only=True)
class RemovedObject(OfPhotographs):
    """Take codes out of a region, to make what they draw there vanish.

    Example: mgp analyse removal photo.png --out known --region object.png --count 5
    """

    name: ClassVar[str] = "removal"

    region: Annotated[Path, tyro.conf.arg(metavar="MASK.png")]
    """Image with the region in white."""
    count: Annotated[int, tyro.conf.arg(metavar="K")] = 1
    """How many codes are taken out: those with the largest effect on the region."""
    removed: Annotated[tuple[int, ...], tyro.conf.arg(metavar="NUMBER...")] = ()
    """Take these codes out instead, counted from 0."""

    def check(self, generator: "Generator") -> None:
        """Reads the region."""
        from mgp_jax.inversion import code_count

        self.read_region(generator)
        total = code_count(self.settings(generator))
        if not (0 < self.count < total and all(0 <= n < total for n in self.removed)):
            raise SettingError(
                f"removed codes: there are the codes 0 to {total - 1}, one must stay"
            )

    def read_region(self, generator: "Generator") -> "np.ndarray":
        """Returns bool[H, W]."""
        import numpy as np

        from mgp_jax.images import read_mask

        return np.asarray(read_mask(self.region, generator.resolution))[..., 0] == 0

    def analyse(self, subject: Subject, folder: Path) -> "Record":
        """Takes codes out of one photograph."""
        import numpy as np

        from mgp_jax.analysis import difference, remove
        from mgp_jax.codes import render
        from mgp_jax.images import write_image
        from mgp_jax.report.figures import image_rows, save_figure

        generator, _, codes, cut, space, stem = subject
        region = self.read_region(generator)
        chosen = list(self.removed) or None
        result = remove(generator, codes, region, cut, space, chosen, self.count)
        whole = np.asarray(render(generator, codes, cut, space))
        write_image(folder / f"{stem}-removed.png", result.image)
        save_arrays(folder / f"{stem}.npz", result._asdict())
        change = difference(result.image, whole)
        marked = np.where(region[..., None], whole, whole * 0.3 - 0.7)
        figure = image_rows(
            {"": [whole, marked, result.image], "change": [0 * change, 0 * change, change]},
            ["inversion", "region", f"without {', '.join(map(str, result.codes))}"],
            stem,
        )
        save_figure(figure, folder / f"{stem}.png")
        return {
            "removed": result.codes,
            "effects": [float(value) for value in result.effects],
            "change_inside": float(change[region].mean()),
            "change_outside": float(change[~region].mean()),
        }


@dataclass(frozen=True, kw_only=True)
class DimensionOfFeatures(OfPhotographs):
    """Of how many independent maps the composed feature map is made.

    Example: mgp analyse dimension photo.png --out known
    """

    name: ClassVar[str] = "dimension"

    def analyse(self, subject: Subject, folder: Path) -> "Record":
        """Measures the parts of one photograph, and of as many random codes to compare with."""
        import jax
        import numpy as np

        from mgp_jax.analysis import effective_dimension
        from mgp_jax.codes import init_codes
        from mgp_jax.report.figures import lines, save_figure

        generator, codes, _, cut, space, stem = subject
        found = effective_dimension(generator, codes, cut, space)
        random = init_codes(generator, jax.random.key(self.seed), len(codes.z), cut, space)
        baseline = effective_dimension(generator, random, cut, space)
        arrays = {f"random_{name}": value for name, value in baseline._asdict().items()}
        save_arrays(folder / f"{stem}.npz", found._asdict() | arrays)
        axes = np.arange(1, len(codes.z) + 1)
        series = {
            f"{name}, dimension {item.whole:.1f}": (axes, np.cumsum(item.spectrum))
            for name, item in (("optimised codes", found), ("random codes", baseline))
        }
        title = f"{stem}: parts of {len(codes.z)} codes at cut {cut}"
        figure = lines(series, "principal axes", "share of the energy (cumulated)", title)
        save_figure(figure, folder / f"{stem}.png")
        return {
            "dimension": found.whole,
            "dimension_of_channels": float(found.channels.mean()),
            "random_dimension": baseline.whole,
            "random_dimension_of_channels": float(baseline.channels.mean()),
        }


@dataclass(frozen=True, kw_only=True)
class OfQuality(Command):
    """What the analyses of quality have in common: codes alone are optimised, without residual."""

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

    def config(self, degradation: Any, generator: "Generator") -> "InversionConfig":
        """Returns the settings of the inversions for a degradation."""
        from mgp_jax.inversion import InversionConfig
        from mgp_jax.recipe_files import choose_recipe
        from mgp_jax.recipes import codes_only

        recipe = codes_only(choose_recipe(self.recipe, degradation, generator.family))
        recipe = recipe if self.steps is None else recipe.with_steps(self.steps)
        return InversionConfig(recipe=recipe, seed=self.seed)

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
                image = read_image(path, generator.resolution)
            except ImageError as error:
                print(f"mgp: {error}", file=sys.stderr)
                continue
            groups.setdefault(path.resolve().parent.name, []).append(image)
        if not groups:
            raise ImageError("none of the photographs is readable")
        return {name: np.stack(images) for name, images in groups.items()}

    def show_cell(self, cell: "Cell") -> None:
        """Prints one line about a measurement."""
        text = f"{cell.generator}, {cell.images}, {cell.task}, cut {cell.cut}, {cell.codes} codes: "
        text += "PSNR -" if cell.psnr is None else f"PSNR {cell.psnr:.2f} dB"
        self.telling.say(text if cell.lpips is None else f"{text}, LPIPS {cell.lpips:.3f}")

    def write(self, folder: Path, cells: "Sequence[Cell]", figure: Path) -> None:
        """Writes the cells as a table, and tells where their figure is."""
        records = [cell._asdict() for cell in cells]
        self.telling.answer({"figure": str(figure), "records": records}, str(figure))
        write_table(folder / "table.csv", records)
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / "results.jsonl").write_text(lines)


@dataclass(frozen=True, kw_only=True)
class Layers(OfQuality):
    """What each layer knows: quality of tasks over cuts and numbers of codes.

    Example: mgp analyse layers photos/ --out known --cuts 1 2 3 4 --counts 1 5 20
    """

    name: ClassVar[str] = "layers"

    generator: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "faces64"
    """A bundled generator (faces64) or a file written by mgp-convert."""
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

        from mgp_jax.analysis import measure
        from mgp_jax.degradations import parse
        from mgp_jax.generators import load_generator
        from mgp_jax.report.figures import quality_curves, save_figure
        from mgp_jax.tables.grid import cuts_of

        check_seed(self.seed)
        generator = load_generator(self.generator)
        size = generator.resolution
        specs = self.tasks or ("identity", "gray", f"mask:center:{size // 4}")
        tasks = [parse(spec, size) for spec in specs]
        cuts = [generator.cut(cut) for cut in self.cuts] or cuts_of(generator)
        images = np.concatenate(list(self.read(generator).values()))
        folder = new_folder(self.out / "analysis" / self.name)
        cells = measure(
            generator,
            images,
            tasks,
            cuts,
            self.counts,
            lambda degradation: self.config(degradation, generator),
            f"{len(images)} photographs",
            self.show_cell,
        )
        title = f"{generator.name}: {len(images)} photographs, codes alone"
        path = save_figure(quality_curves(cells, title), folder / "layers.png")
        self.write(folder, cells, path)
        return OK


@dataclass(frozen=True, kw_only=True)
class Domains(OfQuality):
    """How generators reconstruct photographs of their own and of other domains.

    The photographs of a folder are a domain, named after it.

    Example: mgp analyse domains faces/ places/ --out known --generators faces64 places.safetensors
    """

    name: ClassVar[str] = "domains"

    generators: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME|FILE...")] = ("faces64",)
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
        folder = new_folder(self.out / "analysis" / self.name)
        cells = []
        for generator, images in zip(generators, groups, strict=True):
            degradation = parse(self.task, generator.resolution)
            cells += measure_domains(
                generator,
                images,
                self.cuts or None,
                degradation,
                self.config(degradation, generator),
                self.show_cell,
            )
        title = f"{self.task}: generators and domains"
        path = save_figure(domain_bars(cells, title), folder / "domains.png")
        self.write(folder, cells, path)
        return OK


@dataclass(frozen=True, kw_only=True)
class Analyse(Command):
    """See what codes, channels and layers know.

    Example: mgp analyse codes photo.png --out known
    """

    name: ClassVar[str] = "analyse"

    # Each analysis has its own.
    telling: Annotated[Telling, tyro.conf.Fixed, tyro.conf.Suppress] = Telling()
    what: tyro.conf.OmitSubcommandPrefixes[
        tyro.conf.OmitArgPrefixes[
            Annotated[CodesAlone, tyro.conf.subcommand("codes")]
            | Annotated[AblatedCodes, tyro.conf.subcommand("ablation")]
            | Annotated[Importances, tyro.conf.subcommand("importances")]
            | Annotated[RemovedObject, tyro.conf.subcommand("removal")]
            | Annotated[DimensionOfFeatures, tyro.conf.subcommand("dimension")]
            | Annotated[Layers, tyro.conf.subcommand("layers")]
            | Annotated[Domains, tyro.conf.subcommand("domains")]
        ]
    ]

    def chosen(self) -> Command:
        """Returns the analysis that was asked for."""
        return self.what

    def run(self, argv: Sequence[str]) -> int:
        """Runs the analysis."""
        return self.what.run(argv)


def save_arrays(path: Path, arrays: "Mapping[str, Any]") -> None:
    """Writes named arrays."""
    import numpy as np

    with open(path, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows as comma-separated values with a heading.

    Raises:
        MGPError: there are none.
    """
    if not rows:
        raise MGPError(f"{path}: there is nothing to write")
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
