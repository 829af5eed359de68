"""The overlap of two regions of an image."""

import jax
import jax.numpy as jnp


def mask_iou(first: jax.Array, second: jax.Array) -> jax.Array:
    """Intersection over union of two masks bool[..., H, W]: float[...] in [0, 1].

    Two empty masks are equal: 1.
    """
    one, other = jnp.asarray(first, bool), jnp.asarray(second, bool)
    common = jnp.sum(one & other, axis=(-2, -1))
    either = jnp.sum(one | other, axis=(-2, -1))
    return jnp.where(either > 0, common / jnp.maximum(either, 1), 1.0)
