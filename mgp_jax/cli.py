"""The command `mgp`.

Only what parses arguments is imported at the top, so that help comes at once; each command loads
what it runs.
"""

import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from mgp_jax.errors import ImageError, MGPError, SettingError

if TYPE_CHECKING:
    from mgp_jax.degradations import Degradation
    from mgp_jax.generators import Generator

OK, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

Files = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT...")]
Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff]
RecipeName = Literal["fast", "quality", "paper", "w", "w+"]


@dataclass(frozen=True, kw_only=True)
class Restoring:
    """What all commands that restore images have in common."""

    inputs: Files
    """Image files, or folders of them."""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder for the results; the same command on it again continues where it stopped."""
    generator: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "faces64"
    """A bundled generator (faces64) or a file written by mgp-convert."""
    codes: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Number of latent codes; the recipe's unless given."""
    layer: Annotated[str | None, tyro.conf.arg(metavar="INDEX|NAME")] = None
    """Where to cut the generator, see `mgp info`; the recipe's unless given."""
    steps: Annotated[int | None, tyro.conf.arg(metavar="K")] = None
    """Number of steps, shared among the recipe's phases; the recipe's unless given."""
    recipe: RecipeName = "fast"
    """fast: seconds; quality: better and slower; paper: as published, for comparison; w and w+: the
    usual projector of style-based generators, one code and the noise maps."""
    seed: int = 0
    """Seed of the random starts and of simulated noise."""
    batch_size: Annotated[int, tyro.conf.arg(metavar="B")] = 8
    """Images optimised at a time."""
    samples: Annotated[int, tyro.conf.arg(metavar="K")] = 1
    """Restorations of each image; their mean is the result, their deviation its uncertainty."""
    restarts: Annotated[int, tyro.conf.arg(metavar="R")] = 1
    """Starts of each restoration, of which the one that matches its observation best is kept."""
    target_psnr: Annotated[float | None, tyro.conf.arg(metavar="DB")] = None
    """Stop an image when the observation is matched to so many dB."""
    patience: Annotated[int | None, tyro.conf.arg(metavar="STEPS")] = None
    """Stop an image when its objective has not fallen for so many steps."""
    simulate: Flag = False
    """The inputs are clean images: degrade them first, and measure the result against them."""

    def spec(self) -> str:
        """Returns the degradation in its text form."""
        return "identity"


@dataclass(frozen=True, kw_only=True)
class Invert(Restoring):
    """Find codes that reproduce photographs.

    Example: mgp invert photos/ --out inverted
    """


@dataclass(frozen=True, kw_only=True)
class Colorize(Restoring):
    """Give gray photographs colours; their luminance is kept.

    Example: mgp colorize old.png --out colored
    """

    def spec(self) -> str:
        """Returns the degradation in its text form."""
        return "gray"


@dataclass(frozen=True, kw_only=True)
class SuperResolve(Restoring):
    """Enlarge low-resolution photographs to the generator's resolution.

    Inputs must have exactly that resolution divided by the factor; with --simulate they are reduced
    first. Example: mgp super-resolve small.png --out large --factor 4
    """

    factor: Annotated[int, tyro.conf.arg(metavar="F")]
    """How many times larger the result is."""
    method: str = "area"
    """How the inputs were reduced: area, bilinear, bicubic, bilinear-antialias or
    bicubic-antialias (the last is what most programs do)."""

    def spec(self) -> str:
        """Returns the degradation in its text form."""
        return f"down:{self.factor}:{self.method}"


@dataclass(frozen=True, kw_only=True)
class Inpaint(Restoring):
    """Fill in missing pixels; known ones are kept.

    Example: mgp inpaint scratched.png --out filled --mask scratches.png
    """

    mask: Annotated[str, tyro.conf.arg(metavar="MASK.png")]
    """Image with the missing pixels in white; or center:SIZE, or random:FRACTION."""

    def spec(self) -> str:
        """Returns the degradation in its text form."""
        return f"mask:{self.mask}"


@dataclass(frozen=True, kw_only=True)
class Denoise(Restoring):
    """Remove Gaussian noise of known strength.

    Example: mgp denoise noisy.png --out clean --sigma 0.1
    """

    sigma: Annotated[float, tyro.conf.arg(metavar="S")]
    """Standard deviation of the noise, pixel values being 0 to 1."""

    def spec(self) -> str:
        """Returns the degradation in its text form."""
        return f"noise:{self.sigma}"


@dataclass(frozen=True, kw_only=True)
class Deblur(Restoring):
    """Sharpen blurred photographs.

    Example: mgp deblur soft.png --out sharp --blur gaussian:1.5
    """

    blur: Annotated[str, tyro.conf.arg(metavar="KIND")]
    """gaussian:SIGMA or motion:LENGTH:ANGLE, in pixels of the generator's image and degrees."""

    def spec(self) -> str:
        """Returns the degradation in its text form."""
        return f"blur:{self.blur}"


@dataclass(frozen=True, kw_only=True)
class Restore(Restoring):
    """Undo any chain of degradations.

    Example: mgp restore old.png --out new --degradation "gray|down:2|noise:0.05"
    """

    degradation: Annotated[str, tyro.conf.arg(metavar="SPEC")]
    """Operators from first to last, joined by |: gray, down:F, mask:FILE, mask:center:SIZE,
    mask:random:FRACTION, blur:gaussian:SIGMA, blur:motion:LENGTH:ANGLE, noise:SIGMA, impulse:
    FRACTION, jpeg:QUALITY, cs:FRACTION."""

    def spec(self) -> str:
        """Returns the degradation in its text form."""
        return self.degradation


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Run all tasks on the bundled photograph and write a page to look at.

    Example: mgp demo --out demo
    """

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("demo")
    """Folder for the results."""


@dataclass(frozen=True, kw_only=True)
class Info:
    """Show the stages of a generator and where it can be cut.

    Example: mgp info faces64
    """

    generator: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GENERATOR")]
    """A bundled generator (faces64) or a file written by mgp-convert."""
    json: Flag = False
    """Print JSON."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Render random or given latent codes.

    Example: mgp sample faces64 --out faces.png --count 16
    """

    generator: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GENERATOR")]
    """A bundled generator (faces64) or a file written by mgp-convert."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.png")]
    """Image to write; several samples are tiled."""
    count: Annotated[int, tyro.conf.arg(metavar="N")] = 16
    """Number of random codes."""
    seed: int = 0
    """Seed of the random codes."""
    latents: Annotated[Path | None, tyro.conf.arg(metavar="Z.npy")] = None
    """Array of latent codes [N, latent size] to render instead of random ones."""
    truncation: Annotated[float | None, tyro.conf.arg(metavar="PSI")] = None
    """Pull styles towards their mean, 1 = not at all (style-based generators)."""
    save_array: Annotated[Path | None, tyro.conf.arg(metavar="X.npy")] = None
    """Also write the raw output, float32 [N, H, W, C]."""


COMMANDS: dict[str, type] = {
    "demo": Demo,
    "invert": Invert,
    "colorize": Colorize,
    "super-resolve": SuperResolve,
    "inpaint": Inpaint,
    "denoise": Denoise,
    "deblur": Deblur,
    "restore": Restore,
    "info": Info,
    "sample": Sample,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: arguments without the program's name; None for those of the process.

    Returns: the exit status: 0 all well, 1 some inputs failed, 2 wrong usage.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    arguments = tyro.extras.subcommand_cli_from_dict(
        COMMANDS,
        prog="mgp",
        description="Restore and edit photographs with a trained, frozen GAN.",
        args=argv,
    )
    try:
        return execute(arguments, argv)
    except SettingError as error:
        print(f"mgp: {error}", file=sys.stderr)
        return WRONG_USAGE
    except MGPError as error:
        print(f"mgp: {error}", file=sys.stderr)
        return SOME_FAILED
    except KeyboardInterrupt:
        print("mgp: stopped; the same command continues where it was", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has seen enough; keep Python from complaining at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def execute(arguments: Any, argv: Sequence[str]) -> int:
    """Carries out parsed arguments and returns the exit status."""
    enable_compilation_cache()
    match arguments:
        case Restoring():
            return restore_files(arguments, argv)
        case Demo():
            from mgp_jax.demo import run_demo

            return run_demo(arguments.out)
        case Info():
            from mgp_jax.generators import load_generator

            show_info(load_generator(arguments.generator), arguments.json)
            return OK
        case Sample():
            sample(arguments)
            return OK
    raise AssertionError(arguments)


def enable_compilation_cache() -> None:
    """Keeps compiled programs in a folder of the user's cache, unless JAX is told another."""
    import jax

    if getattr(jax.config, "jax_compilation_cache_dir", None) is None:
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        jax.config.update("jax_compilation_cache_dir", str(Path(root) / "mgp_jax" / "compiled"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def restore_files(arguments: Restoring, argv: Sequence[str]) -> int:
    """Runs one of the restoring commands."""
    from rich.console import Console

    from mgp_jax.batch import Job, run, summary
    from mgp_jax.degradations import parse
    from mgp_jax.generators import load_generator
    from mgp_jax.inversion import InversionConfig
    from mgp_jax.progress import Reporter
    from mgp_jax.recipes import recipe_for
    from mgp_jax.report import write_contact_sheet, write_page

    if not arguments.inputs:
        raise SettingError("no input images are given")
    check_seed(arguments.seed)
    task = next(name for name, kind in COMMANDS.items() if kind is type(arguments))
    generator = load_generator(arguments.generator)
    degradation: Degradation = parse(arguments.spec(), generator.resolution)
    recipe = recipe_for(arguments.recipe, degradation, generator.family)
    config = InversionConfig(
        recipe=recipe if arguments.steps is None else recipe.with_steps(arguments.steps),
        codes=arguments.codes,
        layer=arguments.layer,
        seed=arguments.seed,
        patience=arguments.patience,
        target_psnr=arguments.target_psnr,
    )
    job = Job(
        task=task,
        generator=generator,
        degradation=degradation,
        config=config,
        samples=arguments.samples,
        restarts=arguments.restarts,
        simulate=arguments.simulate,
        batch_size=arguments.batch_size,
        note={"command": shlex.join(["mgp", *argv])},
    )
    reporter = Reporter(Console(stderr=True), task)
    with reporter.shown():
        records = run(job, arguments.inputs, arguments.out, reporter)
    write_contact_sheet(arguments.out)
    page = write_page(arguments.out)
    print(f"{summary(records)}\n{page}")
    return OK if all(record["status"] == "ok" for record in records) else SOME_FAILED


def check_seed(seed: int) -> None:
    """Raises SettingError for a seed that JAX cannot take."""
    if not -(2**63) <= seed < 2**63:
        raise SettingError(f"seed: {seed}, at most 64 bits are possible")


def show_info(generator: "Generator", as_json: bool) -> None:
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
        "parameters": count,
        "licence": generator.licence,
        "provenance": dict(generator.provenance),
    }
    if as_json:
        print(json.dumps(facts | {"stages": stages}, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for name, value in facts.items():
        text = "; ".join(f"{k}: {v}" for k, v in value.items()) if name == "provenance" else value
        console.print(f"{name.replace('_', ' ')}: {text}", markup=False, highlight=False)
    table = Table("--layer", "stage", "shape behind it")
    for stage in stages:
        shapes = " + ".join("x".join(map(str, shape)) for shape in stage["shape"])
        table.add_row(str(stage["index"]), stage["name"], shapes)
    console.print(table)


def sample(arguments: Sample) -> None:
    """Renders random or given latent codes to a tiled image.

    Raises:
        SettingError: the number of codes, the latents' shape or the truncation is not possible.
        ImageError: a file cannot be read or written.
    """
    import numpy as np

    from mgp_jax.generators import generate, load_generator, random_latents
    from mgp_jax.images import write_image
    from mgp_jax.report import tile

    check_seed(arguments.seed)
    generator = load_generator(arguments.generator)
    if arguments.latents is None:
        latents = random_latents(generator, arguments.count, arguments.seed)
    else:
        latents = _read_latents(arguments.latents, generator.latent_shape)
    images = np.asarray(generate(generator, latents, truncation=arguments.truncation))
    write_image(arguments.out, tile(images))
    if arguments.save_array is not None:
        try:
            with open(arguments.save_array, "wb") as file:
                np.save(file, images)
        except OSError as error:
            message = f"{arguments.save_array}: cannot be written ({error.strerror})"
            raise ImageError(message) from None


def _read_latents(path: Path, shape: tuple[int, ...]) -> Any:
    import zipfile

    import numpy as np

    try:
        with open(path, "rb") as file:
            latents = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ImageError(f"{path}: not a readable array ({error})") from None
    if not isinstance(latents, np.ndarray):
        raise ImageError(f"{path}: an archive of arrays, one array (.npy) is needed")
    if latents.shape[1:] != shape or not len(latents) or latents.dtype.kind not in "fiu":
        raise SettingError(
            f"{path}: latent codes are numbers [N, {', '.join(map(str, shape))}], "
            f"not {latents.dtype} {list(latents.shape)}"
        )
    return latents.astype(np.float32)


if __name__ == "__main__":
    sys.exit(main())
