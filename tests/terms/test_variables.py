"""Terms that look at the variables, against numpy."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from objectives import losses_of, target_of

from mgp_jax.codes import Codes
from mgp_jax.generators import Features
from mgp_jax.recipes import Phase
from mgp_jax.terms.variables import autocorrelation

IMPORTANCE = 0.25
IMAGE = np.zeros((4, 4, 3), np.float32)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def codes_with(**fields) -> Codes:
    z, alpha = random(4, 5), random(4, 6, seed=1)
    return Codes(**({"z": z, "alpha": alpha} | fields))


def total_of(
    codes: Codes,
    anchor: Features | None = None,
    means: Mapping[str, Any] = MappingProxyType({}),
    **weights: float,
) -> float:
    """What is weighed beside the pixels, which agree."""
    losses = losses_of(
        IMAGE,
        target_of(IMAGE),
        Phase(1, **weights),  # pyright: ignore[reportArgumentType]
        variables=codes,
        anchor=anchor,
        importance=IMPORTANCE,
        **means,
    )
    assert losses.error == 0
    return float(losses.total)


def test_prior_of_the_codes():
    codes = codes_with()
    spread = np.mean((codes.alpha / IMPORTANCE - 1) ** 2)
    expected = 0.1 * (np.mean(codes.z**2) + spread)
    np.testing.assert_allclose(total_of(codes, prior=0.1), expected, rtol=1e-5)
    start = codes_with(z=np.zeros((4, 5)), alpha=np.full((4, 6), IMPORTANCE))
    assert total_of(start, prior=0.1) == 0


def test_codes_of_style_spaces_count_from_the_mean():
    mean, alpha = random(5, seed=3), np.full((4, 6), IMPORTANCE)
    codes = codes_with(alpha=alpha)
    total = total_of(codes, means={"mean_code": mean}, prior=0.1)
    np.testing.assert_allclose(total, 0.1 * np.mean((codes.z - mean) ** 2), rtol=1e-5)
    at_the_mean = codes_with(z=np.stack([mean] * 4), alpha=alpha)
    assert total_of(at_the_mean, means={"mean_code": mean}, prior=0.1) == 0


def test_prior_of_the_styles():
    styles, means = random(3, 5), {"mean_style": random(3, 5, seed=3)}
    expected = 0.2 * np.mean((styles - means["mean_style"]) ** 2)
    total = total_of(codes_with(styles=styles), means=means, styles_prior=0.2)
    np.testing.assert_allclose(total, expected, rtol=1e-5)
    assert total_of(codes_with(styles=means["mean_style"]), means=means, styles_prior=0.2) == 0
    # Tails without styles have none that could go astray.
    assert total_of(codes_with(), means=means, styles_prior=0.2) == 0


def test_tether_of_the_residual():
    residual, anchor = (Features(random(4, 4, 6, seed=k)) for k in (0, 1))
    expected = 0.5 * np.mean(residual.maps**2) / np.mean(anchor.maps**2)
    total = total_of(codes_with(residual=residual), anchor, tether=0.5)
    np.testing.assert_allclose(total, expected, rtol=1e-5)
    # Of several maps, all pixels count the same.
    pair = residual._replace(rgb=random(8, 8, 3, seed=2))
    anchors = anchor._replace(rgb=random(8, 8, 3, seed=3))
    total = total_of(codes_with(residual=pair), anchors, tether=0.5)
    flat = [np.concatenate([x.ravel() for x in jax.tree.leaves(f)]) for f in (pair, anchors)]
    expected = 0.5 * np.mean(flat[0] ** 2) / np.mean(flat[1] ** 2)
    np.testing.assert_allclose(total, expected, rtol=1e-5)
    assert total_of(codes_with(), anchor, tether=0.5) == 0


def test_unweighted_terms_are_left_out():
    residual = Features(random(4, 4, 6))
    codes = codes_with(residual=residual, noise={"layer0": random(1, 16, 16, 1)})
    assert total_of(codes, residual) == 0


def correlation(x: np.ndarray) -> float:
    return float(sum(np.mean(x * np.roll(x, step, (0, 1))) ** 2 for step in ((1, 0), (0, 1))))


def test_noise_regularization():
    noise = {"layer0": random(1, 4, 4, 1), "layer1": random(1, 16, 16, 1, seed=1)}
    total = total_of(codes_with(noise=noise), noise_regularization=3.0)
    small, large = noise["layer0"][0, ..., 0], noise["layer1"][0, ..., 0]
    half = large.reshape(8, 2, 8, 2).mean((1, 3)) * 2
    expected = 3 * (correlation(small) + correlation(large) + correlation(half))
    np.testing.assert_allclose(total, expected, rtol=1e-4)
    # White noise is hardly penalised, smooth noise much.
    assert autocorrelation(jnp.asarray(random(1, 64, 64, 1))) < 0.1
    assert autocorrelation(jnp.ones((1, 64, 64, 1))) > 2


@pytest.mark.parametrize("noise", [None, {}])
def test_without_noise_maps_there_is_nothing_to_regularise(noise):
    assert total_of(codes_with(noise=noise), noise_regularization=3.0) == 0
