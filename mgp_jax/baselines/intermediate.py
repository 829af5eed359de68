"""Intermediate layer optimisation: the code, then the maps of deeper and deeper layers.

Source: Daras, Dean, Jalal and Dimakis 2021, "Intermediate layer optimization for inverse problems
using deep generative models": every layer's map is kept in an L1 ball around what the layers before
it made, so that it stays near what the generator can make.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from mgp_jax.baselines.recipes import ONE_CODE
from mgp_jax.codes import Codes, fuse, fused_channels
from mgp_jax.degradations import Degradation
from mgp_jax.generators.base import Features, Generator
from mgp_jax.inversion import InversionConfig, Result, default_cut, invert
from mgp_jax.recipes import Phase, Recipe

# In units of the L1 norm of the map that the ball is around.
BALL = 0.5


def layers(generator: Generator) -> tuple[int, ...]:
    """Returns the cuts whose maps are moved: all up to the default one."""
    return tuple(cut for cut in generator.map_sizes if cut <= default_cut(generator))


def layer_recipe(cut: int, steps: int) -> Recipe:
    """Returns the recipe that moves the map at one cut within its ball."""
    phase = Phase(steps, moves=("residual", "styles"), ball=BALL)
    return Recipe(f"layer{cut}", (phase,), codes=1, layer=cut, space=str(cut))


def optimise_layers(
    generator: Generator, observations: Any, degradation: Degradation, steps: int, seed: int = 0
) -> Result:
    """Inverts images layer by layer.

    Args:
        generator: the frozen generator.
        observations: float[B, ...], what the degradation made of the images.
        degradation: the operator.
        steps: iterations in all, shared alike among the code and the layers; at least one each.
        seed: seed of the code to start from.

    Returns: the result of the last layer; its codes are maps.
    """
    cuts = layers(generator)
    share = max(1, steps // (len(cuts) + 1))
    first = max(1, steps - share * len(cuts))
    config = InversionConfig(recipe=ONE_CODE.with_steps(first), seed=seed)
    result = invert(generator, observations, config, degradation)
    place, maps = 0, jnp.asarray(result.codes.z)
    for cut in cuts:
        codes = enter(generator, maps, place, cut)
        config = InversionConfig(recipe=layer_recipe(cut, share), seed=seed)
        result = invert(generator, observations, config, degradation, codes=codes)
        place, maps = cut, moved(generator, result.codes, cut)
    return result


@partial(jax.jit, static_argnames=("place", "cut"))
def enter(generator: Generator, maps: Any, place: int, cut: int) -> Codes:
    """Carries what has been found at one cut to the next and makes codes of it.

    Args:
        generator: the generator.
        maps: what crosses the cut `place`, leaves with the leading axes [B, 1].
        place: the cut before.
        cut: the cut that is entered.
    """

    def one(maps: Any) -> Codes:
        crossing: Any = generator.apply(generator.params, maps, place, cut)
        styles = getattr(crossing, "styles", None)
        alpha = jnp.ones((1, fused_channels(generator.shapes[cut])))
        return Codes(crossing, alpha, None if styles is None else styles[0])

    return jax.vmap(one)(maps)


@partial(jax.jit, static_argnames=("cut",))
def moved(generator: Generator, codes: Codes, cut: int) -> Any:
    """Returns the maps with their residuals, leaves with the leading axes [B, 1]."""

    def one(codes: Codes) -> Any:
        maps = jax.tree.map(jnp.add, fuse(generator, codes, cut, str(cut)), codes.residual)
        if isinstance(maps, Features):
            maps = maps._replace(styles=codes.styles)
        return jax.tree.map(lambda leaf: leaf[None], maps)

    return jax.vmap(one)(codes)
