"""The commands that look at a generator: its stages, its samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import tyro

from mgp_jax.cli.common import OK, Command, LabelOption, Space, Telling
from mgp_jax.seeds import check_seed

if TYPE_CHECKING:
    from mgp_jax.generators import Generator


@dataclass(frozen=True, kw_only=True)
class Info(Command):
    """Show the stages of a generator and where it can be cut.

    Example: mgp info faces1024
    """

    name: ClassVar[str] = "info"

    generator: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GENERATOR")]
    """A bundled generator (faces1024, faces64) or a file written by mgp-convert."""

    def run(self, argv: Sequence[str]) -> int:
        """Prints the stages."""
        from mgp_jax.generators.zoo import find_generator

        show_info(find_generator(self.generator), self.telling)
        return OK


@dataclass(frozen=True, kw_only=True)
class Sample(Command):
    """Render random or given latent codes.

    Example: mgp sample faces1024 --out faces.png --count 16
    """

    name: ClassVar[str] = "sample"

    generator: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GENERATOR")]
    """A bundled generator (faces1024, faces64) or a file written by mgp-convert."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.png")]
    """Image to write; several samples are tiled."""
    count: Annotated[int, tyro.conf.arg(metavar="N")] = 16
    """Number of random codes."""
    seed: int = 0
    """Seed of the random codes."""
    label: LabelOption = None
    """Class to draw, from 0 on, or mean for all alike: for generators of several classes."""
    latents: Annotated[Path | None, tyro.conf.arg(metavar="FILE.npy|npz")] = None
    """Latent codes to render instead of random ones: an array (.npy) of Z or W [N, latent size] or
    of W+ [N, layers, latent size], a projected_w.npz, or the codes of a run."""
    latents_space: Space | None = None
    """The space of codes [N, latent size], where they could be of Z or W."""
    save_latents: Annotated[Path | None, tyro.conf.arg(metavar="FILE.npy|npz")] = None
    """Also write the codes, float32: of W+ [N, layers, latent size] as other programs take them,
    named w in an archive; of Z [N, latent size] where the generator has no styles."""
    truncation: Annotated[float | None, tyro.conf.arg(metavar="PSI")] = None
    """Pull styles towards their mean, 1 = not at all (style-based generators)."""
    save_array: Annotated[Path | None, tyro.conf.arg(metavar="X.npy")] = None
    """Also write the raw output, float32 [N, H, W, C]."""

    def run(self, argv: Sequence[str]) -> int:
        """Renders the codes."""
        count = sample(self)
        files = {"array": self.save_array, "latents": self.save_latents}
        names = {kind: None if path is None else str(path) for kind, path in files.items()}
        facts = {"image": str(self.out), **names, "count": count}
        self.telling.answer(facts, f"{count} samples: {self.out}")
        return OK


def show_info(generator: "Generator", telling: Telling) -> None:
    """Prints the stages of a generator: index of the cut behind each, name and output shape."""
    import jax

    stages = [
        {
            "index": index,
            "name": name,
            "shape": [list(leaf.shape[1:]) for leaf in jax.tree.leaves(generator.shapes[index])],
        }
        for index, name in enumerate(("latent code", *generator.stages))
    ]
    count = sum(leaf.size for leaf in jax.tree.leaves(generator.params))
    facts = {
        "name": generator.name,
        "family": generator.family,
        "resolution": generator.resolution,
        "latent_shape": list(generator.latent_shape),
        "spaces": [name for name, _ in generator.config.spaces],
        "classes": generator.classes,
        "parameters": count,
        "licence": generator.licence,
        "provenance": dict(generator.provenance),
    }
    from rich.console import Console
    from rich.table import Table

    table = Table("--layer", "stage", "shape behind it")
    for stage in stages:
        shapes = " + ".join("x".join(map(str, shape)) for shape in stage["shape"])
        table.add_row(str(stage["index"]), stage["name"], shapes)
    console = Console()
    with console.capture() as capture:
        for name, value in facts.items():
            if name == "provenance":
                value = "; ".join(f"{k}: {v}" for k, v in value.items())
            console.print(f"{name.replace('_', ' ')}: {value}", markup=False, highlight=False)
        console.print(table)
    telling.answer(facts | {"stages": stages}, capture.get().rstrip())


def sample(arguments: Sample) -> int:
    """Renders random or given latent codes to a tiled image and returns their number.

    Raises:
        SettingError: the number of codes, the latents' shape or the truncation is not possible.
        ImageError: a file cannot be read or written.
    """
    import numpy as np

    from mgp_jax.code_files import Latents, read_latents, save_latents
    from mgp_jax.generators import generate, load_generator, random_latents
    from mgp_jax.images import write_array, write_image
    from mgp_jax.report import tile

    check_seed(arguments.seed)
    generator = load_generator(arguments.generator, arguments.label)
    if arguments.latents is None:
        drawn = random_latents(generator, arguments.count, arguments.seed)
        latents = Latents(np.asarray(drawn), "z")
    else:
        latents = read_latents(arguments.latents, generator, arguments.latents_space)
    values, space = latents
    images = np.asarray(generate(generator, values, arguments.truncation, space))
    write_image(arguments.out, tile(images))
    if arguments.save_array is not None:
        write_array(arguments.save_array, images)
    if arguments.save_latents is not None:
        save_latents(arguments.save_latents, generator, latents, arguments.truncation)
    return len(images)
