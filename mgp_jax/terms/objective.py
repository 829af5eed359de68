"""The objective: the weighted sum of the terms of a phase."""

from typing import Any

import jax.numpy as jnp

from mgp_jax.solve.phase import ResolvedPhase
from mgp_jax.solve.state import Losses
from mgp_jax.terms.base import Given, Settings, Target, Term
from mgp_jax.terms.observation import features, lpips, pixels
from mgp_jax.terms.pyramid import pyramid
from mgp_jax.terms.variables import noise_autocorrelation, prior, styles_prior, tether

# By the name of their weight in a phase.
TERMS: dict[str, Term] = {
    "pixel": pixels,
    "perceptual": features,
    "lpips": lpips,
    "pyramid": pyramid,
    "prior": prior,
    "styles_prior": styles_prior,
    "tether": tether,
    "noise_regularization": noise_autocorrelation,
}


def objective(
    given: Given, target: Target, variables: Any, held: Any, phase: ResolvedPhase
) -> Losses:
    """Returns the objective of one image's variables, and the mean squared error in it."""
    settings: Settings = phase.settings  # pyright: ignore[reportAssignmentType]
    weights = settings.phase
    rendering = settings.render(given, variables, held, phase)
    image = rendering.image.astype(jnp.promote_types(rendering.image.dtype, jnp.float32))
    seen = given.degradation(image)
    if target.visible is not None:
        seen = jnp.where(target.visible > 0, seen, target.observation)
    rendering = rendering._replace(
        image=image,
        seen=seen,
        networks=given.networks,
        size=weights.perceptual_size,
        degradation=given.degradation,
        key=given.key,
    )
    error = pixels(rendering, target, variables)
    total = weights.pixel * error
    for name, term in TERMS.items():
        if name != "pixel" and getattr(weights, name):
            total += getattr(weights, name) * term(rendering, target, variables)
    for term in weights.terms:
        total += term(rendering, target, variables)
    return Losses(total, error)
