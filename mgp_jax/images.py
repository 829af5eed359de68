"""Image files at the edges of the program: files to arrays and back, with numpy and Pillow alone.

Arrays are float32, height x width x channels, in [-1, 1] (black to white). Whatever is wrong with a
file ends in an `ImageError` of one line that names it. Colours are taken as sRGB; embedded colour
profiles are not applied.
"""

import os
import re
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from mgp_jax.errors import ImageError
from mgp_jax.files import replacing

SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".jp2", ".jpe", ".jpeg", ".jpg"),
    *(".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"),
)
# Pillow would also run Ghostscript for EPS and open containers of other kinds; only these are read.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")
WITH_ALPHA = frozenset(("LA", "La", "PA", "RGBA", "RGBa"))
LUMINANCE = (0.299, 0.587, 0.114)
SMALLEST_SIDE = 8
LARGEST_ASPECT = 4
LONGEST_STEM = 200

_opening = threading.Lock()


def read_image(path: str | os.PathLike[str], resolution: int | None = None) -> np.ndarray:
    """Reads a photograph as an RGB image.

    EXIF rotation is applied, transparency is laid on white, of an animation the first frame is
    taken. Gray images of 16 bits keep their depth.

    Args:
        path: the file.
        resolution: if given, the central square is resized (Lanczos) to so many pixels a side.

    Returns: float32[H, W, 3] in [-1, 1], H = W = resolution if one is given.

    Raises:
        ImageError: it is not a readable image, its shorter side is below 8 pixels, or its longer
            side is more than 4 times the shorter.
    """
    picture = _read(path)
    width, height = picture.size
    short, long = sorted(picture.size)
    if short < SMALLEST_SIDE:
        raise ImageError(
            f"{path}: {width}x{height} pixels is too small, at least {SMALLEST_SIDE}x"
            f"{SMALLEST_SIDE} are needed"
        )
    if long > LARGEST_ASPECT * short:
        raise ImageError(
            f"{path}: {width}x{height} pixels is too far from a square, the longer side may be at "
            f"most {LARGEST_ASPECT} times the shorter"
        )
    if resolution is not None:
        left, top = (width - short) // 2, (height - short) // 2
        picture = picture.crop((left, top, left + short, top + short))
        picture = picture.resize((resolution, resolution), Image.Resampling.LANCZOS)
    return _to_array(picture)


def read_observation(path: str | os.PathLike[str], shape: Sequence[int]) -> np.ndarray:
    """Reads an image that must have exactly the size of an observation; nothing is resized.

    Args:
        path: the file.
        shape: (H, W, C) of the observation; with C = 1 the luminance of the file is taken.

    Returns: float32[H, W, C] in [-1, 1].

    Raises:
        ImageError: it is not a readable image, has another size, or the observation is no image.
    """
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise ImageError(
            f"{path}: the observation has the shape {'x'.join(map(str, shape))}, which no image "
            "file can hold"
        )
    picture = _read(path)
    width, height = picture.size
    if (height, width) != tuple(shape[:2]):
        raise ImageError(
            f"{path}: {width}x{height} pixels, but the observation must have exactly "
            f"{shape[1]}x{shape[0]}"
        )
    image = _to_array(picture)
    return _luminance(image) if shape[2] == 1 else image


def read_mask(path: str | os.PathLike[str], resolution: int) -> np.ndarray:
    """Reads which pixels are known from a black and white image: white = missing.

    A larger mask, by an integer multiple, is reduced; a pixel with any missing part is missing,
    because the reduced photograph is spoilt there.

    Args:
        path: the file. Levels are split at half; up to a twentieth of the pixels may be gray
            (smooth edges, compression), more is refused.
        resolution: height and width in pixels of the mask that is needed.

    Returns: float32[resolution, resolution, 1], 1 = known, 0 = missing.

    Raises:
        ImageError: it is not readable, not black and white, has no fitting size, or marks
            everything or nothing as missing.
    """
    picture = _read(path)
    width, height = picture.size
    if width != height or width % resolution or width < resolution:
        raise ImageError(
            f"{path}: a mask of {width}x{height} pixels does not fit, {resolution}x{resolution} or "
            "an integer multiple of it is needed"
        )
    levels = (_luminance(_to_array(picture)) + 1) / 2
    gray = float(np.mean((levels > 0.1) & (levels < 0.9)))
    if gray > 0.05:
        raise ImageError(
            f"{path}: a mask must be black (known) and white (missing), but {gray:.0%} of it is "
            "gray or coloured"
        )
    block = width // resolution
    missing = (levels >= 0.5).reshape(resolution, block, resolution, block).any((1, 3))
    if not missing.any():
        raise ImageError(f"{path}: the mask is all black, so no pixel is missing")
    if missing.all():
        raise ImageError(f"{path}: the mask is all white, so no pixel is known")
    return np.where(missing, np.float32(0), np.float32(1))[..., None]


def to_uint8(image: Any) -> np.ndarray:
    """Rounds an image in [-1, 1] to bytes, clipping what lies outside; bytes stay as they are.

    Args:
        image: float or uint8 array of any shape; jax arrays are fine.

    Returns: uint8 array of the same shape.

    Raises:
        ImageError: it holds NaN or infinity.

    Example:
        >>> from mgp_jax.images import to_uint8
        >>> to_uint8([-1, 0, 1, 7]).tolist()
        [0, 128, 255, 255]
    """
    array = np.asarray(image)
    if array.dtype == np.uint8:
        return array
    if not np.isfinite(array).all():
        raise ImageError("the image holds values that are not finite")
    return np.clip(np.rint((array.astype(np.float64) + 1) * 127.5), 0, 255).astype(np.uint8)


def write_image(path: str | os.PathLike[str], image: Any) -> None:
    """Writes a PNG file. It appears complete or not at all, whatever interrupts the writing.

    Args:
        path: the file; its folder must exist, an older file is replaced.
        image: [H, W], [H, W, 1] or [H, W, 3], float in [-1, 1] or uint8.

    Raises:
        ImageError: the array is no finite image, or the file cannot be written.
    """
    try:
        array = to_uint8(image)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise ImageError(f"{path}: an array of the shape {array.shape} is not an image")
    _save(path, lambda file: Image.fromarray(array).save(file, "PNG"))


def write_animation(
    path: str | os.PathLike[str], frames: Sequence[Any], milliseconds: int = 120
) -> None:
    """Writes an endless animation, GIF or lossless WebP by the suffix; complete or not at all.

    Args:
        path: the file, `.gif` or `.webp`; its folder must exist, an older file is replaced.
        frames: images of one size, [H, W, 3], float in [-1, 1] or uint8.
        milliseconds: how long each is shown.

    Raises:
        ImageError: there are no frames, one is no finite image, or the file cannot be written.
    """
    kinds = {".gif": "GIF", ".webp": "WEBP"}
    suffix = Path(path).suffix.lower()
    if suffix not in kinds:
        raise ImageError(f"{path}: an animation is a file .gif or .webp")
    if not len(frames):
        raise ImageError(f"{path}: an animation needs at least one frame")
    try:
        pictures = [Image.fromarray(to_uint8(frame)) for frame in frames]
    except (ImageError, TypeError) as error:
        raise ImageError(f"{path}: {error}") from None
    settings = {"lossless": True} if suffix == ".webp" else {}
    _save(
        path,
        lambda file: pictures[0].save(
            file,
            kinds[suffix],
            save_all=True,
            append_images=pictures[1:],
            duration=milliseconds,
            loop=0,
            **settings,
        ),
    )


def _save(path: str | os.PathLike[str], save: Callable[[Any], None]) -> None:
    try:
        with replacing(path) as file:
            save(file)
    except (OSError, ValueError) as error:
        raise ImageError(f"{path}: cannot be written: {_reason(error)}") from None


def find_images(inputs: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Lists the image files among files and folders.

    Args:
        inputs: files, taken as they are whatever their suffix, and folders, of which the visible
            files with a known suffix are taken in the order of their names, subfolders are not.

    Returns: the files in the order of the inputs.

    Raises:
        ImageError: nothing is given, an input does not exist, or a folder holds no image.
    """
    if not inputs:
        raise ImageError("no input images are given")
    found: list[Path] = []
    for path in map(Path, inputs):
        try:
            if not path.is_dir():
                _check_file(path)
                found.append(path)
                continue
            files = sorted(
                file
                for file in path.iterdir()
                if file.suffix.lower() in SUFFIXES
                and not file.name.startswith(".")
                and file.is_file()
            )
        except (OSError, ValueError) as error:
            raise ImageError(f"{path}: cannot be read: {_reason(error)}") from None
        if not files:
            raise ImageError(f"{path}: there are no images in this folder")
        found.extend(files)
    return found


def unique_stems(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Names the outputs of several inputs, so that none overwrites another or leaves its folder.

    A stem is the file's name without its suffix. The first input keeps it; later ones with the same
    stem (upper and lower case are one, as on macOS and Windows) get `-2`, `-3` and so on, passing
    over names that other inputs have of themselves.

    Args:
        paths: the inputs.

    Returns: one non-empty file stem an input: no separators, no leading dot, at most about 200
        bytes.

    Example:
        >>> from mgp_jax.images import unique_stems
        >>> unique_stems(["a/face.png", "b/face.jpg", "c/Face.png"])
        ['face', 'face-2', 'Face-3']
    """
    stems = [_safe_stem(Path(path)) for path in paths]
    taken = {stem.casefold() for stem in stems}
    seen: set[str] = set()
    names = []
    for stem in stems:
        name, count = stem, 1
        if stem.casefold() in seen:
            while name.casefold() in taken:
                count += 1
                name = f"{stem}-{count}"
        seen.add(stem.casefold())
        taken.add(name.casefold())
        names.append(name)
    return names


def _safe_stem(path: Path) -> str:
    """Returns the stem of a path with everything replaced that a file system might take amiss."""
    stem = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]', "_", path.stem).strip(". ")
    while len(os.fsencode(stem)) > LONGEST_STEM:
        stem = stem[:-1].rstrip(". ")
    return stem or "image"


def _reason(error: Exception) -> str:
    """Returns what an exception says, on one line and without the file name that we give."""
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return " ".join(text.split())


def _check_file(path: Path) -> None:
    """Raises an ImageError unless there is a file (a pipe or device is none, it might block)."""
    if path.is_dir():
        raise ImageError(f"{path}: is a folder, not an image")
    if not path.exists():
        raise ImageError(f"{path}: there is no such file")
    if not path.is_file():
        raise ImageError(f"{path}: is not a file")
    if path.stat().st_size == 0:
        raise ImageError(f"{path}: the file is empty")


def _open(path: Path) -> Image.Image:
    """Opens an image of one of the known formats; nothing is decoded yet."""
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    # Pillow warns at half the size at which it refuses. Such photographs exist and are fine here.
    # The lock is there because filters of warnings belong to the whole process.
    with _opening, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(path, formats=formats)


def _read(path: str | os.PathLike[str]) -> Image.Image:
    """Decodes a file to the mode RGB, or to F with values 0 to 255 for gray of more than 8 bits."""
    path = Path(path)
    try:
        _check_file(path)
        with _open(path) as picture:
            picture.load()
            return _normalise(_upright(picture))
    except ImageError:
        raise
    except Image.UnidentifiedImageError:
        raise ImageError(f"{path}: is not an image, or of a kind that cannot be read") from None
    except Image.DecompressionBombError:
        raise ImageError(f"{path}: the image has too many pixels to be decoded safely") from None
    except MemoryError:
        raise ImageError(f"{path}: the image does not fit into memory") from None
    except Exception as error:  # Decoders raise whatever a damaged file drives them into.
        raise ImageError(f"{path}: cannot be read: {_reason(error)}") from None


def _upright(picture: Image.Image) -> Image.Image:
    """Applies the EXIF rotation; damaged EXIF data do not make a sound image unreadable."""
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:
        return picture


def _normalise(picture: Image.Image) -> Image.Image:
    """Turns every mode of Pillow into RGB, or into F (0 to 255) for gray of more than 8 bits."""
    mode = picture.mode
    if mode.startswith("I"):
        # 16-bit gray arrives as I;16 or, from some formats, as I; real 32-bit data has no known
        # white level.
        array = np.asarray(picture).astype(np.float32)
        if array.min() < 0 or array.max() > 65535:
            raise ValueError("32-bit integer levels have no known range")
        return Image.fromarray(array / np.float32(257))
    if mode == "F":
        array = np.asarray(picture).astype(np.float32)
        if not (array.min() >= 0 and array.max() <= 1):  # NaN ends here too.
            raise ValueError("floating point levels are not within [0, 1]")
        return Image.fromarray(array * np.float32(255))
    if mode in WITH_ALPHA or "transparency" in picture.info:
        rgba = picture.convert("LA").convert("RGBA") if mode == "La" else picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return picture.convert("RGB")


def _to_array(picture: Image.Image) -> np.ndarray:
    """Returns float32[H, W, 3] in [-1, 1] of what `_normalise` returns."""
    array = np.asarray(picture).astype(np.float32) / np.float32(127.5) - 1
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=2)
    return np.clip(array, -1, 1)  # Lanczos overshoots where the levels are floating point.


def _luminance(image: np.ndarray) -> np.ndarray:
    """Returns float32[H, W, 1], the luminance of an RGB image; gray levels keep their value."""
    red, green, blue = (image[..., k : k + 1] for k in range(3))
    # As offsets from green, so that equal channels are reproduced exactly.
    return (green + LUMINANCE[0] * (red - green) + LUMINANCE[2] * (blue - green)).astype(np.float32)
