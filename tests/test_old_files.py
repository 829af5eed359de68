"""Weights, recipes and codes that version 0.1.0 has written are still read."""

from pathlib import Path

import jax
import numpy as np
import pytest

from mgp_jax.batch import load_codes
from mgp_jax.codes import render_batch
from mgp_jax.generators import Generator, generate, load_generator
from mgp_jax.images import read_image
from mgp_jax.recipe_files import read_recipe
from mgp_jax.recipes import Phase, Recipe

OLD = Path(__file__).parent / "data" / "0.1.0"


@pytest.fixture(scope="module")
def generator() -> Generator:
    return load_generator(OLD / "weights.safetensors")


def test_weights(generator: Generator):
    assert (generator.family, generator.resolution, generator.licence) == ("dcgan", 32, "CC0-1.0")
    assert dict(generator.provenance)["made"].startswith("by mgp_jax 0.1.0")
    with np.load(OLD / "drawn.npz") as drawn:
        images = np.asarray(generate(generator, drawn["latents"]))
        np.testing.assert_allclose(images[:, ::4, ::4], drawn["images"], atol=1e-5)


def test_a_recipe():
    codes = Phase(3, prior=0.03)
    refinement = Phase(2, moves=("residual",), schedule="constant", tether=0.1)
    expected = Recipe("tuned", (codes, refinement), codes=3, layer=2, candidates=8)
    assert read_recipe(OLD / "recipe.json") == expected


def test_codes(generator: Generator):
    recipe = read_recipe(OLD / "recipe.json")
    assert recipe.layer is not None
    split = generator.split(recipe.layer, recipe.space)
    codes = load_codes(OLD / "codes.npz", split)
    assert codes.z.shape == (3, 8) and codes.alpha.shape == (3, 8)
    batch = jax.tree.map(lambda leaf: leaf[None], codes)
    (image,) = np.asarray(render_batch(split, batch))
    # Rounded to 8 bits.
    expected = read_image(OLD / "inverted.png", generator.resolution)
    np.testing.assert_allclose(np.clip(image, -1, 1), expected, atol=1.01 / 255)
