"""Recipes by name, chosen by what is to be undone and by what a generator is."""

from collections.abc import Mapping
from dataclasses import replace

from mgp_jax.degradations import Degradation, kind_of
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator, Split
from mgp_jax.recipes import large, small
from mgp_jax.recipes.published import PAPER, PROJECTION_W, PROJECTION_W_PLUS
from mgp_jax.recipes.recipe import Recipe

Table = Mapping[str, Recipe]

# By name, for small and for large generators.
RECIPES: dict[str, tuple[Table, Table]] = {
    "fast": (small.FAST, large.FAST),
    "quality": (small.QUALITY, large.QUALITY),
    "prior": (small.PRIOR, large.PRIOR),
    "edit": (small.EDIT, large.EDIT),
    "paper": (PAPER, PAPER),
    "w": (PROJECTION_W, PROJECTION_W),
    "w+": (PROJECTION_W_PLUS, PROJECTION_W_PLUS),
}


def recipe_for(
    name: str, degradation: Degradation, what: Generator | Split | None = None
) -> Recipe:
    """Returns a named recipe's settings for what a degradation asks for.

    Args:
        name: `fast`, `quality`, `prior`, `edit`, `paper`, `w` or `w+`.
        degradation: what is to be undone.
        what: the generator. Style-based ones of at least 256 pixels have recipes of their own, and
            the published cuts are those of a PGGAN. None for a small PGGAN.

    Raises:
        SettingError: there is no such recipe.

    Example:
        >>> from mgp_jax import Grayscale, recipe_for
        >>> recipe_for("fast", Grayscale()).steps
        20
    """
    if name not in RECIPES:
        raise SettingError(f"recipe {name}: there are {', '.join(RECIPES)}")
    recipe = RECIPES[name][is_large(what)][kind_of(degradation)]
    published_cut = what is None or (isinstance(what, Generator) and what.family == "pggan")
    return recipe if published_cut or name != "paper" else replace(recipe, layer=None)


def is_large(what: Generator | Split | None) -> bool:
    """Says whether codes can live in W, and images are so large that steps take a second."""
    if what is None:
        return False
    if isinstance(what, Split):
        return what.space == "w" and what.image_shape[0] >= large.LARGE
    return "w" in dict(what.config.spaces) and what.resolution >= large.LARGE
