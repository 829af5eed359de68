"""Gray images."""

import jax.numpy as jnp
import numpy as np

from mgp_jax.degradations import Grayscale


def test_gray_weights():
    result = Grayscale()(jnp.eye(3)[None])
    np.testing.assert_allclose(result[0, :, 0], [0.299, 0.587, 0.114], rtol=1e-6)
