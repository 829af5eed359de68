"""Terms that keep the variables near where they are probable."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from mgp_jax.terms.base import Rendering, Target


def prior(rendering: Rendering, target: Target, variables: Any) -> jax.Array:
    """Mean z^2 + mean (alpha / start - 1)^2: normal codes, importances as they start.

    In W and W+ z counts from the mean style.
    """
    del target
    spread = jnp.mean(jnp.square(variables.alpha / rendering.importance - 1))
    mean = 0 if rendering.mean_code is None else rendering.mean_code
    return jnp.mean(jnp.square(variables.z - mean)) + spread


def styles_prior(rendering: Rendering, target: Target, variables: Any) -> jax.Array:
    """Mean squared distance of the tail's styles from the mean; 0 where it takes none."""
    del target
    if variables.styles is None or rendering.mean_style is None:
        return jnp.zeros(())
    return jnp.mean(jnp.square(variables.styles - rendering.mean_style))


def tether(rendering: Rendering, target: Target, variables: Any) -> jax.Array:
    """Mean residual^2 / mean h^2, h the map that the phase started from; 0 without a residual."""
    del target
    if variables.residual is None:
        return jnp.zeros(())
    return _mean_square(variables.residual) / _mean_square(rendering.anchor)


def noise_autocorrelation(rendering: Rendering, target: Target, variables: Any) -> jax.Array:
    """Sum of the autocorrelations of all noise maps; 0 where none are variables."""
    del rendering, target
    if not variables.noise:
        return jnp.zeros(())
    return jnp.sum(jnp.stack([autocorrelation(noise) for noise in variables.noise.values()]))


def autocorrelation(noise: jax.Array) -> jax.Array:
    """Squared correlation of a noise map with its neighbours, over a pyramid of halved sizes.

    Args:
        noise: float[1, H, W, 1].

    Source: Karras et al. 2020 (StyleGAN2), appendix D.
    """
    total = jnp.zeros(())
    while True:
        for axis in (1, 2):
            total += jnp.square(jnp.mean(noise * jnp.roll(noise, 1, axis)))
        height, width = noise.shape[1:3]
        if height <= 8:
            return total
        blocks = noise.reshape(1, height // 2, 2, width // 2, 2, 1)
        # Averaging four pixels halves the deviation; twice the mean keeps unit variance.
        noise = 2 * jnp.mean(blocks, axis=(2, 4))


def _mean_square(tree: Any) -> jax.Array:
    flat, _ = ravel_pytree(tree)
    return jnp.mean(jnp.square(flat))
