"""The image nearest to gray that explains an observation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mgp_jax.degradations import parse
from mgp_jax.generators import Generator
from mgp_jax.inversion import invert
from mgp_jax.methods.observation import first_guess


@pytest.mark.parametrize("spec", ["identity", "gray", "down:2", "mask:center:4", "noise:0.1"])
def test_a_first_guess_explains_the_observation(truths: np.ndarray, spec: str):
    degradation = parse(spec, 16)
    truth = jnp.asarray(0.8 * truths[0])
    observation = degradation(truth)
    guess = first_guess(degradation, observation, truth.shape)
    np.testing.assert_allclose(degradation(guess), observation, atol=0.02)


def test_other_operators_have_a_guess_too(truths: np.ndarray):
    jpeg = parse("jpeg:50", 16)
    np.testing.assert_allclose(first_guess(jpeg, truths[0], (16, 16, 3)), truths[0], atol=1e-6)
    # What has another shape is no image.
    shrunk = parse("jpeg:50|down:2", 16)
    assert not np.any(first_guess(shrunk, truths[0, ::2, ::2], (16, 16, 3)))


def test_the_method_returns_the_guesses(small: Generator, truths: np.ndarray):
    """Of all colours of a luminance, the one nearest to gray is along its weights."""
    gray = parse("gray", 16)
    seen = np.asarray(jax.vmap(gray)(0.4 * truths))
    found = invert(small, seen, gray, method="observation")
    weights = np.array([gray(jnp.zeros((16, 16, 3)).at[..., k].set(1))[0, 0, 0] for k in range(3)])
    np.testing.assert_allclose(found.images, seen * weights / np.sum(weights**2), atol=1e-5)
    assert found.losses.shape == (2, 0) and found.loss.max() < 1e-9
