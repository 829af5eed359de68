"""Inversion: a method, a recipe and a degradation become phases of the solver, and are run."""

from mgp_jax.inversion.framing import find_frame
from mgp_jax.inversion.problem import check_observations, image_keys, pose
from mgp_jax.inversion.resolve import Inversion, default_recipe, load, resolve
from mgp_jax.inversion.run import Result, draw, draw_progress, invert, outline, run, start

__all__ = [
    "Inversion",
    "Result",
    "check_observations",
    "default_recipe",
    "draw",
    "draw_progress",
    "find_frame",
    "image_keys",
    "invert",
    "load",
    "outline",
    "pose",
    "resolve",
    "run",
    "start",
]
