"""How a step moves variables: optax transforms by name, rates by variable, and projections."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

MakeTransform = Callable[[optax.ScalarOrSchedule], optax.GradientTransformation]
TRANSFORMS: dict[str, MakeTransform] = {"adam": optax.adam, "sgd": optax.sgd}
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
