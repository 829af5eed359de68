"""The codes that an inversion starts from."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import untrained
from runs import RECIPE, started

from mgp_jax.degradations import Identity, parse
from mgp_jax.generators import Generator, StyleGAN2Config, generate
from mgp_jax.inversion import image_keys, invert, resolve
from mgp_jax.methods.multi_code import plan_of
from mgp_jax.recipes import Phase, Recipe, recipe_for
from mgp_jax.solve import Execution

SEARCH = dataclasses.replace(RECIPE, candidates=40)


@pytest.mark.parametrize("spec", ["identity", "gray", "down:4", "mask:center:16", "cs:0.1"])
def test_candidates_are_those_nearest_to_the_observation(
    tiny: Generator, photographs: np.ndarray, spec: str
):
    degradation = parse(spec, 32)
    observations = jax.vmap(degradation)(photographs)
    codes = started(tiny, observations, SEARCH, degradation)
    np.testing.assert_array_equal(codes.alpha, np.float32(1 / 3))

    pool = tiny.split("layer2").draw(jax.random.key(0), 40)
    seen = jax.vmap(degradation)(generate(tiny, pool))
    flat = [np.asarray(x).reshape(len(x), -1) for x in (observations, seen)]
    errors = np.square(flat[0][:, None] - flat[1]).mean(axis=2)
    for image, key in enumerate(image_keys(0, [0, 1, 2])):
        offered = np.asarray(jax.random.permutation(key, 40))[:20]
        best = offered[np.argsort(errors[image, offered])[:3]]
        np.testing.assert_array_equal(codes.z[image], pool[best])


def test_a_start_depends_on_nothing_but_its_image_and_seeds(
    tiny: Generator, photographs: np.ndarray
):
    def z(images: Any, keys: jax.Array, seed: int = 0) -> np.ndarray:
        return np.asarray(started(tiny, photographs[images], SEARCH, keys=keys, seed=seed).z)

    keys = image_keys(0, [0, 1, 2])
    all_of_them = z([0, 1, 2], keys)
    np.testing.assert_array_equal(z([2], keys[2:])[0], all_of_them[2])
    # Several starts of an image differ, and other seeds have other candidates.
    several = z([0, 0, 0], image_keys(0, [0], 3))
    assert len(np.unique(several[:, 0], axis=0)) > 1 or len(np.unique(several, axis=0)) == 3
    assert not np.isin(z([0], keys[:1], seed=1), all_of_them[0]).any()


def test_a_generated_image_is_found(tiny: Generator):
    pool = tiny.split("layer2").draw(jax.random.key(0), 40)
    offered = jax.random.permutation(image_keys(0, [0])[0], 40)
    for execution in (Execution(), Execution(slices=3), Execution(precision="bfloat16")):
        image = generate(tiny, pool[offered[4]][None])
        codes = started(tiny, image, SEARCH, execution=execution)
        np.testing.assert_array_equal(codes.z[0, 0], pool[offered[4]])
        assert codes.z.dtype == codes.alpha.dtype == jnp.float32


def test_there_are_enough_candidates_for_all_codes(tiny: Generator):
    recipe = dataclasses.replace(RECIPE, candidates=1, codes=7)
    assert plan_of(resolve(tiny, recipe=recipe).phases[0]).candidates == 14


def test_candidates_are_codes_of_the_space():
    generator = untrained(StyleGAN2Config(8, 8, (8, 8), (4, 4, 4)))
    recipe = Recipe("x", (Phase(1),), codes=2, space="w", layer=3, candidates=6)
    result = invert(generator, jnp.zeros((1, 8, 8, 3)), recipe=recipe)
    assert result.codes.z.shape == (1, 2, 8) and np.isfinite(result.loss).all()


def with_mean_style() -> tuple[Generator, np.ndarray]:
    """A generator of 8 pixels, and the mean style that it was given."""
    generator = untrained(StyleGAN2Config(8, 8, (8, 8), (4, 4, 4)))
    mean = np.linspace(-1, 1, 8, dtype=np.float32)
    params = {**generator.params, "truncation": {"mean": jnp.asarray(mean)}}
    return dataclasses.replace(generator, params=params), mean


@pytest.mark.parametrize("space", ["w", "w+"])
def test_the_projector_starts_from_the_mean_style(space: str):
    generator, mean = with_mean_style()
    images = jnp.zeros((1, 8, 8, 3))
    phase = dataclasses.replace(
        recipe_for(space, Identity()).phases[0], perceptual=0.0, z_rate=0.0, steps=2
    )
    recipe = dataclasses.replace(recipe_for(space, Identity()), phases=(phase,))
    mine = invert(generator, images, recipe=recipe)
    shape = {"w": (1, 1, 8), "w+": (1, 1, *generator.shapes[2].shape[1:])}[space]
    assert mine.codes.z.shape == shape
    np.testing.assert_array_equal(mine.codes.z, np.broadcast_to(mean, shape))
    np.testing.assert_array_equal(mine.codes.alpha, 1)
    assert mine.codes.noise is not None


@pytest.mark.parametrize("candidates", [0, 12])
def test_starts_at_a_part_of_their_distance_from_the_mean(candidates: int):
    generator, mean = with_mean_style()
    observation = np.zeros((1, 8, 8, 3), np.float32)
    recipe = Recipe("part", (Phase(1),), codes=3, layer=3, space="w", candidates=candidates)
    whole, part = (
        started(generator, observation, dataclasses.replace(recipe, truncation=psi)).z[0]
        for psi in (1.0, 0.25)
    )
    if not candidates:
        np.testing.assert_allclose(part, mean + 0.25 * (whole - mean), atol=1e-6)
    spread = [np.abs(z - mean).mean() for z in (whole, part)]
    assert 0.1 * spread[0] < spread[1] < 0.6 * spread[0]
