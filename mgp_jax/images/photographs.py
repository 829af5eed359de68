"""Reads photographs: cropped to their central square and reduced to a generator's resolution."""

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_edt

from mgp_jax.errors import ImageError
from mgp_jax.images.decoding import decode
from mgp_jax.images.levels import to_signed
from mgp_jax.images.masks import MaskPicture, central_square, resampled
from mgp_jax.images.opening import Reading

SMALLEST_SIDE = 8
LARGEST_ASPECT = 4


class Photograph(NamedTuple):
    """A photograph that has been read.

    Attributes:
        image: float32[H, W, C] in [-1, 1].
        notes: what a user may want to know about the file, without its name.
    """

    image: np.ndarray
    notes: tuple[str, ...]


def read_image(
    path: str | os.PathLike[str],
    resolution: int | None = None,
    channels: int = 3,
    reading: Reading = Reading(),
) -> np.ndarray:
    """Reads a photograph.

    EXIF rotation and colour profiles are applied, transparency is laid on white, of an animation
    the first frame is taken. Images of 16 bits keep their depth.

    Args:
        path: the file.
        resolution: if given, the central square is resized (Lanczos) to so many pixels a side.
        channels: 3 for RGB, 1 for the luminance.
        reading: how files are read.

    Returns: float32[H, W, channels] in [-1, 1], H = W = resolution if one is given.

    Raises:
        ImageError: it is not a readable image, its shorter side is below 8 pixels, or its longer
            side is more than 4 times the shorter.
    """
    return read_photograph(path, resolution, channels, reading).image


def read_photograph(
    path: str | os.PathLike[str],
    resolution: int | None = None,
    channels: int = 3,
    reading: Reading = Reading(),
    mask: MaskPicture | None = None,
) -> Photograph:
    """Reads a photograph, and says what there is to know about the file.

    Args:
        path: the file.
        resolution: see `read_image`.
        channels: see `read_image`.
        reading: how files are read.
        mask: the holes of the photograph. What is painted there does not run into the pixels around
            them when the photograph is resized.

    Raises:
        ImageError: see `read_image`; or the mask does not fit the photograph.
    """
    levels, notes = decode(path, reading)
    require_size(path, levels)
    height, width = levels.shape[:2]
    short, long = sorted((height, width))
    if long > LARGEST_ASPECT * short:
        raise ImageError(
            f"{path}: {width}x{height} pixels is too far from a square, the longer side may be at "
            f"most {LARGEST_ASPECT} times the shorter"
        )
    if resolution is not None:
        if mask is not None:
            mask.require_fitting((width, height), resolution)
        levels = central_square(levels)
        if mask is not None:
            levels = filled(levels, resampled(central_square(mask.missing), short))
        levels = resized(levels, resolution)
    return Photograph(to_signed(levels, channels), notes)


def read_whole(
    path: str | os.PathLike[str], reading: Reading = Reading()
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Reads a photograph as it is, whatever its shape.

    Returns: [H, W, 1 or 3], uint8 where the file has 8 bits, else float32 in [-1, 1]; and what
        there is to know about the file.

    Raises:
        ImageError: it is not a readable image, or its shorter side is below 8 pixels.
    """
    levels, notes = decode(path, reading)
    require_size(path, levels)
    if levels.dtype != np.uint8:
        levels = to_signed(levels, levels.shape[2])
    return levels, notes


def require_size(path: str | os.PathLike[str], levels: np.ndarray) -> None:
    """Raises ImageError if a photograph [H, W, C] is too small."""
    height, width = levels.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise ImageError(
            f"{path}: {width}x{height} pixels is too small, at least {SMALLEST_SIDE}x"
            f"{SMALLEST_SIDE} are needed"
        )


def read_observation(
    path: str | os.PathLike[str], shape: Sequence[int], reading: Reading = Reading()
) -> np.ndarray:
    """Reads an image that must have exactly the size of an observation; nothing is resized.

    Args:
        path: the file.
        shape: (H, W, C) of the observation; with C = 1 the luminance of the file is taken.
        reading: how files are read.

    Returns: float32[H, W, C] in [-1, 1].

    Raises:
        ImageError: it is not a readable image, has another size, or the observation is no image.
    """
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise ImageError(
            f"{path}: the observation has the shape {'x'.join(map(str, shape))}, which no image "
            "file can hold"
        )
    levels, _ = decode(path, reading)
    height, width = levels.shape[:2]
    if (height, width) != tuple(shape[:2]):
        raise ImageError(
            f"{path}: {width}x{height} pixels, but the observation must have exactly "
            f"{shape[1]}x{shape[0]}"
        )
    return to_signed(levels, shape[2])


def filled(levels: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Gives every missing pixel the level of the nearest known one.

    Filters that reduce an image look some pixels far. With the hole's own content they would leave
    an outline around it; left out of their sum, they would be lopsided there.

    Args:
        levels: [H, W, C].
        missing: bool[H, W], not everywhere.
    """
    if not missing.any() or missing.all():
        return levels
    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    return levels[tuple(np.asarray(nearest))]


def resized(
    levels: np.ndarray,
    size: int,
    method: Image.Resampling = Image.Resampling.LANCZOS,
) -> np.ndarray:
    """Resizes levels [H, W, C], as bytes or floating point as they are, to [size, size, C]."""
    if levels.dtype == np.uint8 and levels.shape[2] == 3:
        return np.asarray(Image.fromarray(levels).resize((size, size), method))
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize((size, size), method))
        for plane in np.moveaxis(levels, 2, 0)
    ]
    return np.stack(planes, axis=2)
