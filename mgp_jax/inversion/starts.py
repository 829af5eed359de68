"""Where the images of a batch start: random keys of their own, and codes drawn or chosen."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from mgp_jax.codes import Codes, cast, init_codes
from mgp_jax.generators.base import Generator
from mgp_jax.inversion.configuration import Setting
from mgp_jax.inversion.problem import PROBLEM, Problem
from mgp_jax.seeds import seeded_key
from mgp_jax.sharding import SPLIT, WHOLE


def image_keys(seed: int, indices: Any, starts: int = 1) -> jax.Array:
    """Returns random keys that do not depend on which batch an image is in.

    Args:
        seed: the seed.
        indices: int[B], numbers of the images.
        starts: number of keys for each image.

    Returns: keys[B * starts], those of an image next to each other.
    """
    root = seeded_key(seed)

    def draw(index: jax.Array, start: jax.Array) -> jax.Array:
        return jax.random.fold_in(jax.random.fold_in(root, index), start)

    images = jnp.repeat(jnp.asarray(indices), starts)
    return jax.vmap(draw)(images, jnp.arange(len(images)) % starts)


@partial(jax.jit, static_argnames=("count", "setting"))
def start(
    problem: Problem,
    keys: jax.Array,
    count: int,
    setting: Setting,
    pool_key: jax.Array | None = None,
) -> Codes:
    """Draws the initial codes of a batch.

    Args:
        problem: what stays the same.
        keys: random keys[B], one for each image.
        count: number of codes N.
        setting: the first phase.
        pool_key: random key of the pool of candidates, which all images share where the recipe
            asks for one; None for that of seed 0.
    """

    def run(problem: Problem, keys: jax.Array, pool_key: jax.Array) -> Codes:
        generator = problem.generator
        codes = jax.vmap(lambda key: draw_codes(generator, key, count, setting))(keys)
        if setting.candidates:
            pool = draw_codes(generator, pool_key, setting.candidates, setting).z
            errors = distances(problem, pool, count, setting)
            nearest = jax.vmap(partial(choose, count=count))(keys, errors)
            codes = codes._replace(z=pool[nearest])
        return codes

    sharded = setting.over_images(run, PROBLEM, SPLIT, WHOLE)
    return sharded(problem, keys, seeded_key(0) if pool_key is None else pool_key)


def draw_codes(generator: Generator, key: jax.Array, count: int, setting: Setting) -> Codes:
    """Draws random codes with equal importances, or takes the mean style."""
    codes = init_codes(generator, key, count, setting.cut, setting.space)
    if setting.from_mean:
        mean = generator.params["truncation"]["mean"]
        codes = codes._replace(z=jnp.broadcast_to(mean, codes.z.shape))
    codes = codes._replace(alpha=jnp.full_like(codes.alpha, setting.importance))
    return cast(codes, jnp.dtype(jnp.float32))


def distances(problem: Problem, pool: jax.Array, count: int, setting: Setting) -> jax.Array:
    """Compares the images of random codes, seen through the degradation, with the observations.

    Args:
        problem: what stays the same, with B observations.
        pool: float[M, ...], the codes. As many run through the generator at a time as in a step.
        count: number of codes N of an inversion.
        setting: tells the space of the codes.

    Returns: float[B, M], mean squared errors.
    """
    generator, observations = problem.generator, problem.target.observation

    def compare(z: jax.Array) -> jax.Array:
        images = generator.apply(generator.params, z, generator.space(setting.space))
        seen = jax.vmap(problem.degradation)(images.astype(jnp.float32))
        squares = jnp.square(observations[:, None] - seen)
        return jnp.mean(squares, axis=range(2, squares.ndim))

    most = count // max(1, setting.execution.slices)
    # Without a rest, which would have to be compiled too.
    size = max(n for n in range(1, most + 1) if len(pool) % n == 0)
    parts = pool.astype(generator.dtype).reshape(-1, size, *pool.shape[1:])
    return jnp.moveaxis(lax.map(compare, parts), 1, 0).reshape(len(observations), -1)


def choose(key: jax.Array, errors: jax.Array, count: int) -> jax.Array:
    """Returns int[N], the candidates with the lowest errors among a random half of them.

    The half makes the starts of an image differ from each other.
    """
    offered = jax.random.permutation(key, len(errors))[: len(errors) // 2]
    _, best = lax.top_k(-errors[offered], count)
    return offered[best]
