"""The simplest method: the image nearest to gray that explains the observation."""

from typing import Any

import jax
import jax.numpy as jnp

from mgp_jax.degradations import Degradation, back_project
from mgp_jax.methods.method import Method
from mgp_jax.methods.single import always
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import ResolvedPhase
from mgp_jax.terms import Given, Rendering, Target

# Nothing is optimised.
AT_ONCE = Recipe("at-once", (Phase(0, moves=()),), codes=1, layer=0)


def first_guess(
    degradation: Degradation, observation: jax.Array, shape: tuple[int, ...]
) -> jax.Array:
    """Returns the simplest image that explains an observation: of all, the one nearest to gray.

    For operators that are not linear it is the observation itself if that is an image, else gray.

    Args:
        degradation: what made the observation.
        observation: the observation.
        shape: (H, W, C) of the image.

    Returns: float[H, W, C] in [-1, 1].
    """
    gray = jnp.zeros(shape, observation.dtype)
    if degradation.linear:
        return jnp.clip(back_project(degradation, gray, observation), -1, 1)
    return jnp.clip(observation, -1, 1) if observation.shape == tuple(shape) else gray


def first_guesses(
    degradation: Degradation, observations: jax.Array, shape: tuple[int, ...]
) -> jax.Array:
    """Returns the first guesses float[B, H, W, C] of a batch."""
    return jax.vmap(lambda seen: first_guess(degradation, seen, shape))(observations)


def guess(given: Given, target: Target, keys: jax.Array, phase: ResolvedPhase) -> dict[str, Any]:
    """Starts from the first guesses, and stays there."""
    del keys, phase
    return {"image": first_guesses(given.degradation, target.observation, given.split.image_shape)}


def show(given: Given, variables: dict[str, Any], held: Any, phase: ResolvedPhase) -> Rendering:
    """Renders nothing."""
    del given, held, phase
    return Rendering(variables["image"])


OBSERVATION = Method("observation", "observation alone", guess, show, always(AT_ONCE), prior="none")
