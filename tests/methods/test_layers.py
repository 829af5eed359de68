"""Intermediate layers: what is carried from one to the next, and the ball around it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mgp_jax.degradations import Identity
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator
from mgp_jax.inversion import draw, invert, pose, resolve
from mgp_jax.methods.layers import BALL, LAYERS, Layered, enter, layers
from mgp_jax.methods.single import FREE_MAP
from mgp_jax.recipes import Phase, Recipe


def test_free_maps_have_no_bound_and_balls_have(small: Generator, truths: np.ndarray):
    free = invert(small, truths, recipe=FREE_MAP.with_(steps=5))
    residual = free.codes.residual
    assert residual is not None and np.abs(residual.maps).max() > 0.01
    recipe = LAYERS.recipe(Identity(), small).with_(steps=40)
    codes: Layered = invert(small, truths, recipe=recipe, method=LAYERS).codes
    assert codes.maps is not None and codes.residual is not None
    for k in range(len(truths)):
        size = np.abs(codes.residual.maps[k]).sum() / np.abs(codes.maps.maps[k]).sum()
        assert 1e-4 < size <= BALL * (1 + 1e-5)


@pytest.mark.parametrize("name", ["small", "styled"])
def test_what_is_carried_to_the_next_layer_renders_the_same(
    name: str, request: pytest.FixtureRequest
):
    """From the code to the first map, and from each moved map to the next."""
    generator: Generator = request.getfixturevalue(name)
    cuts = layers(generator)
    assert cuts == ((1, 2) if name == "small" else generator.split().layers)
    phases = tuple(Phase(1, moves=("residual", "styles"), ball=BALL) for _ in cuts)
    code = Phase(1, moves=("z",))
    inversion = resolve(
        generator, recipe=Recipe("ilo", (code, *phases), codes=1, layer=0), method=LAYERS
    )
    given = pose(inversion, jnp.zeros((1, *inversion.image_shape))).given
    latent = jax.random.normal(jax.random.key(0), (1, *generator.latent_shape))
    variables: Any = Layered(latent)
    image = generator.apply(generator.params, latent)[0]
    for phase in inversion.phases:
        variables, held = enter(given, variables, phase)
        if phase is inversion.phases[0]:
            assert held.anchor is None and variables.maps is None
        else:
            np.testing.assert_array_equal(held.anchor.maps, variables.maps.maps)
            assert not np.any(variables.residual.maps)
        (mine,) = draw(given, jax.tree.map(lambda leaf: leaf[None], variables), phase)
        np.testing.assert_allclose(mine, image, atol=1e-5)
        if variables.residual is not None:
            # Moved here, and the next phase begins with what has come of it.
            away = jax.tree.map(lambda leaf: leaf + 0.1, variables.residual)
            variables = variables._replace(residual=away)
            (image,) = draw(given, jax.tree.map(lambda leaf: leaf[None], variables), phase)
            assert np.abs(image - mine).max() > 1e-3


def test_more_phases_than_layers(small: Generator):
    phases = (Phase(1, moves=("residual",)),) * 4
    with pytest.raises(SettingError, match="recipe deep: 4 phases, 3 fit"):
        resolve(small, recipe=Recipe("deep", phases, codes=1, layer=0), method="ilo")
