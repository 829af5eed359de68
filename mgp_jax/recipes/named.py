"""Recipes by name, chosen by what is to be undone and by what a generator is."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from mgp_jax.degradations import Degradation, Information, information, kind_of
from mgp_jax.degradations.determining import CELLS
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator, Split
from mgp_jax.recipes import large, small
from mgp_jax.recipes.published import PAPER, PROJECTION_W, PROJECTION_W_PLUS
from mgp_jax.recipes.recipe import Recipe, codes_only, mean_of_several
from mgp_jax.recipes.universal import universal_of_large, universal_of_small

# One for every kind of problem, or a function of what observations tell. A table without
# `restoration` leaves chains of several kinds, and what has none, to the universal recipe.
Table = Mapping[str, Recipe] | Callable[[Information], Recipe]

# The images that a recipe is for if nothing is known of the generator.
COMMON_SHAPE = (64, 64, 3)

UNIVERSAL = (universal_of_small, universal_of_large)
# What becomes of the universal recipe under other names.
CHANGES: dict[str, Callable[[Recipe], Recipe]] = {
    "quality": mean_of_several,
    "prior": codes_only,
}

# Those whose super-resolution of large images was chosen on a sixteenth of the size, and on known
# filters, whose observations are put back. Other ones they leave to the universal recipe.
OF_KNOWN_FILTERS = ("fast", "quality", "edit")

# A large generator's map at the cut is at most such a part of its image's height: there are hardly
# any layers behind a finer one.
FINEST = 4

# By name, for small and for large generators.
RECIPES: dict[str, tuple[Table, Table]] = {
    "fast": (small.FAST, large.FAST),
    "quality": (small.QUALITY, large.QUALITY),
    "prior": (small.PRIOR, large.PRIOR),
    "edit": (small.EDIT, large.EDIT),
    "universal": UNIVERSAL,
    "paper": (PAPER, PAPER),
    "w": (PROJECTION_W, PROJECTION_W),
    "w+": (PROJECTION_W_PLUS, PROJECTION_W_PLUS),
}


def recipe_for(
    name: str, degradation: Degradation, what: Generator | Split | None = None
) -> Recipe:
    """Returns a named recipe's settings for what a degradation asks for.

    Args:
        name: `fast`, `quality`, `prior`, `edit`, `universal`, `paper`, `w` or `w+`.
        degradation: what is to be undone.
        what: the generator. Style-based ones of at least 256 pixels have recipes of their own, and
            the published cuts are those of a PGGAN. None for a small PGGAN of 64 pixels.

    Raises:
        SettingError: there is no such recipe, or the degradation does not fit the images.

    Example:
        >>> from mgp_jax import Grayscale, recipe_for
        >>> recipe_for("fast", Grayscale()).steps
        20
    """
    if name not in RECIPES:
        raise SettingError(f"recipe {name}: there are {', '.join(RECIPES)}")
    table, kind = RECIPES[name][is_large(what)], kind_of(degradation)
    if isinstance(table, Mapping) and kind in table and suits(name, kind, degradation, what):
        recipe = table[kind]
    else:
        make = UNIVERSAL[is_large(what)] if isinstance(table, Mapping) else table
        recipe = make(told(degradation, what))
        recipe = replace(CHANGES[name](recipe) if name in CHANGES else recipe, name=name)
    if what is not None and is_large(what) and recipe.map_size is not None:
        recipe = replace(recipe, map_size=min(recipe.map_size, what.image_shape[0] // FINEST))
    published_cut = what is None or (isinstance(what, Generator) and what.family == "pggan")
    return recipe if published_cut or name != "paper" else replace(recipe, layer=None)


def suits(name: str, kind: str, degradation: Degradation, what: Generator | Split | None) -> bool:
    """Says whether what a recipe's table has for a kind of problem is meant for this one."""
    if name in OF_KNOWN_FILTERS and kind == "super-resolution" and is_large(what):
        return degradation.exact or told(degradation, what).cell > CELLS[-1]
    return True


def told(degradation: Degradation, what: Generator | Split | None) -> Information:
    """Returns what observations of a generator's images tell."""
    return information(degradation, COMMON_SHAPE if what is None else what.image_shape)


def is_large(what: Generator | Split | None) -> bool:
    """Says whether codes can live in W, and images are so large that steps take a second."""
    if what is None:
        return False
    if isinstance(what, Split):
        return what.space == "w" and what.image_shape[0] >= large.LARGE
    return "w" in dict(what.config.spaces) and what.resolution >= large.LARGE
