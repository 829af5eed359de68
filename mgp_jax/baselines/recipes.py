"""The baselines that the engine runs as they are: one code, free features, style projectors.

All look at pixels alone, as the default recipes do, so that every method minimises the same error.
"""

from dataclasses import replace

from mgp_jax.recipes import PROJECTION_W, PROJECTION_W_PLUS, Phase, Recipe

# One code of Z through the whole generator; there is no importance to be moved, it stays 1.
ONE_CODE = Recipe("one-code", (Phase(300, moves=("z",), z_rate=0.2),), codes=1, layer=0)

# From the mean map of random codes the map itself is moved, wherever the observation pulls it. So
# it is the published method without its codes.
FEATURE_MAP = Recipe("feature-map", (Phase(300, moves=("residual",), schedule="constant"),))


def pixels_only(recipe: Recipe) -> Recipe:
    """Returns a recipe without the perceptual loss."""
    return replace(recipe, phases=tuple(replace(phase, perceptual=0.0) for phase in recipe.phases))


W = pixels_only(PROJECTION_W["inversion"])
W_PLUS = pixels_only(PROJECTION_W_PLUS["inversion"])
