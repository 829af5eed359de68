"""PULSE: one code on the sphere where normal codes lie, from several starts.

Source: Menon, Damian, Hu, Ravi and Rudin 2020, "PULSE: self-supervised photo upsampling via latent
space exploration of generative models". Theirs is a code for every layer of a StyleGAN, held
together by a term of its own; here it is one code of Z, so that any generator can do it.
"""

from mgp_jax.methods.single import always, with_recipe
from mgp_jax.recipes import Phase, Recipe

# The published steps and rate.
SPHERICAL = Phase(100, moves=("z",), optimizer="spherical", z_rate=0.4)
STARTS = 4

PULSE = with_recipe(
    "pulse", "PULSE", always(Recipe("pulse", (SPHERICAL,), codes=1, layer=0)), restarts=STARTS
)
