"""Short inversions, and how two of them are compared."""

from functools import partial
from typing import Any

import jax
import numpy as np

from mgp_jax.codes import render
from mgp_jax.inversion import InversionConfig, Result
from mgp_jax.recipes import Phase, Recipe

# Two phases: the codes, then the composed map. Most tests run these, so that they compile once.
RECIPE = Recipe(
    "test", (Phase(20), Phase(10, moves=("residual",), tether=0.01)), codes=3, layer="layer2"
)
CONFIG = InversionConfig(recipe=RECIPE)

rendered = partial(jax.jit, static_argnums=2)(jax.vmap(render, (None, 0, None)))


def assert_equal(mine: Any, expected: Any):
    """Every leaf bit by bit; NaN equals NaN."""
    assert jax.tree.structure(mine) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, mine, expected)


def rows(result: Result, index: Any) -> Result:
    return jax.tree.map(lambda leaf: np.asarray(leaf)[index], result)
