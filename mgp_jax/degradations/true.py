"""Observations as they come about where this package has no part in it."""

import jax
import numpy as np

from mgp_jax.degradations.base import Degradation


def true_observation(degradation: Degradation, image: np.ndarray, key: jax.Array) -> np.ndarray:
    """Makes an observation by codecs and filters of others, as a file of 8 bits holds it.

    Args:
        degradation: the operators, see `Degradation.degrade`.
        image: float[H, W, C] in [-1, 1].
        key: JAX random key; the same key draws the same noise.

    Returns: float32 of the observation's shape; that of an image is in [-1, 1], a multiple of one
        of 255 levels wherever it is known.
    """
    observation = degradation.degrade(np.asarray(image, np.float32), key)
    if observation.ndim == 3:
        observation = np.round(np.clip(observation + 1, 0, 2) * 127.5) / np.float32(127.5) - 1
    return np.asarray(degradation.prepare(jax.numpy.asarray(observation, np.float32)))
