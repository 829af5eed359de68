"""Files that visitors bring: only images, by what is in them, within limits, under harmless names.

Whatever is wrong with one ends in an `ImageError` of one line with the visitor's own name for it;
no path of the server is shown.
"""

import base64
import io
import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from mgp_jax.errors import ImageError
from mgp_jax.images import Reading, read_whole, to_uint8, unique_stems

MOST_BYTES = 64 * 2**20
READING = Reading(max_pixels=50_000_000)
# The longer side of what is shown, and painted on.
LONGEST = 1024
# What browsers make of a canvas, in characters at most. Alpha from here on counts as painted.
CANVAS, MOST_STROKES, PAINTED = "data:image/png;base64,", 4 * 2**20, 128
LONGEST_SUFFIX = 8


@dataclass(frozen=True)
class Photograph:
    """A photograph that a visitor has brought.

    Attributes:
        file: where it is kept, as it came.
        width: in pixels, upright.
        height: in pixels.
        shown: uint8[H, W, 3], reduced if it is large.
        notes: what there is to know about the file.
    """

    file: Path
    width: int
    height: int
    shown: np.ndarray = field(repr=False, compare=False)
    notes: tuple[str, ...] = ()


def accept(path: str | os.PathLike[str], name: str, folder: Path) -> Photograph:
    """Takes a file that has been uploaded, if it is an image.

    Args:
        path: where the upload lies.
        name: what the visitor calls it.
        folder: where it goes; what is there goes.

    Raises:
        ImageError: it is no image that can be read, or too large.
    """
    name = safe_name(name)
    try:
        if os.path.islink(path) or not os.path.isfile(path):
            raise ImageError(f"{path}: is not a file")
        if os.path.getsize(path) > MOST_BYTES:
            raise ImageError(f"{path}: has more than {MOST_BYTES // 2**20} MiB")
        levels, notes = read_whole(path, READING)
    except ImageError as error:
        raise ImageError(without_paths(error, {str(path): name})) from None
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(path, folder / name)
    height, width = levels.shape[:2]
    pixels = to_uint8(levels)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return Photograph(folder / name, width, height, np.asarray(picture), notes)


def safe_name(name: str) -> str:
    """Returns a name without folders and without what a file system or a command might take amiss.

    Example:
        >>> from mgp_jax.app.uploads import safe_name
        >>> safe_name("../../holiday <b>.JPG")
        'holiday _b_.jpg'
    """
    path = Path(name.replace("\\", "/"))
    (stem,) = unique_stems([path.name])
    suffix = path.suffix.lower()
    if not re.fullmatch(r"\.[a-z0-9]+", suffix) or len(suffix) > LONGEST_SUFFIX:
        suffix = ".png"
    # With a dash in front a command would take it for an option.
    return (stem.lstrip("-") or "image") + suffix


def painted(strokes: str | None) -> np.ndarray | None:
    """Reads what has been painted over a photograph.

    Args:
        strokes: a PNG file as a `data:` URL, as a browser makes it of a canvas; empty for nothing.

    Returns: bool[H, W], or None where nothing is painted.

    Raises:
        ImageError: it is no such picture.
    """
    if not strokes:
        return None
    if not strokes.startswith(CANVAS) or len(strokes) > MOST_STROKES:
        raise ImageError("what is painted cannot be read")
    try:
        file = io.BytesIO(base64.b64decode(strokes.removeprefix(CANVAS), validate=True))
        with Image.open(file, formats=("PNG",)) as picture:
            if max(picture.size) > LONGEST:
                raise ImageError("what is painted is larger than the photograph")
            alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    except ImageError:
        raise
    except Exception:  # Decoders raise whatever a damaged file drives them into.
        raise ImageError("what is painted cannot be read") from None
    found = alpha >= PAINTED
    return found if found.any() else None


def enlarged_to(holes: np.ndarray | None, width: int, height: int) -> np.ndarray | None:
    """Brings what is painted over a reduced photograph to the size of the photograph.

    Returns: bool[height, width]; None where nothing is painted.
    """
    if holes is None:
        return None
    picture = Image.fromarray(holes.astype(np.uint8))
    return np.asarray(picture.resize((width, height), Image.Resampling.NEAREST)) > 0


def without_paths(error: Exception, names: dict[str, str]) -> str:
    """Returns what an error says, in one sentence and with names in place of the server's paths."""
    text = " ".join(str(error).split())
    for path, name in names.items():
        text = text.replace(path, name)
    return text
