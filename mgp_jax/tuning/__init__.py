"""Finds a recipe for a generator, a task and a time: cut, codes, phases, steps and rates."""

from mgp_jax.tuning.search import Standing, Trials, tune
from mgp_jax.tuning.trials import Search, Trial

__all__ = ["Search", "Standing", "Trial", "Trials", "tune"]
