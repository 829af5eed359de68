"""LPIPS, the perceptual distance of two images."""

import jax
import jax.numpy as jnp

from mgp_jax.perception.lpips import LPIPS, bundled_lpips

SMALLEST_FOR_LPIPS = 32


def lpips(first: jax.Array, second: jax.Array, distance: LPIPS | None = None) -> jax.Array:
    """LPIPS 0.1 of two arrays float[..., H, W, C] in [0, 1]: float[...], 0 for equal images.

    Args:
        first: images, H and W of at least 32; gray ones (C = 1) are taken as RGB.
        second: the same.
        distance: weights; None for the bundled AlexNet.
    """
    return _lpips(bundled_lpips() if distance is None else distance, first, second)


@jax.jit
def _lpips(distance: LPIPS, first: jax.Array, second: jax.Array) -> jax.Array:
    first, second = (jnp.broadcast_to(x, (*x.shape[:-1], 3)) for x in (first, second))
    return distance(first, second)
