"""The label of a conditional generator as a variable, and what a wrong one costs."""

import dataclasses

import jax
import numpy as np
import pytest

from mgp_jax import Phase, Recipe, generate, invert, random_latents
from mgp_jax.generators import Generator, Labels, SequentialConfig, random_generator
from mgp_jax.generators.stack_layers import Dense, Transposed
from mgp_jax.generators.stack_pointwise import Activation

CLASSES, TRUE = 4, 2
# From the nearest of many codes; one code, which cannot make up for a wrong class by others.
PHASE = Phase(100, moves=("z", "label"), z_rate=0.05, label_rate=0.1)
RECIPE = Recipe("label", (PHASE,), codes=1, layer="layer0", candidates=64)


@pytest.fixture(scope="module")
def generator() -> Generator:
    """Two numbers of code and six of label: the class is most of an image."""
    doubling = Transposed(3, (4, 4), (2, 2), ((1, 1), (1, 1)))
    layers = (Dense(4, 4, 12), Activation("relu"), doubling)
    return random_generator(SequentialConfig(2, layers, labels=Labels(CLASSES, 6)), seed=3)


@pytest.fixture(scope="module")
def drawn(generator: Generator) -> np.ndarray:
    return np.asarray(generate(generator.with_label(TRUE), random_latents(generator, 2, seed=1)))


def test_a_soft_label_finds_the_class(generator: Generator, drawn: np.ndarray):
    result = invert(generator.with_label("mean"), drawn, recipe=RECIPE)
    weights = jax.nn.softmax(result.codes.label, axis=-1)
    assert weights.shape == (2, CLASSES)
    assert (np.argmax(weights, axis=-1) == TRUE).all() and np.min(weights[:, TRUE]) > 0.8


def test_a_wrong_label_shows_in_the_loss(generator: Generator, drawn: np.ndarray):
    recipe = dataclasses.replace(RECIPE, phases=(dataclasses.replace(PHASE, moves=("z",)),))
    right, wrong = (
        invert(generator.with_label(k), drawn, recipe=recipe).errors[:, -1] for k in (TRUE, 0)
    )
    assert np.min(wrong) > 10 * np.max(right)


def test_without_classes_there_is_no_label():
    layers = (Dense(4, 4, 6), Activation("relu"), Transposed(3, (4, 4), (2, 2)))
    split = random_generator(SequentialConfig(3, layers)).split("layer0")
    assert split.soft_label is None and split.with_label(None) is split
