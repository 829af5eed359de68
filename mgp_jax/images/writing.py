"""Writes images, animations and arrays. Files appear complete or not at all."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mgp_jax.errors import ImageError
from mgp_jax.files import reason, replacing
from mgp_jax.images.levels import to_uint8

# Of PNG files, 0 to 9. A photograph of 1024 pixels takes a quarter of the time of level 6, and a
# tenth more bytes.
COMPRESSION = 1
# A WebP file without loss takes half of the time of such a PNG file, and two thirds of its bytes.
LOSSLESS = 100
# The longest side of a WebP file, in pixels.
WEBP_SIDE = 16383


def write_image(path: str | os.PathLike[str], image: Any, quality: int = LOSSLESS) -> None:
    """Writes a PNG file, or a WebP file if the suffix says so.

    It appears complete or not at all, whatever interrupts the writing.

    Args:
        path: the file; its folder must exist, an older file is replaced.
        image: [H, W], [H, W, 1] or [H, W, 3], float in [-1, 1] or uint8.
        quality: of a WebP file, 1 to 100; 100 is lossless, as PNG always is.

    Raises:
        ImageError: the array is no finite image, or the file cannot be written.
    """
    try:
        picture = picture_of(image)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None
    if str(path).lower().endswith(".webp"):
        lossless = quality == LOSSLESS
        # Of what is lossless, quality is the effort.
        effort = {"method": 0, "quality": 0 if lossless else quality}
        kind, settings = "WEBP", {"lossless": lossless, **effort}
    else:
        kind, settings = "PNG", {"compress_level": COMPRESSION}
    _save(path, lambda file: picture.save(file, kind, **settings))


def write_animation(
    path: str | os.PathLike[str], frames: Sequence[Any], milliseconds: int = 120
) -> None:
    """Writes an endless animation, GIF or lossless WebP by the suffix; complete or not at all.

    Args:
        path: the file, `.gif` or `.webp`; its folder must exist, an older file is replaced.
        frames: images of one size, [H, W, 1 or 3], float in [-1, 1] or uint8.
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
        pictures = [picture_of(frame) for frame in frames]
    except ImageError as error:
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


def write_array(path: str | os.PathLike[str], array: Any) -> None:
    """Writes an array file (.npy) of float32.

    Raises:
        ImageError: the file cannot be written.
    """
    _save(path, lambda file: np.save(file, np.asarray(array, np.float32), allow_pickle=False))


def picture_of(image: Any) -> Image.Image:
    """Turns [H, W], [H, W, 1] or [H, W, 3] into a picture, gray or RGB.

    Raises:
        ImageError: the array is no finite image.
    """
    array = to_uint8(image)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise ImageError(f"an array of the shape {array.shape} is not an image")
    return Image.fromarray(array)


def _save(path: str | os.PathLike[str], save: Callable[[Any], None]) -> None:
    try:
        with replacing(path) as file:
            save(file)
    except (OSError, ValueError) as error:
        raise ImageError(f"{path}: cannot be written: {reason(error)}") from None
