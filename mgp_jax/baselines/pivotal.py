"""Pivotal tuning: one code is optimised, then the generator's weights around it.

Source: Roich, Mokady, Bermano and Cohen-Or 2021, "Pivotal tuning for latent-based editing of real
images". Their second loss, which keeps the generator as it is away from the pivot, matters for
editing and is left out here.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.baselines.recipes import ONE_CODE
from mgp_jax.baselines.weights import fit_weights
from mgp_jax.degradations import Degradation
from mgp_jax.generators.base import Generator, Params
from mgp_jax.inversion import InversionConfig, invert

RATE = 1e-3
# What is kept as it is: the noise maps and the mean style are no weights.
FIXED = ("noise", "mean")
SETTINGS = (ONE_CODE, RATE)


def tune(
    generator: Generator, observations: Any, degradation: Degradation, steps: int, seed: int = 0
) -> np.ndarray:
    """Restores images with a generator of their own each.

    Args:
        generator: the generator to start from.
        observations: float[B, ...], what the degradation made of the images.
        degradation: the operator.
        steps: iterations, at least 2; the first half finds the pivot.
        seed: seed of the code to start from.

    Returns: float[B, H, W, C] in [-1, 1] up to overshoots.
    """
    before = max(1, steps // 2)
    config = InversionConfig(recipe=ONE_CODE.with_steps(before), seed=seed)
    pivots = invert(generator, observations, config, degradation).codes.z[:, 0]

    weights, fixed = split(generator.params)
    shared = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(pivots), *leaf.shape)), fixed)
    inputs, left = (jnp.asarray(pivots), shared), steps - before
    return fit_weights(Tuned(generator), weights, inputs, observations, degradation, left, RATE)


@dataclass(frozen=True)
class Tuned:
    """Renders a pivot with given weights; equal for the same generator, so it compiles once."""

    generator: Generator

    def __call__(self, weights: Params, inputs: Any) -> jax.Array:
        """Returns float[H, W, C]; `inputs` are the pivot and the parameters that are fixed."""
        pivot, fixed = inputs
        params = {name: {**fixed[name], **weights[name]} for name in weights}
        return self.generator.apply(params, pivot[None])[0]


def split(params: Params) -> tuple[dict[str, Any], dict[str, Any]]:
    """Separates, stage by stage, the weights from what is kept as it is."""
    weights = {k: {n: v for n, v in stage.items() if n not in FIXED} for k, stage in params.items()}
    fixed = {k: {n: v for n, v in stage.items() if n in FIXED} for k, stage in params.items()}
    return weights, fixed
