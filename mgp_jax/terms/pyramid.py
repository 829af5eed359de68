"""LPIPS over a pyramid of sizes, between two observations at random."""

from typing import Any

import jax
import jax.numpy as jnp

from mgp_jax.terms.base import Rendering, Target
from mgp_jax.terms.networks import LPIPS_VGG, holes, look

# Weight of the absolute difference of the smallest images.
COLOURS = 0.1
# What noise of an unknown level is drawn with.
NOISE = 2**31 - 3


def pyramid(rendering: Rendering, target: Target, variables: Any) -> jax.Array:
    """LPIPS (VGG16) summed over halved sizes, and a tenth of the absolute difference of the last.

    A noisy observation is compared with a noisy one: what is predicted has noise of its own, the
    same in all steps. Holes show the same random colours on both sides. Observations that are no
    images are compared by the absolute difference alone.

    Source: Poirier-Ginter and Lalonde 2023, section 3.
    """
    del variables
    drawn = rendering.degradation.predict(rendering.image, rendering.key)
    if target.noise is not None:
        key = jax.random.fold_in(rendering.key, NOISE)
        noise = jax.random.normal(key, drawn.shape, drawn.dtype)
        drawn += target.noise * noise * rendering.degradation.visible(drawn)
    if LPIPS_VGG not in target.features:
        return jnp.mean(jnp.abs(drawn - target.observation))
    network = rendering.networks[LPIPS_VGG]
    drawn += holes(rendering.degradation, drawn.shape, rendering.key)
    mine = look(rendering.networks, LPIPS_VGG, drawn, rendering.size)
    theirs = target.features[LPIPS_VGG]
    total = jnp.zeros(())
    for (_, one), (_, other) in zip(mine, theirs, strict=True):
        total += network.between(one, other)
    return total + COLOURS * jnp.mean(jnp.abs(mine[-1][0] - theirs[-1][0]))
