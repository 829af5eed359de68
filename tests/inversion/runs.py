"""Short inversions, and how two of them are compared."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.codes import Codes, render
from mgp_jax.degradations import Degradation, Identity
from mgp_jax.generators import Generator
from mgp_jax.inversion import (
    InversionConfig,
    Result,
    code_count,
    image_keys,
    pose,
    settings,
    start,
)
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.seeds import seeded_key

# Two phases: the codes, then the composed map. Most tests run these, so that they compile once.
RECIPE = Recipe(
    "test", (Phase(20), Phase(10, moves=("residual",), tether=0.01)), codes=3, layer="layer2"
)
CONFIG = InversionConfig(recipe=RECIPE)

rendered = partial(jax.jit, static_argnums=2)(jax.vmap(render, (None, 0, None)))


def started(
    generator: Generator,
    observations: Any,
    config: InversionConfig,
    degradation: Degradation | None = None,
    keys: jax.Array | None = None,
) -> Codes:
    """The codes that an inversion begins with."""
    observations = jnp.asarray(observations)
    phases = settings(generator, config)
    problem = pose(observations, generator, phases, config, degradation or Identity(), None)
    keys = image_keys(config.seed, range(len(observations))) if keys is None else keys
    return start(problem, keys, code_count(config), phases[0], seeded_key(config.seed))


def assert_equal(mine: Any, expected: Any):
    """Every leaf bit by bit; NaN equals NaN."""
    assert jax.tree.structure(mine) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, mine, expected)


def rows(result: Result, index: Any) -> Result:
    return jax.tree.map(lambda leaf: np.asarray(leaf)[index], result)
