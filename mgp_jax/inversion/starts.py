"""Where the images of a batch start: random keys of their own, and the codes drawn with them."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from mgp_jax.codes import Codes, init_codes
from mgp_jax.generators.base import Generator
from mgp_jax.inversion.configuration import Setting
from mgp_jax.sharding import SPLIT, WHOLE


def image_keys(seed: int, indices: Any, starts: int = 1) -> jax.Array:
    """Returns random keys that do not depend on which batch an image is in.

    Args:
        seed: the seed.
        indices: int[B], numbers of the images.
        starts: number of keys for each image.

    Returns: keys[B * starts], those of an image next to each other.
    """
    root = jax.random.key(seed)

    def draw(index: jax.Array, start: jax.Array) -> jax.Array:
        return jax.random.fold_in(jax.random.fold_in(root, index), start)

    images = jnp.repeat(jnp.asarray(indices), starts)
    return jax.vmap(draw)(images, jnp.arange(len(images)) % starts)


@partial(jax.jit, static_argnames=("count", "setting"))
def start(generator: Generator, keys: jax.Array, count: int, setting: Setting) -> Codes:
    """Draws the initial codes of a batch, one random key for each image."""

    def one(generator: Generator, key: jax.Array) -> Codes:
        codes = init_codes(generator, key, count, setting.cut, setting.space)
        if setting.from_mean:
            mean = generator.params["truncation"]["mean"]
            codes = codes._replace(z=jnp.broadcast_to(mean, codes.z.shape))
        return codes._replace(alpha=jnp.full_like(codes.alpha, setting.importance))

    run = setting.over_images(jax.vmap(one, in_axes=(None, 0)), WHOLE, SPLIT)
    return run(generator, keys)
