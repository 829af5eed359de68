"""Optimises the weights of a network, instead of its input, until its image matches an observation.

What the deep image prior and pivotal tuning have in common. One image at a time: every image has
weights of its own.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from mgp_jax.degradations import Degradation
from mgp_jax.inversion import select

Draw = Callable[[Any, Any], jax.Array]


class Fit(NamedTuple):
    """State of one fit; a pytree.

    Attributes:
        params: the weights.
        optimizer: state of the optimiser.
        best: float[H, W, C], the image with the lowest error.
        error: its mean squared error to the observation.
        step: number of steps done.
    """

    params: Any
    optimizer: Any
    best: jax.Array
    error: jax.Array
    step: jax.Array


def fit_weights(
    draw: Draw,
    params: Any,
    inputs: Any,
    observations: Any,
    degradation: Degradation,
    steps: int,
    rate: float,
) -> np.ndarray:
    """Fits weights to every observation and returns the images.

    Adam with a cosine to zero at the last step. Like the engine, a fit stops as soon as the error
    is that of the degradation's noise, and the best iterate is kept.

    Args:
        draw: makes an image float[H, W, C] in [-1, 1] of weights and input.
        params: the weights to start from, the same for all images.
        inputs: what the network takes, leaves with a leading axis B.
        observations: float[B, ...].
        degradation: what made them.
        steps: number of steps.
        rate: learning rate.

    Returns: float[B, H, W, C].
    """
    observations = jnp.asarray(observations, jnp.float32)
    images = []
    for number, observation in enumerate(observations):
        given = jax.tree.map(lambda leaf, n=number: leaf[n], inputs)
        prepared = degradation.prepare(observation)
        images.append(np.asarray(_fit(draw, params, given, prepared, degradation, steps, rate)))
    return np.stack(images)


@partial(jax.jit, static_argnames=("draw",))
def _fit(
    draw: Draw,
    params: Any,
    inputs: Any,
    observation: jax.Array,
    degradation: Degradation,
    steps: int | jax.Array,
    rate: float | jax.Array,
) -> jax.Array:
    # Steps and rate are traced, so that all lengths share one program.
    method = optax.adam(lambda count: rate * 0.5 * (1 + jnp.cos(jnp.pi * count / steps)))

    def loss(params: Any) -> tuple[jax.Array, jax.Array]:
        image = draw(params, inputs)
        return jnp.mean(jnp.square(degradation(image) - observation)), image

    def unfinished(fit: Fit) -> jax.Array:
        return (fit.step < steps) & (fit.error >= degradation.noise_error)

    def improve(fit: Fit) -> Fit:
        (error, image), gradient = jax.value_and_grad(loss, has_aux=True)(fit.params)
        updates, optimizer = method.update(gradient, fit.optimizer, fit.params)
        best = select(error < fit.error, image, fit.best)
        params = optax.apply_updates(fit.params, updates)
        return Fit(params, optimizer, best, jnp.fmin(error, fit.error), fit.step + 1)

    image = jax.eval_shape(draw, params, inputs)
    start = Fit(
        params,
        method.init(params),
        jnp.zeros(image.shape, image.dtype),
        jnp.asarray(jnp.inf, jnp.float32),
        jnp.asarray(0, jnp.int32),
    )
    return lax.while_loop(unfinished, improve, start).best
