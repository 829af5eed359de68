"""Opens image files of the known formats, whatever is wrong with them."""

import contextlib
import os
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from PIL import Image, ImageOps

from mgp_jax.errors import ImageError
from mgp_jax.files import path_of, reason

# Pillow would also run Ghostscript for EPS and open containers of other kinds; only these are read.
FORMATS = ("AVIF", "BMP", "GIF", "HEIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")
# What files begin with that people take for images: bytes, where they stand, what they mean.
KINDS = (
    *((4, b"ftyp" + brand, "HEIC") for brand in (b"hei", b"hev", b"mif1", b"msf1")),
    (4, b"ftypavi", "AVIF"),
    (4, b"ftypcrx", "a raw photograph; develop it first"),
    (4, b"ftyp", "a video"),
    (0, b"%PDF", "a PDF document"),
    (0, b"8BPS", "a Photoshop file; export it as PNG or TIFF"),
)
DNG_VERSION, SUBFILE_TYPE = 50706, 254

_opening = threading.Lock()


@dataclass(frozen=True)
class Reading:
    """How image files are read.

    Attributes:
        white: the level that is white in images of more than 8 bits; None for the largest that the
            file's type can hold, 1 for floating point.
        max_pixels: images of more pixels are not decoded: a few bytes can claim any number of
            them, which would fill the memory.
    """

    white: float | None = None
    max_pixels: int = 178_956_970


def check_file(path: Path) -> None:
    """Raises an ImageError unless there is a file (a pipe or device is none, it might block)."""
    if path.is_dir():
        raise ImageError(f"{path}: is a folder, not an image")
    if not path.exists():
        raise ImageError(f"{path}: there is no such file")
    if not path.is_file():
        raise ImageError(f"{path}: is not a file")
    if path.stat().st_size == 0:
        raise ImageError(f"{path}: the file is empty")


def reads_heic() -> bool:
    """Returns whether the package is installed that reads HEIC."""
    return find_spec("pillow_heif") is not None


@contextlib.contextmanager
def opened(path: Path, reading: Reading) -> Iterator[Image.Image]:
    """Opens an image; nothing is decoded yet.

    Raises:
        ImageError: it cannot be read, also while it is decoded in the body.
    """
    try:
        check_file(path)
        with path.open("rb") as file, _open(file) as picture:
            width, height = picture.size
            if width * height > reading.max_pixels:
                raise ImageError(
                    f"{path}: {width}x{height} are too many pixels, the limit is "
                    f"{reading.max_pixels}; --max-pixels raises it"
                )
            if _is_raw(picture):
                raise ImageError(
                    f"{path}: is a raw photograph, of which only a preview could be read; develop "
                    "it first"
                )
            yield picture
    except ImageError:
        raise
    except Image.UnidentifiedImageError:
        raise ImageError(f"{path}: {_what_else(path)}") from None
    except MemoryError:
        raise ImageError(f"{path}: the image does not fit into memory") from None
    except Exception as error:  # Decoders raise whatever a damaged file drives them into.
        raise ImageError(f"{path}: cannot be read: {reason(error)}") from None


def upright(picture: Image.Image) -> Image.Image:
    """Applies the EXIF rotation; damaged EXIF data do not make a sound image unreadable."""
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:
        return picture.copy()


def upright_size(path: str | os.PathLike[str], reading: Reading = Reading()) -> tuple[int, int]:
    """Returns width and height of an image as it is to be looked at, without decoding it.

    Raises:
        ImageError: it cannot be read.
    """
    with opened(path_of(path), reading) as picture:
        width, height = picture.size
        try:
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        except Exception:  # Damaged EXIF data.
            turned = False
        return (height, width) if turned else (width, height)


def _open(file: IO[bytes]) -> Image.Image:
    if reads_heic():
        from pillow_heif import register_heif_opener

        register_heif_opener()
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    # Pillow's own limit of pixels belongs to the whole process, as do filters of warnings.
    with _opening, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=formats)
        finally:
            Image.MAX_IMAGE_PIXELS = most


def _is_raw(picture: Image.Image) -> bool:
    """Whether a TIFF file is a camera's: its first image is then a preview."""
    if picture.format != "TIFF":
        return False
    tags = getattr(picture, "tag_v2", {})
    return DNG_VERSION in tags or bool(int(tags.get(SUBFILE_TYPE, 0)) & 1)


def _what_else(path: Path) -> str:
    """Says what a file is that is not one of the known formats."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        begin = file.read(32)
        found = next((kind for at, mark, kind in KINDS if begin[at:].startswith(mark)), None)
        if found == "HEIC" and not reads_heic():
            return "is HEIC, which needs pillow-heif: pip install 'mgp_jax[heic]'"
        if found is not None:
            return f"is not an image that can be read, but {found}"
    return "is not an image, or of a kind that cannot be read"
