"""How to optimise: recipes, by name for what is to be undone."""

from mgp_jax.recipes.named import RECIPES, recipe_for
from mgp_jax.recipes.recipe import Phase, Recipe, codes_only, described, refined
from mgp_jax.recipes.small import COARSEST, POOL

__all__ = [
    "COARSEST",
    "POOL",
    "RECIPES",
    "Phase",
    "Recipe",
    "codes_only",
    "described",
    "recipe_for",
    "refined",
]
