"""Compressed sensing."""

import jax.numpy as jnp
import numpy as np
from operators import SHAPE, apply_all

from mgp_jax.degradations import CompressedSensing


def test_compressed_sensing_is_orthonormal_and_spreads():
    sensing = CompressedSensing.random(0.3, (4, 4, 3))
    matrix = np.asarray(apply_all(sensing, np.eye(48, dtype=np.float32).reshape(48, 4, 4, 3))).T
    assert matrix.shape == (14, 48)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(14), atol=1e-6)
    flat = CompressedSensing.random(0.3, SHAPE)(jnp.full(SHAPE, 0.5))
    np.testing.assert_allclose(jnp.sqrt(jnp.mean(flat**2)), 0.5, rtol=0.1)
