"""Observations as they come about where this package has no part in it."""

import jax
import numpy as np

from mgp_jax.degradations.base import Degradation


def true_observation(degradation: Degradation, image: np.ndarray, key: jax.Array) -> np.ndarray:
    """Makes an observation by codecs and filters of others.

    Args:
        degradation: the operators, see `Degradation.degrade`.
        image: float[H, W, C] in [-1, 1].
        key: JAX random key; the same key draws the same noise.

    Returns: float32 of the observation's shape, as files hold it if the last operator is
        `quantise:8`.
    """
    observation = degradation.degrade(np.asarray(image, np.float32), key)
    return np.asarray(degradation.prepare(jax.numpy.asarray(observation, np.float32)))
