"""Degradations: how an observation came about from an image, as objects made for `jax.jit`.

An operator takes one image float32[H, W, C] in [-1, 1] to its noiseless observation; noise is kept
apart, as the property `sigma` (on the [0, 1] scale) and the method `simulate`. `parse` reads the
text form of the command line, `compose` chains operators, `back_project` makes an image agree with
an observation.
"""

from mgp_jax.degradations.base import AUTO, Degradation, Operator, as_degradation
from mgp_jax.degradations.blurring import Blur
from mgp_jax.degradations.carrying import carried, require_carried
from mgp_jax.degradations.composition import Composition, compose, kind_of, operators_of
from mgp_jax.degradations.counting import Drop, Poisson
from mgp_jax.degradations.determining import Information, information
from mgp_jax.degradations.estimating import Estimate, estimate, estimated_sigma, is_gray
from mgp_jax.degradations.explaining import explained, in_words, observed_size, unresized
from mgp_jax.degradations.framing import Frame
from mgp_jax.degradations.jpeg import Jpeg
from mgp_jax.degradations.masks import Impulse, Mask
from mgp_jax.degradations.noise_level import noise_level
from mgp_jax.degradations.parsing import parse
from mgp_jax.degradations.pointwise import Grayscale, Identity, Noise, UnknownNoise
from mgp_jax.degradations.projection import adjoint, back_project, laplacian, smoothest
from mgp_jax.degradations.quantising import Quantise, unrounded
from mgp_jax.degradations.resampling import Downsample, Resize
from mgp_jax.degradations.sensing import CompressedSensing
from mgp_jax.degradations.true import true_observation

# Its name beside `codes.compose`, among the public names of the package.
compose_degradations = compose

__all__ = [
    "AUTO",
    "Blur",
    "Composition",
    "CompressedSensing",
    "Degradation",
    "Downsample",
    "Drop",
    "Estimate",
    "Frame",
    "Grayscale",
    "Identity",
    "Impulse",
    "Information",
    "Jpeg",
    "Mask",
    "Noise",
    "Operator",
    "Poisson",
    "Quantise",
    "Resize",
    "UnknownNoise",
    "adjoint",
    "as_degradation",
    "back_project",
    "carried",
    "compose",
    "compose_degradations",
    "estimate",
    "estimated_sigma",
    "explained",
    "in_words",
    "information",
    "is_gray",
    "kind_of",
    "laplacian",
    "noise_level",
    "observed_size",
    "operators_of",
    "parse",
    "require_carried",
    "smoothest",
    "true_observation",
    "unresized",
    "unrounded",
]
