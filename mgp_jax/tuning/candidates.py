"""Candidates of a search: recipes like a given one."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from mgp_jax.generators.base import Generator
from mgp_jax.recipes import COARSEST, POOL, Phase, Recipe


def concrete(generator: Generator, recipe: Recipe) -> Recipe:
    """Returns a recipe with its cut as an index, so that it can be varied."""
    layer = generator.default_cut(recipe.map_size) if recipe.layer is None else recipe.layer
    return recipe.with_(name="tuned", layer=generator.cut(layer))


def vary(
    generator: Generator, recipe: Recipe, random: np.random.Generator, spread: float
) -> Recipe:
    """Draws a recipe like the given one.

    Args:
        generator: tells which cuts there are.
        recipe: where to start from; its cut is an index.
        random: source of randomness.
        spread: standard deviation of the logarithm of rates, weights and steps, and how likely
            choices change.
    """
    cuts = fair_cuts(generator)
    layer, codes = recipe.layer, recipe.codes
    if random.random() < spread / 2:
        place = cuts.index(layer) if layer in cuts else len(cuts) // 2
        layer = cuts[int(np.clip(place + random.choice((-1, 1)), 0, len(cuts) - 1))]
    if random.random() < spread / 2:
        codes = int(np.clip(round(codes * math.exp(random.normal(0, 0.5))), 1, 64))
    candidates = recipe.candidates
    if random.random() < spread / 6:
        candidates = 0 if candidates else POOL
    phases = [vary_phase(phase, random, spread) for phase in recipe.phases]
    refines = [phase for phase in phases if "residual" in phase.moves]
    if not refines and random.random() < spread / 2:
        tether = 10.0 ** random.uniform(-2, 0)
        steps = max(1, recipe.steps)
        phases.append(Phase(steps, moves=("residual",), tether=rounded(tether)))
    elif len(phases) > 1 and random.random() < spread / 6:
        phases.pop()
    return replace(recipe, layer=layer, codes=codes, candidates=candidates, phases=tuple(phases))


def vary_phase(phase: Phase, random: np.random.Generator, spread: float) -> Phase:
    """Draws a phase like the given one, with other rates, weights and number of steps."""

    def near(value: float) -> float:
        return rounded(value * math.exp(random.normal(0, spread)))

    def weight(value: float, usual: float) -> float:
        if random.random() < spread / 5:
            return 0.0 if value else usual
        return near(value) if value else 0.0

    changes: dict[str, Any] = {
        "steps": max(1, round(phase.steps * math.exp(random.normal(0, spread))))
    }
    for name in phase.moves:
        if hasattr(phase, f"{name}_rate"):
            changes[f"{name}_rate"] = near(getattr(phase, f"{name}_rate"))
    if {"z", "alpha"} & set(phase.moves):
        changes["prior"] = weight(phase.prior, 0.03)
        changes["perceptual"] = weight(phase.perceptual, 0.001)
    if phase.styles_prior:
        changes["styles_prior"] = near(phase.styles_prior)
    if "residual" in phase.moves:
        changes["tether"] = weight(phase.tether, 0.1)
    if random.random() < spread / 5:
        changes["schedule"] = "cosine" if phase.schedule == "constant" else "constant"
    return replace(phase, **changes)


def fair_cuts(generator: Generator) -> list[int]:
    """Returns the cuts behind which a feature map of a fair size passes, the last one left out."""
    sizes = generator.map_sizes.items()
    cuts = [cut for cut, size in sizes if COARSEST <= size < generator.resolution]
    return cuts or [generator.default_cut()]


def scaled(recipe: Recipe, factor: float) -> Recipe:
    """Returns a recipe with `factor` times the steps, at least one a phase."""
    return recipe.with_(steps=max(len(recipe.phases), math.floor(recipe.steps * factor)))


def rounded(value: float) -> float:
    """Rounds to two significant digits, which a person can read and a trial cannot tell apart."""
    return float(f"{value:.2g}")
