"""Pivotal tuning: one code is optimised, then the generator's weights around it.

Source: Roich, Mokady, Bermano and Cohen-Or 2021, "Pivotal tuning for latent-based editing of real
images". Their second loss, which keeps the generator as it is away from the pivot, matters for
editing and is left out here.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import jax

from mgp_jax.methods.method import Method
from mgp_jax.methods.multi_code import draw_codes, plan, plan_of
from mgp_jax.methods.single import ONE_CODE, by_size
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
# As published the pivot is a style, found from their mean. The weights of these generators differ
# so much in size that a rate for the large ones tears the small ones apart.
PIVOTAL_OF_LARGE = Recipe(
    "pivotal",
    (
        Phase(HALF, moves=("z",), z_rate=0.05),
        Phase(HALF, moves=("weights",), optimizer="relative", weights_rate=1e-3),
    ),
    codes=1,
    layer="truncation",
    space="w",
    from_mean=True,
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
    """Draws a code, or takes the mean style."""
    del target
    split, place = given.split, plan_of(phase)
    return Tuned(jax.vmap(lambda key: draw_codes(split, key, 1, place).z)(keys))


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
    by_size(PIVOTAL_RECIPE, PIVOTAL_OF_LARGE),
    enter=enter,
    place=plan,
    alone=("weights",),
)
