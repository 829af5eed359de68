"""A method that a user writes, on problems whose optimum is known."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mgp_jax.degradations import Identity, parse
from mgp_jax.generators import Split
from mgp_jax.inversion import Result, invert
from mgp_jax.methods import Method
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import Status
from mgp_jax.terms import Given, Rendering


def head(params: Any, z: jax.Array) -> jax.Array:
    return jnp.einsum("nk,khwc->nhwc", z, params["basis"])


def tail(params: Any, maps: jax.Array) -> jax.Array:
    return maps


def start(given: Given, target: Any, keys: jax.Array, phase: Any) -> dict[str, Any]:
    weights = jnp.zeros((len(keys), len(given.split.params["basis"])))
    return {"weights": weights, "seen": target.observation}


def render(given: Given, variables: dict[str, Any], held: Any, phase: Any) -> Rendering:
    return Rendering(given.split.tail(given.split.head(variables["weights"][None]))[0])


def fit_weights(
    basis: np.ndarray, observed: Any, degradation: Any, rate: float, alone: tuple[str, ...]
) -> Result:
    """Fits a linear network, whose weights are the variables."""
    split = Split.of(head, tail, {"basis": jnp.asarray(basis)}, latent_shape=(len(basis),))
    recipe = Recipe("linear", (Phase(400, moves=("weights",), weights_rate=rate),), layer=0)
    method = Method("linear", "linear", start, render, lambda *_: recipe, alone=alone)
    return invert(split, observed, degradation, method=method)


@pytest.mark.parametrize("alone", [(), ("weights",)])
def test_weights_of_a_linear_network_reach_least_squares(alone: tuple[str, ...]):
    random = np.random.default_rng(0)
    basis = random.normal(size=(3, 4, 4, 3)).astype(np.float32)
    observed = random.uniform(-1, 1, size=(2, 4, 4, 3)).astype(np.float32)
    mask = parse("mask:center:2", 4)
    found = fit_weights(basis, jax.vmap(mask)(observed), mask, 0.1, alone)
    known = np.asarray(mask.support)
    flat = (basis * known).reshape(3, -1)
    for image, seen in zip(found.images, observed, strict=True):
        best, *_ = np.linalg.lstsq(flat.T, (seen * known).ravel(), rcond=None)
        np.testing.assert_allclose(image, np.einsum("k,khwc->hwc", best, basis), atol=1e-3)
    # What does not move is handed through.
    np.testing.assert_array_equal(found.codes["seen"], jax.vmap(mask)(observed))


def test_a_fit_stops_at_the_noise():
    """Below the error of the noise it would fit the noise itself."""
    basis = np.ones((1, 4, 4, 3), np.float32)
    observed = np.full((1, 4, 4, 3), 1.0, np.float32)
    noisy = fit_weights(basis, observed, parse("noise:0.1", 4), 0.01, ("weights",))
    exact = fit_weights(basis, observed, Identity(), 0.05, ("weights",))
    assert noisy.status.tolist() == [Status.TARGET]
    assert 0.1 < np.abs(noisy.images - 1).mean() < 0.2
    assert np.abs(exact.images - 1).mean() < 0.01
