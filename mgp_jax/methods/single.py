"""Methods that the multi-code engine runs with other recipes: one code, a free map, projectors.

All look at pixels alone, as the default recipes do, so that every method minimises the same error.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mgp_jax.degradations import Degradation
from mgp_jax.generators import Generator, Split
from mgp_jax.methods.method import Method
from mgp_jax.methods.multi_code import MULTI_CODE
from mgp_jax.recipes import Phase, Recipe, codes_only, recipe_for
from mgp_jax.recipes.named import is_large
from mgp_jax.recipes.published import PROJECTION_W, PROJECTION_W_PLUS


def in_phases(recipe: Recipe, **changes: Any) -> Recipe:
    """Returns a recipe all of whose phases have other settings."""
    return recipe.with_(phases=tuple(replace(phase, **changes) for phase in recipe.phases))


# One code of Z through the whole generator; there is no importance to be moved, it stays 1.
ONE_CODE = Recipe("one-code", (Phase(300, moves=("z",), z_rate=0.2),), codes=1, layer=0)
# The mapping of large generators makes long steps of short ones.
ONE_CODE_OF_LARGE = in_phases(ONE_CODE, z_rate=0.05)

# From the mean map of random codes the map itself is moved, wherever the observation pulls it. So
# it is the published method without its codes.
FREE_MAP = Recipe("feature-map", (Phase(300, moves=("residual",), schedule="constant"),))
FREE_MAP_OF_LARGE = in_phases(FREE_MAP, residual_rate=0.05)


def pixels_only(recipe: Recipe) -> Recipe:
    """Returns a recipe without the perceptual loss."""
    return in_phases(recipe, perceptual=0.0)


def always(recipe: Recipe) -> Callable[..., Recipe]:
    """Returns a function that says the same recipe for everything."""
    return lambda degradation, what: recipe


def by_size(small: Recipe, large: Recipe) -> Callable[..., Recipe]:
    """Returns a function that says a recipe of its own for large style-based generators."""
    return lambda degradation, what: large if is_large(what) else small


one_code = by_size(ONE_CODE, ONE_CODE_OF_LARGE)


def with_recipe(name: str, title: str, recipe: Callable[..., Recipe], **changes: Any) -> Method:
    """Makes a method of what the multi-code engine does with other recipes."""
    return replace(MULTI_CODE, name=name, title=title, recipe=recipe, most=None, **changes)


def codes_alone(degradation: Degradation, what: Generator | Split | None) -> Recipe:
    """Returns the recipe of codes and importances alone.

    In large images `fast` cuts where a map may say most, which is no place for few codes.
    """
    name = "prior" if is_large(what) else "fast"
    return codes_only(recipe_for(name, degradation, what))


ONE = with_recipe("one-code", "one code", one_code)
FREE = with_recipe("feature-map", "free feature map", by_size(FREE_MAP, FREE_MAP_OF_LARGE))
W = with_recipe(
    "w", "W projection", always(pixels_only(PROJECTION_W["inversion"])), needs=("styles",)
)
W_PLUS = with_recipe(
    "w+", "W+ projection", always(pixels_only(PROJECTION_W_PLUS["inversion"])), needs=("styles",)
)
CODES_ONLY = replace(
    MULTI_CODE,
    name="codes-only",
    title="multi-code, codes only",
    recipe=codes_alone,
)
UNIVERSAL = with_recipe(
    "universal",
    "multi-code, universal recipe",
    lambda degradation, what: recipe_for("universal", degradation, what),
)
