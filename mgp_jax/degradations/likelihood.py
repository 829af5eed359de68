"""How unlikely an observation is, in the units of a squared difference.

Each function is twice the variance of the noise times what the logarithm of the likelihood is below
its maximum, so that noise of whatever kind is compared by one scale, on which Gaussian noise has
squared differences.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import log_ndtr, ndtr
from jax.scipy.stats import norm

# What is rounded counts as if there had been noise before it, of so many half steps at least:
# levels with hard edges would leave a rendering free between them, and never be met by all of its
# values. And of so much, because no rendering is exact: what it misses, 26 dB, is noise to finer
# levels.
SOFT, INEXACT = 0.3, 0.1
# Errors of rounding, and of noise before it, over which a mean is taken.
PLACES = 2 * (np.arange(64) + 0.5) / 64 - 1
# Side in pixels of the squares over which noise is averaged away.
AROUND = 8
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(15)


def deviance(
    seen: jax.Array,
    observation: jax.Array,
    constant: jax.Array | float,
    slope: jax.Array | float,
) -> jax.Array:
    """Compares values whose noise has the variance constant + slope (v + 1), v in [-1, 1].

    The deviance of a Poisson distribution of the same variances: differences of dark values count
    more than those of bright ones.

    Source: Snyder et al. 1995, "Compensation for readout noise in CCD images", for Poisson and
    Gaussian noise together: the variance of the latter counts as light on both sides.
    """
    # As in Anscombe's transform, three eighths of a photon keep what is black finite.
    least = constant + 0.375 * slope**2
    expected, found = (least + slope * (jnp.clip(v, -1) + 1) for v in (seen, observation))
    # Below black, where the clipped value has no gradient, the linear continuation has one.
    expected += slope * (jnp.minimum(seen, -1) - lax.stop_gradient(jnp.minimum(seen, -1)))
    unlike = found * jnp.log(found / expected) - found + expected
    return 2 * jnp.mean(found) / slope**2 * unlike


def rounded(difference: jax.Array, step: float, deviation: float) -> jax.Array:
    """Compares values with the levels that they have been rounded to, Gaussian noise being before.

    The likelihood is that of all values that round to the level: within half a step there is next
    to no difference, beyond it grows like the square of what is beyond.

    Args:
        difference: float[...], the value less the level.
        step: distance of the levels.
        deviation: standard deviation of the noise.
    """
    deviation = max(deviation, SOFT * step / 2, INEXACT)

    def logarithm(distance: jax.Array) -> jax.Array:
        upper, lower = (log_ndtr((edge - distance) / deviation) for edge in (step / 2, -step / 2))
        return upper + jnp.log1p(-jnp.exp(lower - upper))

    most = logarithm(jnp.zeros((), difference.dtype))
    return 2 * deviation**2 * (most - logarithm(jnp.abs(difference)))


def rounded_error(step: float, deviation: float) -> jax.Array:
    """Returns the mean of `rounded` at the truth: float[]."""
    errors = step / 2 * PLACES[:, None] + deviation * NODES
    unlike = rounded(jnp.asarray(errors, jnp.float32), step, deviation)
    return jnp.mean(unlike @ jnp.asarray(WEIGHTS / WEIGHTS.sum(), jnp.float32))


def kept_by_clipping(
    observation: jax.Array,
    known: jax.Array,
    constant: jax.Array | float,
    slope: jax.Array | float,
) -> jax.Array:
    """Returns the part of the noise's variance that clipping to [-1, 1] has left: float[].

    Files clip. An observation with a value out of the range has not been clipped: 1.

    Args:
        observation: float[H, W, C].
        known: 1 where it is known and 0 elsewhere, broadcasts against it.
        constant: see `deviance`; the noise counts as Gaussian.
        slope: the same.
    """
    known = jnp.broadcast_to(known, observation.shape)
    count, total = (_around(x) for x in (known, known * jnp.clip(observation, -1, 1)))
    mean = total / jnp.maximum(count, 1)
    variance = jnp.maximum(constant + slope * (mean + 1), 1e-12)
    kept = jnp.sum(count * clipped_error(mean, jnp.sqrt(variance))) / jnp.sum(count * variance)
    return jnp.where(jnp.any(jnp.abs(observation) > 1) | jnp.isnan(kept), 1.0, kept)


def clipped_error(values: jax.Array, deviation: jax.Array) -> jax.Array:
    """Returns the mean squared error of Gaussian noise around values, clipped to [-1, 1]."""
    low, high = (-1 - values) / deviation, (1 - values) / deviation
    within = ndtr(high) - ndtr(low) - high * norm.pdf(high) + low * norm.pdf(low)
    return deviation**2 * (within + low**2 * ndtr(low) + high**2 * ndtr(-high))


def _around(values: jax.Array) -> jax.Array:
    """Adds up float[H, W, C] in squares, what is left over at two sides being out."""
    height, width, channels = values.shape
    side = min(AROUND, height, width)
    rows, columns = height // side, width // side
    values = values[: rows * side, : columns * side]
    return values.reshape(rows, side, columns, side, channels).sum(axis=(1, 3))
