"""Candidates of a search: recipes like a given one, with steps for the time they may take."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from scipy.optimize import nnls

from mgp_jax.benchmark.arithmetic import moves_head, step_flops
from mgp_jax.codes import init_codes
from mgp_jax.generators.base import Features, Generator
from mgp_jax.inversion import default_cut
from mgp_jax.perception.vgg import bundled_extractor
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.tuning.trials import Search, Trial

# Cuts with smaller maps than this decide too little of the image.
SMALLEST_MAP = 8
# A step of the tail alone does little arithmetic and waits for memory the more.
TAIL_SLOWNESS = 3.0


def concrete(generator: Generator, recipe: Recipe) -> Recipe:
    """Returns a recipe with its cut as an index, so that it can be varied."""
    cut = default_cut(generator) if recipe.layer is None else generator.cut(recipe.layer)
    return replace(recipe, name="tuned", layer=cut)


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
    cuts = cuts_of(generator)
    layer, codes = recipe.layer, recipe.codes
    if random.random() < spread / 2:
        place = cuts.index(layer) if layer in cuts else len(cuts) // 2
        layer = cuts[int(np.clip(place + random.choice((-1, 1)), 0, len(cuts) - 1))]
    if random.random() < spread / 2:
        codes = int(np.clip(round(codes * math.exp(random.normal(0, 0.5))), 1, 64))
    phases = [vary_phase(phase, random, spread) for phase in recipe.phases]
    refines = [phase for phase in phases if "residual" in phase.moves]
    if not refines and random.random() < spread / 2:
        tether = 10.0 ** random.uniform(-2, 0)
        steps = max(1, recipe.steps)
        phases.append(Phase(steps, moves=("residual",), tether=rounded(tether)))
    elif len(phases) > 1 and random.random() < spread / 6:
        phases.pop()
    return replace(recipe, layer=layer, codes=codes, phases=tuple(phases))


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
    if "residual" in phase.moves:
        changes["tether"] = weight(phase.tether, 0.1)
    return replace(phase, **changes)


def cuts_of(generator: Generator) -> list[int]:
    """Returns the cuts behind which a feature map of a fair size passes, the last one left out."""
    cuts = []
    for cut, crossing in enumerate(generator.shapes[:-1]):
        shape = (crossing.maps if isinstance(crossing, Features) else crossing).shape
        if len(shape) == 4 and SMALLEST_MAP <= shape[1] < generator.resolution:
            cuts.append(cut)
    return cuts or [default_cut(generator)]


def fitted(search: Search, tried: Sequence[Trial], recipe: Recipe, wanted: float) -> Recipe:
    """Returns a recipe with as many steps as the wanted time allows, by the trials so far.

    The time is taken to be the arithmetic times one of two factors, for steps with and without
    head; these follow from the trials by least squares.
    """
    amounts = np.array([arithmetic(search, trial.recipe) for trial in tried])
    seconds = np.array([max(trial.seconds, 1e-3) for trial in tried])
    average = np.median(seconds / amounts.sum(axis=1))
    # What is known beforehand, as two weak observations, for the factors not yet seen.
    prior = 0.1 * np.diag([1 / average, 1 / (TAIL_SLOWNESS * average)])
    rows = np.vstack([amounts / seconds[:, None], prior])
    factors, _ = nnls(rows * average, np.concatenate([np.ones(len(tried)), [0.1, 0.1]]))
    predicted = float(arithmetic(search, recipe) @ factors * average)
    return scaled(recipe, wanted / max(predicted, 1e-6))


def scaled(recipe: Recipe, factor: float) -> Recipe:
    """Returns a recipe with so many times the steps, at least one a phase."""
    return recipe.with_steps(max(len(recipe.phases), math.floor(recipe.steps * factor)))


def arithmetic(search: Search, recipe: Recipe) -> np.ndarray:
    """Returns the operations an image, those of phases with and without head: float[2]."""
    generator = search.generator
    cut = generator.cut(str(recipe.layer))
    codes = jax.eval_shape(
        lambda key: init_codes(generator, key, recipe.codes, cut, recipe.space), jax.random.key(0)
    )
    amounts = np.zeros(2)
    for phase in recipe.phases:
        extractor = bundled_extractor() if phase.perceptual else None
        flops = step_flops(
            generator, codes, cut, phase, search.degradation, extractor, recipe.space
        )
        amounts[0 if moves_head(phase) else 1] += phase.steps * flops
    return amounts


def rounded(value: float) -> float:
    """Rounds to two significant digits, which a person can read and a trial cannot tell apart."""
    return float(f"{value:.2g}")
