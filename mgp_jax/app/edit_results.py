"""What an edit leaves behind: the face, the photograph with it, the command that does the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mgp_jax.app.editing import Edits
from mgp_jax.app.restoring import Restored
from mgp_jax.app.uploads import READING
from mgp_jax.batch import placed_in_written
from mgp_jax.images import write_image


class EditResult(NamedTuple):
    """The files of an edit.

    Attributes:
        face: what the generator draws.
        photograph: the restored photograph with the edited face in it; None without faces.
        region: in white where the face may change; None for everywhere.
        command: the command that makes the face, or the photograph, after that of the restoration;
            None for several directions at once, or none.
        several: whether there are several.
    """

    face: Path
    photograph: Path | None
    region: Path | None
    command: list[str] | None
    several: bool


def write_edit(restored: Restored, place: int, edits: Edits, image: np.ndarray) -> EditResult:
    """Writes an edited face, in place of what has been written of it before.

    Args:
        restored: whose face.
        place: which of its faces, from 0.
        edits: how it is edited.
        image: float[R, R, C] in [-1, 1] up to overshoots.

    Raises:
        MGPError: the photograph can no longer be read.
    """
    codes = restored.codes[place]
    folder = restored.folder / "edits"
    folder.mkdir(exist_ok=True)
    face, photograph, region = folder / f"{codes.stem}.png", None, None
    write_image(face, image)
    placed = placed_in_written(codes)
    if placed is not None:
        photograph = folder / f"{codes.stem}-in-photograph.png"
        (whole,) = placed.put_back([[image]], READING)
        write_image(photograph, whole)
    if edits.region is not None:
        region = folder / f"{codes.stem}-region.png"
        write_image(region, np.where(edits.region, np.uint8(255), np.uint8(0)))
    moves = [(spec, strength) for spec, strength in edits.strengths.items() if strength]
    told = None
    if len(moves) == 1:
        told = list(command(restored, codes, *moves[0], edits, placed is not None))
    return EditResult(face, photograph, region, told, len(moves) > 1)


def command(
    restored: Restored, codes: Path, spec: str, strength: float, edits: Edits, put_back: bool
) -> Iterator[str]:
    """Yields the words of the command that moves a face along one direction."""
    # Of two frames one is the face as it was.
    ends = f"0:{strength:g}" if strength > 0 else f"{strength:g}:0"
    yield from ("mgp", "edit", "--codes", str(codes.relative_to(restored.folder.parent)))
    yield from ("--out", f"{restored.wish.input.stem}-edited")
    yield from ("--generator", restored.wish.generator, "--direction", spec)
    yield from (f"--range={ends}", "--frames", "2")
    if edits.layers is not None:
        yield from ("--layers", "{}:{}".format(*edits.layers))
    if edits.region is not None:
        yield from ("--mask", f"{codes.stem}-region.png")
    if put_back:
        yield "--put-back"
