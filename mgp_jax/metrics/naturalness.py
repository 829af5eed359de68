"""NIQE: how far an image's statistics are from those of undistorted photographs, without a truth.

Brightness, locally normalised, is nearly Gaussian in undistorted photographs; blur, noise and
compression change that. NIQE fits generalised Gaussians to the patches of an image and compares
their parameters with those of a set of undistorted photographs.

Source: Mittal, Soundararajan and Bovik 2013, "Making a completely blind image quality analyzer".
"""

import math
from functools import cache
from importlib import resources

import jax
import jax.numpy as jnp
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import gamma

from mgp_jax.errors import SettingError
from mgp_jax.generators.weights import load_weights
from mgp_jax.images import LUMINANCE

PATCH = 96
SMALLEST_FOR_NIQE = 2 * PATCH
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


def niqe(image: jax.Array | np.ndarray) -> float:
    """Natural image quality evaluator; lower is better, undistorted photographs have 2 to 5.

    The published parameters are those of patches of 96 pixels, so smaller images have no NIQE. An
    image must hold two patches in both directions, for the covariance of their features; what is
    left over at the right and at the bottom is not looked at.

    Args:
        image: float[H, W, 3] or [H, W, 1] in [0, 1]; the luminance is looked at, in 8 bits.

    Returns: the distance, dimensionless, at least 0.

    Raises:
        SettingError: the image is smaller than 192 pixels in one direction.
    """
    levels = _luminance(np.asarray(image, np.float64))
    rows, columns = (size // PATCH for size in levels.shape)
    if min(rows, columns) < 2:
        raise SettingError(
            f"NIQE: an image of {levels.shape[1]}x{levels.shape[0]} pixels is too small, "
            f"{SMALLEST_FOR_NIQE}x{SMALLEST_FOR_NIQE} are needed"
        )
    levels = levels[: rows * PATCH, : columns * PATCH]
    features = np.concatenate(
        [
            patch_features(levels, PATCH),
            patch_features(_halved(levels), PATCH // 2),
        ],
        axis=1,
    )
    # A patch without any contrast, say of a clipped sky, has no distribution to speak of.
    features = features[np.isfinite(features).all(axis=1)]
    if len(features) < 2:
        return math.nan
    mean, covariance = pristine()
    difference = mean - features.mean(axis=0)
    pooled = (covariance + np.cov(features, rowvar=False)) / 2
    return float(np.sqrt(difference @ np.linalg.pinv(pooled) @ difference))


@cache
def pristine() -> tuple[np.ndarray, np.ndarray]:
    """Returns mean float64[36] and covariance float64[36, 36] of undistorted photographs."""
    file = resources.files("mgp_jax.assets") / "niqe.safetensors"
    with resources.as_file(file) as path:
        params = load_weights(path).params
    return np.asarray(params["mean"], np.float64), np.asarray(params["covariance"], np.float64)


def patch_features(levels: np.ndarray, size: int) -> np.ndarray:
    """Returns the 18 features of every patch.

    Args:
        levels: float[H, W] in [0, 255], H and W multiples of `size`.
        size: height and width of a patch.

    Returns: float[patches, 18]: shape and spread of the normalised brightness; and for its products
        with the neighbours in four directions shape, mean, left and right spread.
    """
    height, width = levels.shape
    patches = normalised(levels).reshape(height // size, size, width // size, size)
    patches = patches.transpose(0, 2, 1, 3).reshape(-1, size, size)
    shape, left, right = asymmetric_gaussian(patches)
    features = [shape, (left + right) / 2]
    for shift in NEIGHBOURS:
        # Round the edges of the patch, as the published parameters were made.
        products = patches * np.roll(patches, shift, axis=(1, 2))
        shape, left, right = asymmetric_gaussian(products)
        mean = (right - left) * gamma(2 / shape) / gamma(1 / shape)
        features += [shape, mean, left, right]
    return np.stack(features, axis=1)


def normalised(levels: np.ndarray) -> np.ndarray:
    """Subtracts the local mean and divides by the local deviation plus 1: float[H, W]."""
    mean = _smoothed(levels)
    variance = np.abs(_smoothed(levels**2) - mean**2)
    return (levels - mean) / (np.sqrt(variance) + 1)


def asymmetric_gaussian(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fits an asymmetric generalised Gaussian to the values of every patch, by moments.

    Args:
        patches: float[N, H, W].

    Returns: shape, left and right scale, float[N] each.

    Source: Lasmar et al. 2009, which the paper cites for its equation (7).
    """
    flat = patches.reshape(len(patches), -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        left, right = (
            np.sqrt(np.sum(np.where(side, flat, 0) ** 2, axis=1) / np.sum(side, axis=1))
            for side in (flat < 0, flat > 0)
        )
        ratio = left / right
        moments = np.mean(np.abs(flat), axis=1) ** 2 / np.mean(flat**2, axis=1)
        moments *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, known = _moment_table()
    shape = np.interp(moments, known, shapes)
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * scale, right * scale


@cache
def _moment_table() -> tuple[np.ndarray, np.ndarray]:
    """Returns shapes and the squared mean over the mean square they lead to, which grows."""
    shapes = np.linspace(0.2, 10, 9801)
    return shapes, gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))


def _luminance(image: np.ndarray) -> np.ndarray:
    gray = image @ np.array(LUMINANCE) if image.shape[-1] == 3 else image[..., 0]
    return np.rint(255 * np.clip(gray, 0, 1))


def _smoothed(levels: np.ndarray) -> np.ndarray:
    """Averages with a Gaussian window of 7 pixels, standard deviation 7/6."""
    return gaussian_filter(levels, 7 / 6, mode="nearest", radius=3)


def _halved(levels: np.ndarray) -> np.ndarray:
    """Halves the size by antialiased cubic interpolation, the image mirrored at its edges."""
    height, width = levels.shape
    padded = np.pad(levels, 8, mode="symmetric")
    shape = (height // 2 + 8, width // 2 + 8)
    small = jax.image.resize(jnp.asarray(padded, jnp.float32), shape, "cubic", antialias=True)
    return np.asarray(small, np.float64)[4:-4, 4:-4]
