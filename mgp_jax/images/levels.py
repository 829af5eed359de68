"""Levels of pixels: between bytes and [-1, 1], and from colours to luminance."""

from typing import Any

import numpy as np

from mgp_jax.errors import ImageError

LUMINANCE = (0.299, 0.587, 0.114)


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


def to_signed(levels: np.ndarray, channels: int) -> np.ndarray:
    """Turns levels into an image.

    Args:
        levels: [H, W, 1 or 3], uint8 or float, 0 to 255 up to overshoots.
        channels: 3 to repeat gray levels, 1 for the luminance.

    Returns: float32[H, W, channels] in [-1, 1].
    """
    array = np.clip(levels.astype(np.float32) / np.float32(127.5) - 1, -1, 1)
    if array.shape[2] == channels:
        return array
    return np.repeat(array, channels, axis=2) if array.shape[2] == 1 else luminance(array)


def luminance(image: np.ndarray) -> np.ndarray:
    """Returns float32[H, W, 1], the luminance of an RGB image; gray levels keep their value.

    Source: ITU-R BT.601.
    """
    red, green, blue = (image[..., k : k + 1] for k in range(3))
    # As offsets from green, so that equal channels are reproduced exactly.
    return (green + LUMINANCE[0] * (red - green) + LUMINANCE[2] * (blue - green)).astype(np.float32)
