"""Reads masks: which pixels of a photograph are missing, from the colours or alpha of a file."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from mgp_jax.errors import ImageError
from mgp_jax.files import path_of
from mgp_jax.images.decoding import WITH_ALPHA
from mgp_jax.images.levels import luminance
from mgp_jax.images.opening import Reading, opened, upright

# Levels from here on are missing; between the two outer ones they are gray.
MISSING, BLACK, WHITE = 0.5, 0.1, 0.9
# How much of a mask may be gray: smooth edges and compression make it so, photographs are.
MOST_GRAY, MOST_EDGES = 0.05, 0.25
# Alpha or colours that differ by no more than this (of 255) do not vary.
FLAT = 16


class MaskPicture(NamedTuple):
    """A mask as its file holds it.

    Attributes:
        path: the file.
        missing: bool[H, W], where the photograph is missing.
    """

    path: str
    missing: np.ndarray

    def known(self, resolution: int) -> np.ndarray:
        """Crops the mask to its central square and resizes it as a photograph is.

        A pixel with any missing part is missing, because the reduced photograph is spoilt there.

        Returns: float32[resolution, resolution, 1], 1 = known, 0 = missing.

        Raises:
            ImageError: nothing or everything is missing then.
        """
        missing = resampled(central_square(self.missing), resolution)
        if not missing.any():
            raise ImageError(f"{self.path}: no pixel of the mask's central square is missing")
        if missing.all():
            raise ImageError(
                f"{self.path}: at {resolution}x{resolution} pixels the mask is all white, so no "
                "pixel is known"
            )
        return np.where(missing, np.float32(0), np.float32(1))[..., None]

    def require_fitting(self, size: tuple[int, int] | None, resolution: int) -> None:
        """Checks that the mask is as large as a photograph, or belongs to a generator's image.

        Args:
            size: width and height of the photograph, None if there is none.
            resolution: height and width of the generator's image.

        Raises:
            ImageError: it is neither.
        """
        height, width = self.missing.shape
        if (width, height) == size or (width == height and width % resolution == 0):
            return
        own = "" if size is None else f"the photograph's {size[0]}x{size[1]}, "
        raise ImageError(
            f"{self.path}: a mask of {width}x{height} pixels does not fit, {own}"
            f"{resolution}x{resolution} or an integer multiple of it is needed"
        )


def read_mask(path: str | os.PathLike[str], resolution: int, inverted: bool = False) -> np.ndarray:
    """Reads which pixels of a generator's image are known.

    Args:
        path: the file, of any size: its central square is resized, see `MaskPicture.known`.
        resolution: height and width in pixels of the mask that is needed.
        inverted: whether black marks what is missing, not white.

    Returns: float32[resolution, resolution, 1], 1 = known, 0 = missing.

    Raises:
        ImageError: see `read_mask_picture`.
    """
    return read_mask_picture(path, inverted).known(resolution)


def read_mask_picture(
    path: str | os.PathLike[str], inverted: bool = False, reading: Reading = Reading()
) -> MaskPicture:
    """Reads a mask: white = missing. Strokes on a transparent ground, of one colour, are missing.

    Levels of at least half are missing. Up to a twentieth of the pixels may be gray (more than 10
    and less than 90 % of white), and up to a quarter if at least as many are white: smooth edges of
    strokes. Where alpha varies and the visible colours do not, alpha is the mask. Files that hold
    nothing but 0 and 1, or 0 and one other level of more than 8 bits, are black and white too.

    Args:
        path: the file.
        inverted: whether black, or transparent, marks what is missing.
        reading: how files are read.

    Raises:
        ImageError: it is not readable, not black and white, or marks everything or nothing as
            missing.
    """
    path = path_of(path)
    with opened(path, reading) as file:
        file.load()
        levels = _levels(path, upright(file))
    white, gray = (
        float(np.mean(levels >= WHITE)),
        float(np.mean((levels > BLACK) & (levels < WHITE))),
    )
    if gray > MOST_GRAY and (gray > MOST_EDGES or gray > white):
        raise ImageError(
            f"{path}: a mask must be black (known) and white (missing), but {gray:.0%} of it is "
            "gray or coloured"
        )
    missing = levels >= MISSING
    top = float(levels.max())
    if 0 < top < MISSING:
        raise ImageError(
            f"{path}: a mask must be black (known) and white (missing), but its brightest level is "
            f"{top:.1%} of white"
        )
    if inverted:
        missing = ~missing
    if not missing.any():
        colour = "white" if inverted else "black"
        raise ImageError(f"{path}: the mask is all {colour}, so no pixel is missing")
    if missing.all():
        colour = "black" if inverted else "white"
        raise ImageError(f"{path}: the mask is all {colour}, so no pixel is known")
    return MaskPicture(str(path), missing)


def central_square(array: np.ndarray) -> np.ndarray:
    """Returns the central square of an array [H, W, ...]."""
    height, width = array.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return array[top : top + side, left : left + side]


def resampled(missing: np.ndarray, size: int) -> np.ndarray:
    """Resizes bool[S, S] to bool[size, size]: missing where any part of a pixel is."""
    side = len(missing)
    if side == size:
        return missing
    edges = np.arange(size + 1) * side / size
    first, last = np.floor(edges[:-1] + 1e-6).astype(int), np.ceil(edges[1:] - 1e-6).astype(int)
    for axis in (0, 1):
        total = np.cumsum(missing, axis=axis, dtype=np.int64)
        total = np.insert(total, 0, 0, axis=axis)
        missing = np.take(total, last, axis) > np.take(total, first, axis)
    return missing


def _levels(path: Path, picture: Image.Image) -> np.ndarray:
    """Returns float32[H, W], 0 (black) to 1 (white), of colours or of alpha."""
    if picture.mode in WITH_ALPHA or "transparency" in picture.info:
        mode = "LA" if picture.mode == "La" else picture.mode
        rgba = np.asarray(picture.convert(mode).convert("RGBA"))
        alpha, colours = rgba[..., 3], rgba[..., :3]
        if _spread(alpha) > FLAT:
            visible = colours[alpha >= 128]
            if len(visible) and _spread(visible) > FLAT:
                raise ImageError(
                    f"{path}: both colours and transparency vary, so it is not clear which is the "
                    "mask; save it in black and white"
                )
            return alpha.astype(np.float32) / 255
        return _of_colours(colours)
    if picture.mode.startswith("I") or picture.mode == "F":
        return _of_two(np.asarray(picture).astype(np.float32), 1 if picture.mode == "F" else 65535)
    if picture.mode in ("1", "L"):
        return _of_ones(np.asarray(picture.convert("L")))
    return _of_colours(np.asarray(picture.convert("RGB")))


def _of_colours(colours: np.ndarray) -> np.ndarray:
    if (colours == colours[..., :1]).all():
        return _of_ones(colours[..., 0])
    return luminance(colours.astype(np.float32))[..., 0] / 255


def _of_ones(levels: np.ndarray) -> np.ndarray:
    """Bytes 0 to 255; those of programs that count 0 and 1 are taken for black and white."""
    return levels.astype(np.float32) / (1 if levels.max() == 1 else 255)


def _of_two(levels: np.ndarray, largest: float) -> np.ndarray:
    """Levels of more than 8 bits: of two, the upper is white, as many bits as it may have."""
    top = float(levels.max())
    two = top > 0 and np.isin(levels, (0, top)).all()
    return levels / np.float32(top if two else largest)


def _spread(array: np.ndarray) -> int:
    return int(array.max()) - int(array.min())
