"""LPIPS, the perceptual distance of two images."""

import jax
import jax.numpy as jnp

from mgp_jax.degradations import Resize
from mgp_jax.perception.lpips import LPIPS, bundled_lpips

SMALLEST_FOR_LPIPS = 32
# LPIPS was made for patches of 64 pixels: of a large image it sees grain and hair, of a reduced one
# the subject.
REDUCED = 256


def lpips(first: jax.Array, second: jax.Array, distance: LPIPS | None = None) -> jax.Array:
    """LPIPS 0.1 of two arrays float[..., H, W, C] in [0, 1]: float[...], 0 for equal images.

    Args:
        first: images, H and W of at least 32; gray ones (C = 1) are taken as RGB.
        second: the same.
        distance: weights; None for the bundled AlexNet.
    """
    return _lpips(bundled_lpips() if distance is None else distance, first, second)


def lpips_of_reduced(first: jax.Array, second: jax.Array) -> jax.Array:
    """LPIPS 0.1 (AlexNet) of images float[B, H, W, C] in [0, 1] reduced to 256 pixels: float[B].

    Args:
        first: images, H and W of at least 256.
        second: the same.
    """
    reduced = jax.vmap(Resize(REDUCED))
    return lpips(reduced(first), reduced(second))


@jax.jit
def _lpips(distance: LPIPS, first: jax.Array, second: jax.Array) -> jax.Array:
    first, second = (jnp.broadcast_to(x, (*x.shape[:-1], 3)) for x in (first, second))
    return distance(first, second)
