"""What an inversion minimises: terms, functions with a name, seen through the degradation."""

from mgp_jax.terms.base import Given, Held, Rendering, Settings, Target, Term
from mgp_jax.terms.networks import NETWORKS, look, networks_for
from mgp_jax.terms.objective import TERMS, objective
from mgp_jax.terms.observation import features, lpips, pixels
from mgp_jax.terms.pyramid import pyramid
from mgp_jax.terms.variables import noise_autocorrelation, prior, styles_prior, tether

__all__ = [
    "NETWORKS",
    "TERMS",
    "Given",
    "Held",
    "Rendering",
    "Settings",
    "Target",
    "Term",
    "features",
    "look",
    "lpips",
    "networks_for",
    "noise_autocorrelation",
    "objective",
    "pixels",
    "prior",
    "pyramid",
    "styles_prior",
    "tether",
]
