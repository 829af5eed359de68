"""Predicts how long recipes take by their arithmetic and the speed seen in earlier trials."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import nnls

from mgp_jax.benchmark.arithmetic import step_flops
from mgp_jax.inversion import resolve
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.tuning.candidates import scaled
from mgp_jax.tuning.trials import Search, Trial

# A step of the tail alone does little arithmetic and waits for memory the more.
TAIL_SLOWNESS = 3.0


class Pace:
    """Foretells how long recipes take.

    The time is taken to be the arithmetic times one of two factors, for steps with and without
    head. Tracing a network to count its operations takes a while, so counts are kept.
    """

    def __init__(self, search: Search):
        self._search = search
        self._flops: dict[tuple[str, str, int | None, bool], float] = {}

    def operations(self, recipe: Recipe) -> np.ndarray:
        """Returns the operations an image, of steps with and of steps without head: float[2]."""
        amounts = np.zeros(2)
        for phase in recipe.phases:
            tail = self._step(recipe, phase, head=False)
            if phase.moves_head:
                # Every code goes through the head and is composed, so it grows with their number.
                one_code = self._step(recipe, phase, head=True) - tail
                amounts[0] += phase.steps * (tail + recipe.codes * one_code)
            else:
                amounts[1] += phase.steps * tail
        return amounts

    def fitted(self, tried: Sequence[Trial], recipe: Recipe, wanted: float) -> Recipe:
        """Returns a recipe with as many steps as take the wanted time, by the trials so far.

        Args:
            tried: trials, at least one; the two factors follow from them by least squares.
            recipe: the recipe.
            wanted: seconds an image.
        """
        amounts = np.array([self.operations(trial.recipe) for trial in tried])
        seconds = np.array([max(trial.seconds, 1e-3) for trial in tried])
        average = np.median(seconds / amounts.sum(axis=1))
        # What is known beforehand, as two weak observations, for a factor not yet seen.
        prior = 0.1 * np.diag([1, 1 / TAIL_SLOWNESS])
        rows = np.vstack([average * amounts / seconds[:, None], prior])
        factors, _ = nnls(rows, np.concatenate([np.ones(len(tried)), [0.1, 0.1]]))
        foretold = float(self.operations(recipe) @ factors * average)
        return scaled(recipe, wanted / max(foretold, 1e-6))

    def _step(self, recipe: Recipe, phase: Phase, head: bool) -> float:
        """Operations of a step with one code, or of one without head."""
        size = phase.perceptual_size if phase.perceptual else -1
        key = str(recipe.layer), recipe.space, size, head
        if key not in self._flops:
            moves = ("z",) if head else ("residual",)
            step = replace(phase, steps=1, moves=moves, whiten=False)
            one = recipe.with_(phases=(step,), codes=1, candidates=0)
            self._flops[key] = step_flops(
                resolve(self._search.generator, self._search.degradation, one)
            )
        return self._flops[key]
