"""What an inversion minimises: how far the rendering, seen through the degradation, is off."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from mgp_jax.codes import Codes
from mgp_jax.degradations import Degradation
from mgp_jax.perception.vgg import FeatureExtractor
from mgp_jax.recipes import Phase


class Target(NamedTuple):
    """What one image's rendering is compared with; a pytree.

    Attributes:
        observation: what the degradation made of the unknown image; float[H, W, C] in [-1, 1] for
            images.
        features: the observation's VGG16 features, or None where no phase uses them.
        tolerance: mean squared error at which the optimisation stops, float[].
    """

    observation: jax.Array
    features: jax.Array | None
    tolerance: jax.Array


class Losses(NamedTuple):
    """What an iteration reports: the whole objective and the mean squared error in it."""

    total: jax.Array
    error: jax.Array


def data_terms(
    image: jax.Array,
    target: Target,
    phase: Phase,
    degradation: Degradation,
    extractor: FeatureExtractor | None,
) -> Losses:
    """Compares a rendering with the observation: pixels and, if weighted, VGG16 features.

    Source: Gu et al. 2020, eq. (5) to (8): the objective looks through the degradation.
    """
    seen = degradation(image)
    error = jnp.mean(jnp.square(seen - target.observation))
    total = phase.pixel * error
    if phase.perceptual and extractor is not None and target.features is not None:
        features = extractor(seen, phase.perceptual_size)
        total += phase.perceptual * jnp.mean(jnp.abs(features - target.features))
    return Losses(total, error)


def code_terms(codes: Codes, phase: Phase, importance: float, anchor: Any) -> jax.Array:
    """Adds up what keeps the variables near where they are probable.

    Args:
        codes: the variables.
        phase: the weights.
        importance: the value that the importances start from.
        anchor: the composed map that the residual is tethered to, or None.
    """
    total = jnp.zeros(())
    if phase.prior:
        spread = jnp.mean(jnp.square(codes.alpha / importance - 1))
        total += phase.prior * (jnp.mean(jnp.square(codes.z)) + spread)
    if phase.tether and codes.residual is not None:
        total += phase.tether * _mean_square(codes.residual) / _mean_square(anchor)
    if phase.noise_regularization and codes.noise:
        terms = [autocorrelation(noise) for noise in codes.noise.values()]
        total += phase.noise_regularization * jnp.sum(jnp.stack(terms))
    return total


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
