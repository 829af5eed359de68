"""All recipes of a table, those too that it makes of what observations tell."""

from mgp_jax.degradations import Information
from mgp_jax.recipes import Recipe
from mgp_jax.recipes.named import Table

# From a whole photograph to one of which hardly anything is left.
TOLD = {
    "all": Information(1, 1, 12288, 12288, 0.0),
    "half of the size": Information(2, 2, 3072, 3072, 0.0),
    "noise": Information(4, 4, 768, 12288, 0.16),
    "next to nothing": Information(16, 16, 0.0, 0.0, 0.5),
}


def rows(table: Table) -> dict[str, Recipe]:
    """Returns recipes by what they are for."""
    if callable(table):
        return {name: table(told) for name, told in TOLD.items()}
    return dict(table)
