"""How a step moves variables: optax transforms by name, rates by variable, and projections."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

MakeTransform = Callable[[optax.ScalarOrSchedule], optax.GradientTransformation]


def normalised_descent(rate: optax.ScalarOrSchedule) -> optax.GradientTransformation:
    """Gradient descent whose steps have the length of the learning rate in every vector.

    A vector is what lies along the last axis of an array; one without a gradient stays.

    Source: Poirier-Ginter and Lalonde 2023, "Robust unsupervised StyleGAN image restoration".
    """

    def unit(x: jax.Array) -> jax.Array:
        length = jnp.linalg.norm(x, axis=-1, keepdims=True)
        return jnp.where(length > 0, x / jnp.where(length > 0, length, 1), 0)

    units = optax.stateless(lambda updates, params: jax.tree.map(unit, updates))
    return optax.chain(units, optax.scale_by_learning_rate(rate))


def spherical_adam(rate: optax.ScalarOrSchedule) -> optax.GradientTransformation:
    """Adam on a sphere: every step ends on the one on which normal vectors of many numbers lie.

    A vector is what lies along the last axis of an array; its length is kept the root of its size.

    Source: Menon et al. 2020, "PULSE: self-supervised photo upsampling via latent space exploration
    of generative models".
    """
    adam = optax.adam(rate)

    def land(x: jax.Array, step: jax.Array) -> jax.Array:
        moved = x + step
        length = jnp.linalg.norm(moved, axis=-1, keepdims=True)
        return moved * (x.shape[-1] ** 0.5 / (length + 1e-12)) - x

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        steps, state = adam.update(updates, state, params)
        return jax.tree.map(land, params, steps), state

    return optax.GradientTransformation(adam.init, update)


def relative_adam(rate: optax.ScalarOrSchedule) -> optax.GradientTransformation:
    """Adam whose steps are parts of each array's root mean square: for weights of a network.

    Weights are of all sizes. One rate for all is what networks have whose weights are near 1 and
    are scaled where they are used.

    Source: Karras, Aila, Laine and Lehtinen 2018, "Progressive growing of GANs for improved
    quality, stability, and variation", section 4.1, the equalized learning rate.
    """
    sizes = optax.scale_by_param_block_rms()
    return optax.chain(optax.scale_by_adam(), sizes, optax.scale_by_learning_rate(rate))


TRANSFORMS: dict[str, MakeTransform] = {
    "adam": optax.adam,
    "sgd": optax.sgd,
    "normalised": normalised_descent,
    "spherical": spherical_adam,
    "relative": relative_adam,
}
SCHEDULES = ("cosine", "constant")


def make_transform(
    method: str | MakeTransform, schedule: str, steps: int, rates: Mapping[str, float]
) -> optax.GradientTransformation:
    """Returns the transform of a dictionary of variables, with a learning rate for each.

    Args:
        method: a name of `TRANSFORMS`, or a function that makes an optax transform of a rate.
        schedule: `cosine` (to zero at the last step) or `constant`.
        steps: number of steps.
        rates: the learning rates by variable.
    """
    make = TRANSFORMS[method] if isinstance(method, str) else method

    def scheduled(rate: float) -> optax.ScalarOrSchedule:
        return optax.cosine_decay_schedule(rate, max(steps, 1)) if schedule == "cosine" else rate

    transforms: dict[Hashable, optax.GradientTransformation] = {
        name: make(scheduled(rate)) for name, rate in rates.items()
    }
    return optax.partition(transforms, lambda variables: {name: name for name in variables})


def within_ball(tree: Any, radius: float, anchor: Any) -> Any:
    """Returns the nearest pytree whose L1 norm is at most `radius` times that of the anchor."""
    norm = sum(jnp.sum(jnp.abs(leaf)) for leaf in jax.tree.leaves(anchor))
    return optax.projections.projection_l1_ball(tree, radius * norm)
