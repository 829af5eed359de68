"""Whether the predicted deviation of a restoration is that of its error.

Images are float[H, W, C] in [0, 1], deviations float[H, W, C] in the same units: how far the truth
is expected from the image. A value whose deviation and error are both 0 was known and tells
nothing; it counts nowhere here. Where nothing counts, or there is no spread, numbers are NaN.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import ndtri

# The share of true values that intervals are meant to cover.
LEVEL = 0.9
# Half the width of such an interval, in deviations of a normal distribution: 1.645.
HALF_WIDTH = float(ndtri((1 + LEVEL) / 2))
# Standard deviation of the Gaussian window of local errors, as a part of the image's height.
WINDOW = 1 / 64
BINS = 10

Array = jax.Array | np.ndarray


class Point(NamedTuple):
    """A point of the curve: root mean squares over values of like deviation, in [0, 1]."""

    deviation: float
    error: float


def coverage(image: Array, truth: Array, deviation: Array, temperature: float = 1.0) -> float:
    """Share of true values within 90 % intervals: image +- 1.645 * temperature * deviation.

    Args:
        image: float[H, W, C] in [0, 1].
        truth: the same.
        deviation: float[H, W, C], at least 0.
        temperature: what the deviation is multiplied by.

    Returns: from 0 to 1; .9 where deviations are those of normal errors.

    Source: Kuleshov, Fenner and Ermon 2018, "Accurate uncertainties for deep learning using
    calibrated regression", section 3.
    """
    error, deviation = _uncertain(image, truth, deviation)
    if not deviation.any():
        return float("nan")
    return float(np.mean(error <= HALF_WIDTH * temperature * deviation))


def correlation(image: Array, truth: Array, deviation: Array) -> float:
    """Pearson correlation of true and predicted error over the pixels, both local.

    A single error says little about what it was drawn from. So errors and deviations are root mean
    squares over channels and over a Gaussian window with a standard deviation of 1/64 of the
    height, in which known values do not count.

    Args:
        image: float[H, W, C] in [0, 1].
        truth: the same.
        deviation: float[H, W, C], at least 0.

    Returns: from -1 to 1, whatever the unit of the deviation.
    """
    error, deviation = _arrays(image, truth, deviation)
    counts = _counts(error, deviation)
    pixels = counts.any(axis=-1)
    if not deviation.any():
        return float("nan")
    pair = [_local(values, counts)[pixels] for values in (error, deviation)]
    if min(np.ptp(values) for values in pair) <= 1e-12:
        return float("nan")
    return float(np.corrcoef(np.stack(pair))[0, 1])


def calibration_curve(
    image: Array, truth: Array, deviation: Array, bins: int = BINS
) -> list[Point]:
    """Error against predicted deviation: values of like deviation, in bins of like counts.

    Args:
        image: float[H, W, C] in [0, 1], or of several images float[B, H, W, C].
        truth: the same.
        deviation: of the same shape, at least 0.
        bins: number of points, fewer where there are fewer values.

    Returns: points by rising deviation; on the diagonal where deviations are those of the errors.

    Source: Levi, Gispan, Giladi and Fetaya 2022, "Evaluating and calibrating uncertainty prediction
    in regression tasks", section 3.2.
    """
    error, deviation = _uncertain(image, truth, deviation)
    if not deviation.any():
        return []
    order = np.argsort(deviation, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    return [Point(_root_mean_square(deviation[p]), _root_mean_square(error[p])) for p in parts]


def temperature(
    images: Sequence[Array], truths: Sequence[Array], deviations: Sequence[Array]
) -> float:
    """The factor with which 90 % intervals cover 90 % of the true values, in closed form.

    It is a quantile of error / deviation over all values of all images. That of the likelihood,
    the root mean square of the same ratios, hangs on the few deviations of a handful of samples
    that come out near 0.

    Args:
        images: float[H, W, C] each, in [0, 1]; held out, not those that are reported.
        truths: the same.
        deviations: float[H, W, C] each, at least 0.

    Returns: above 1 where deviations are too small.
    """
    pairs = [_uncertain(*item) for item in zip(images, truths, deviations, strict=True)]
    error, deviation = (np.concatenate(values) for values in zip(*pairs, strict=True))
    if not deviation.any():
        return float("nan")
    ratio = np.divide(error, deviation, out=np.full_like(error, np.inf), where=deviation > 0)
    # Not interpolated, so that infinite ratios stay where they are.
    return float(np.quantile(ratio, LEVEL, method="inverted_cdf")) / HALF_WIDTH


def temperature_of(image: Array, truth: Array, deviation: Array) -> float:
    """Returns `temperature` for one image float[H, W, C] in [0, 1]."""
    return temperature([image], [truth], [deviation])


def _arrays(image: Array, truth: Array, deviation: Array) -> tuple[np.ndarray, np.ndarray]:
    """Returns the absolute error and the deviation, in double precision."""
    first, second = (np.asarray(values, np.float64) for values in (image, truth))
    return np.abs(first - second), np.asarray(deviation, np.float64)


def _counts(error: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    return (error > 0) | (deviation > 0)


def _uncertain(image: Array, truth: Array, deviation: Array) -> tuple[np.ndarray, np.ndarray]:
    """Returns errors and deviations of what counts: float[n] each."""
    error, deviation = _arrays(image, truth, deviation)
    counts = _counts(error, deviation)
    return error[counts], deviation[counts]


def _local(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns float[H, W], root mean squares around every pixel of the values that count."""
    window = WINDOW * len(values)
    squares, weights = (
        gaussian_filter(np.sum(x, axis=-1, dtype=np.float64), window, mode="constant")
        for x in (np.square(values) * counts, counts)
    )
    return np.sqrt(np.divide(squares, weights, out=np.zeros_like(squares), where=weights > 1e-12))


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
