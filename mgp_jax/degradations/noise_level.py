"""How noisy a picture is, found in the picture alone."""

import math
from typing import Any

# High-pass filter of Daubechies' wavelet with two vanishing moments.
DETAIL = (0.48296291, -0.8365163, 0.22414387, 0.12940952)
# The median of the magnitude of a standard normal variable.
MEDIAN = 0.6745
# Noise that differs so much less than the colours themselves is not independent between channels:
# that of gray pictures, of chroma at half the resolution, of what a camera has smoothed.
INDEPENDENT = 0.5
# Details a side that tell a median to half a per cent; of large pictures no more are sorted.
ENOUGH = 256


def noise_level(pixels: Any, known: Any = 1.0) -> Any:
    """Returns the standard deviation of white noise: the median of the finest diagonal detail.

    Of colours their differences count, in which there is hardly any detail of the subject, as long
    as they are about as noisy as the colours.

    Args:
        pixels: float[H, W, C] on any scale, of NumPy or of JAX.
        known: 1 where a pixel is known and 0 elsewhere, broadcasts against float[H, W, 1]; detail
            counts where all of its 4 x 4 pixels are known.

    Returns: float[] on the scale of the pixels; NaN where nothing of the detail is known.

    Source: Donoho and Johnstone 1994, "Ideal spatial adaptation by wavelet shrinkage".
    """
    xp = pixels.__array_namespace__()
    fine = filtered(pixels, DETAIL)
    whole = filtered(xp.broadcast_to(xp.asarray(known), (*pixels.shape[:2], 1)), (1, 1, 1, 1))
    # Counted in floating point.
    every = max(1, min(pixels.shape[:2]) // ENOUGH)
    seen = xp.where(whole > 15.5, fine, math.nan)[::every, ::every]

    def deviation(detail: Any) -> Any:
        return xp.nanmedian(xp.abs(detail)) / MEDIAN

    level = deviation(seen)
    if pixels.shape[2] != 3:
        return level
    red, green, blue = (seen[..., k] for k in range(3))
    differences = ((red - green) / math.sqrt(2), (red + green - 2 * blue) / math.sqrt(6))
    between = deviation(xp.stack(differences, axis=-1))
    return xp.where(between > INDEPENDENT * level, between, level)


def filtered(pixels: Any, weights: tuple[float, ...]) -> Any:
    """Filters rows, then columns, of float[H, W, C], where the filter fits."""
    height, width = (n - len(weights) + 1 for n in pixels.shape[:2])
    pixels = sum(weight * pixels[k : k + height] for k, weight in enumerate(weights))
    return sum(weight * pixels[:, k : k + width] for k, weight in enumerate(weights))
