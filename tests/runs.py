"""Short inversions, and how two of them are compared."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.degradations import Degradation, Identity
from mgp_jax.inversion import Inversion, image_keys, pose, resolve, start
from mgp_jax.methods import What
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.sharding import SPLIT, place
from mgp_jax.solve import Solution, solve

# Two phases: the codes, then the composed map. Most tests run these, so that they compile once.
RECIPE = Recipe(
    "test", (Phase(20), Phase(10, moves=("residual",), tether=0.01)), codes=3, layer="layer2"
)


def started(
    what: What,
    observations: Any,
    recipe: Recipe = RECIPE,
    degradation: Degradation = Identity(),
    *,
    keys: jax.Array | None = None,
    **settings: Any,
) -> Any:
    """The variables that an inversion begins with."""
    inversion = resolve(what, degradation, recipe, **settings)
    problem = pose(inversion, jnp.asarray(observations))
    keys = image_keys(inversion.seed, range(len(observations))) if keys is None else keys
    return start(problem, keys, inversion.phases[0])


def solved(inversion: Inversion, observations: Any, **settings: Any) -> Solution:
    """What the solver makes of observations, also of those that `run` would refuse."""
    mesh = inversion.execution.mesh
    problem = pose(inversion, jnp.asarray(observations))
    keys = place(image_keys(inversion.seed, range(len(observations))), mesh, SPLIT)
    return solve(
        problem,
        lambda: start(problem, keys, inversion.phases[0]),
        inversion.phases,
        inversion.execution,
        **settings,
    )


def assert_equal(mine: Any, expected: Any):
    """Every leaf bit by bit; NaN equals NaN."""
    assert jax.tree.structure(mine) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, mine, expected)
