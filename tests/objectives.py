"""The objective of an image, without a generator."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from mgp_jax.degradations import Degradation, Identity
from mgp_jax.recipes import Phase
from mgp_jax.solve import Losses, ResolvedPhase
from mgp_jax.terms import Given, Rendering, Settings, Target, objective
from mgp_jax.terms.networks import observe


def target_of(
    observation: Any, networks: Mapping[str, Any] = {}, size: int | None = None
) -> Target:
    """What an image is compared with."""
    observation = jnp.asarray(observation)
    return Target(observation, observe(networks, observation, size), jnp.zeros(()))


def losses_of(
    image: Any,
    target: Target,
    phase: Phase,
    degradation: Degradation = Identity(),
    networks: Mapping[str, Any] = {},
    *,
    variables: Any = None,
    **rendering: Any,
) -> Losses:
    """The losses of a rendering, whatever it was made of."""

    def render(given: Given, variables: Any, held: Any, phase: ResolvedPhase) -> Rendering:
        return Rendering(jnp.asarray(image), **rendering)

    def nothing(*arguments: Any) -> Any:
        raise AssertionError("an objective begins and moves nothing")

    settings = Settings(phase, nothing, render)
    resolved = ResolvedPhase(1, (), nothing, objective, nothing, settings=settings)
    split: Any = None
    given = Given(split, degradation, networks, jax.random.key(0))
    return objective(given, target, variables, None, resolved)
