"""Intermediate layer optimisation: the code, then the maps of deeper and deeper layers.

Source: Daras, Dean, Jalal and Dimakis 2021, "Intermediate layer optimization for inverse problems
using deep generative models": every layer's map is kept in an L1 ball around what the layers before
it made, so that it stays near what the generator can make.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mgp_jax.degradations import Degradation
from mgp_jax.errors import SettingError
from mgp_jax.generators import Features, Generator, Split
from mgp_jax.methods.method import Method, What, settings_of
from mgp_jax.methods.single import one_code
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.recipes.named import is_large
from mgp_jax.solve import ResolvedPhase
from mgp_jax.terms import Given, Held, Rendering, Target

# In units of the L1 norm of the map that the ball is around.
BALL = 0.5
# Steps of the code, and of all layers together.
STEPS = 300
# Learning rates of the maps, of small and of large generators.
RATE, RATE_OF_LARGE = 0.02, 0.05


class Layered(NamedTuple):
    """The variables.

    Attributes:
        z: float[1, ...], the code.
        maps: what the layers before made at the cut of the phase; None while the code moves.
        residual: what is added to the maps.
        styles: float[L, W], the styles of the layers behind the cut, or None.
    """

    z: jax.Array
    maps: Features | None = None
    residual: Features | None = None
    styles: jax.Array | None = None


class Cuts(NamedTuple):
    """Where a phase works: the cut of the phase before and its own, None for the code."""

    before: int | None
    own: int | None


def layers(what: What) -> tuple[int, ...]:
    """Returns the cuts whose maps are moved: all up to the default one."""
    return (what.split() if isinstance(what, Generator) else what).layers


def recipe(degradation: Degradation, what: What) -> Recipe:
    """Shares the steps alike among the code and the layers."""
    cuts, rate = layers(what), RATE_OF_LARGE if is_large(what) else RATE
    share = STEPS // (len(cuts) + 1)
    code = one_code(degradation, what).with_(steps=STEPS - share * len(cuts)).phases
    layer = Phase(share, moves=("residual", "styles"), residual_rate=rate, ball=BALL)
    return Recipe("ilo", (*code, *(layer for _ in cuts)), codes=1, layer=0)


def place(split: Split, recipe: Recipe, number: int) -> Cuts:
    """Says where the phase of a number works.

    Raises:
        SettingError: there are more phases than layers.
    """
    cuts = (None, *layers(split))
    if number >= len(cuts):
        raise SettingError(f"recipe {recipe.name}: {len(recipe.phases)} phases, {len(cuts)} fit")
    return Cuts(cuts[number - 1] if number else None, cuts[number])


def start(given: Given, target: Target, keys: jax.Array, phase: ResolvedPhase) -> Layered:
    """Draws a code."""
    del target, phase
    return Layered(jax.vmap(lambda key: given.split.draw(key, 1))(keys))


def enter(given: Given, variables: Layered, phase: ResolvedPhase) -> tuple[Layered, Held]:
    """Carries what has been found at one cut to the next, where it is moved."""
    cuts = _cuts(phase)
    if cuts.own is None:
        return variables, Held()
    if variables.maps is None:
        crossing = given.split.at(cuts.own).head(variables.z)
    else:
        crossing = given.split.between(_moved(variables), cuts.before or 0, cuts.own)
    maps = jax.tree.map(lambda leaf: leaf[0], crossing)
    styles, maps = maps.styles, maps._replace(styles=None)
    residual = jax.tree.map(jnp.zeros_like, maps)
    return Layered(variables.z, maps, residual, styles), Held(anchor=maps)


def render(given: Given, variables: Layered, held: Held | None, phase: ResolvedPhase) -> Rendering:
    """Renders the code, or the moved maps."""
    split = given.split
    cut = _cuts(phase).own
    if cut is None or variables.maps is None:
        return Rendering(split.tail(split.head(variables.z))[0])
    composed = _moved(variables)
    image = split.at(cut).tail(composed)[0]
    return Rendering(image, composed=composed, anchor=None if held is None else held.anchor)


def _cuts(phase: ResolvedPhase) -> Cuts:
    place = settings_of(phase).place
    assert isinstance(place, Cuts)
    return place


def _moved(variables: Layered) -> Features:
    """Returns the maps with their residual and styles, with a leading axis of 1."""
    total: Features = jax.tree.map(jnp.add, variables.maps, variables.residual)
    return jax.tree.map(lambda leaf: leaf[None], total._replace(styles=variables.styles))


LAYERS = Method(
    "ilo", "intermediate layers (L1 ball)", start, render, recipe, enter=enter, place=place
)
