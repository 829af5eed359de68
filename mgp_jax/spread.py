"""What several answers say of their error."""

import numpy as np


def expected_deviation(
    samples: np.ndarray, temperature: float = 1.0, floor: float = 0.0, shift: float = 0.0
) -> np.ndarray:
    """Returns how far the truth is expected from the mean of samples, as a standard deviation.

    Were the truth one more of them, its distance from the mean of K would have their own variance
    (that of K - 1 degrees of freedom) times 1 + 1 / K. Samples of a generator agree on more than
    they know: on what none of them can draw, and on where edges lie, which are elsewhere in truth.
    So the variance of a floor is added, and that of a displacement, which changes a value by its
    length times the gradient; the temperature multiplies the root of the sum. Where all samples are
    equal, as in the known pixels of a mask, they are certain.

    Args:
        samples: float[B, K, H, W, C] in [-1, 1].
        temperature: see `Recipe`.
        floor: see `Recipe`, on the [0, 1] scale.
        shift: see `Recipe`, as a part of the height.

    Returns: float[B, H, W, C] in units of the samples, 0 for one sample.
    """
    count, height = samples.shape[1:3]
    if count == 1:
        return np.zeros_like(samples[:, 0])
    variance = (1 + 1 / count) * samples.var(axis=1, ddof=1) + (2 * floor) ** 2
    if shift:
        slopes = np.gradient(samples.mean(axis=1), axis=(1, 2))
        variance += (shift * height) ** 2 * sum(np.square(slope) for slope in slopes)
    # Not where the variance is 0: that of equal numbers may be a rounding error.
    differ = np.ptp(samples, axis=1) > 0
    return np.where(differ, temperature * np.sqrt(variance), 0)
