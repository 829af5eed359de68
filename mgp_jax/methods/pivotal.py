"""Pivotal tuning: one code is optimised, then the generator's weights around it.

Source: Roich, Mokady, Bermano and Cohen-Or 2021, "Pivotal tuning for latent-based editing of real
images". Their second loss, which keeps the generator as it is away from the pivot, matters for
editing and is left out here.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import jax

from mgp_jax.methods.method import Method
from mgp_jax.methods.single import ONE_CODE, always
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import ResolvedPhase
from mgp_jax.terms import Given, Rendering, Target

# The first half of the steps finds the pivot.
HALF = ONE_CODE.steps // 2
PIVOTAL_RECIPE = Recipe(
    "pivotal",
    (*ONE_CODE.with_(steps=HALF).phases, Phase(HALF, moves=("weights",), weights_rate=1e-3)),
    codes=1,
    layer=0,
)


class Tuned(NamedTuple):
    """The variables.

    Attributes:
        z: float[1, ...], the pivot.
        weights: the generator's parameters; None while the pivot moves.
    """

    z: jax.Array
    weights: Any = None


def start(given: Given, target: Target, keys: jax.Array, phase: ResolvedPhase) -> Tuned:
    """Draws a code."""
    del target, phase
    return Tuned(jax.vmap(lambda key: given.split.draw(key, 1))(keys))


def enter(given: Given, variables: Tuned, phase: ResolvedPhase) -> tuple[Tuned, None]:
    """Takes the generator's weights as variables where they move."""
    if "weights" in phase.moves and variables.weights is None:
        variables = variables._replace(weights=given.split.params)
    return variables, None


def render(given: Given, variables: Tuned, held: None, phase: ResolvedPhase) -> Rendering:
    """Renders the pivot with the tuned weights. The noise maps are no weights."""
    del held, phase
    split = given.split
    if variables.weights is not None:
        tuned = replace(split, params=variables.weights)
        split = tuned.with_noise(split.noise_maps)
    return Rendering(split.tail(split.head(variables.z))[0])


PIVOTAL = Method(
    "pivotal",
    "pivotal tuning",
    start,
    render,
    always(PIVOTAL_RECIPE),
    enter=enter,
    alone=("weights",),
)
