"""One code as an encoder guesses it, and one that is optimised from there.

Source: Zhu et al. 2016, "Generative visual manipulation on the natural image manifold".
"""

from dataclasses import replace

import jax
import jax.numpy as jnp

from mgp_jax.codes import Codes
from mgp_jax.methods.multi_code import MULTI_CODE
from mgp_jax.methods.observation import AT_ONCE, first_guesses
from mgp_jax.methods.single import always, one_code
from mgp_jax.solve import ResolvedPhase
from mgp_jax.terms import Given, Target


def encode(given: Given, target: Target, keys: jax.Array, phase: ResolvedPhase) -> Codes:
    """Guesses the codes behind observations, which are first brought to the shape of images."""
    del keys, phase
    split = given.split
    guesses = first_guesses(given.degradation, target.observation, split.image_shape)
    z = given.networks["encoder"](guesses).reshape(len(guesses), 1, *split.latent_shape)
    return Codes(z, jnp.ones((len(z), 1, split.channels)))


ENCODER = replace(
    MULTI_CODE,
    name="encoder",
    title="encoder",
    start=encode,
    recipe=always(AT_ONCE),
    needs=("encoder",),
    most=None,
)
ENCODER_OPTIMISED = replace(
    ENCODER, name="encoder-optimised", title="encoder, optimised", recipe=one_code
)
