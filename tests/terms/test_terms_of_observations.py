"""Terms that look at the observation, against numpy."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from objectives import losses_of, target_of

from mgp_jax.degradations import parse
from mgp_jax.perception import LPIPS, bundled_lpips
from mgp_jax.recipes import Phase


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


IMAGE, OTHER = random(16, 16, 3), random(16, 16, 3, seed=1)


@pytest.mark.parametrize("spec", ["identity", "gray", "down:2", "mask:center:4", "cs:0.25"])
def test_the_image_is_seen_through_the_degradation(spec: str):
    degradation = parse(spec, 16)
    observation = np.asarray(degradation(jnp.asarray(OTHER)))
    losses = losses_of(IMAGE, target_of(observation), Phase(1, pixel=0.5), degradation)
    error = np.mean((np.asarray(degradation(jnp.asarray(IMAGE))) - observation) ** 2)
    np.testing.assert_allclose(losses.error, error, rtol=1e-5)
    np.testing.assert_allclose(losses.total, 0.5 * error, rtol=1e-5)
    # The image that was degraded explains its observation.
    known = losses_of(OTHER, target_of(observation), Phase(1), degradation)
    assert known.total <= 1e-12


@pytest.mark.parametrize("size", [None, 8])
def test_features_are_weighted_with_the_absolute_difference(extractor, size):
    phase = Phase(1, pixel=2.0, perceptual=0.3, perceptual_size=size)
    networks = {"vgg": extractor}
    losses = losses_of(IMAGE, target_of(OTHER, networks, size), phase, networks=networks)
    features = [np.asarray(extractor(jnp.asarray(x), size)) for x in (IMAGE, OTHER)]
    assert features[0].shape == ((8, 8, 6) if size is None else (4, 4, 6))
    error = np.mean((IMAGE - OTHER) ** 2)
    expected = 2 * error + 0.3 * np.mean(np.abs(features[0] - features[1]))
    np.testing.assert_allclose(losses.total, expected, rtol=1e-5)
    np.testing.assert_allclose(losses.error, error, rtol=1e-5)


def test_gray_observations_have_features_too(extractor):
    gray, networks = parse("gray", 16), {"vgg": extractor}
    target = target_of(np.zeros((16, 16, 1), np.float32), networks)
    losses = losses_of(IMAGE, target, Phase(1, pixel=0, perceptual=1.0), gray, networks)
    as_rgb = jnp.repeat(gray(jnp.asarray(IMAGE)), 3, axis=2)
    expected = jnp.mean(jnp.abs(extractor(as_rgb) - extractor(jnp.zeros((16, 16, 3)))))
    np.testing.assert_allclose(losses.total, expected, rtol=1e-5)


@pytest.fixture(scope="module")
def distance() -> LPIPS:
    return bundled_lpips()


@pytest.mark.parametrize(("spec", "size"), [("identity", None), ("gray", None), ("identity", 32)])
def test_lpips_is_that_of_images_between_0_and_1(distance: LPIPS, spec: str, size: int | None):
    """A size reduces the images first; AlexNet wants at least 31 pixels."""
    pixels = 32 if size is None else 64
    degradation, networks = parse(spec, pixels), {"lpips": distance}
    image, other = (np.tanh(random(pixels, pixels, 3, seed=k)) for k in (2, 3))
    seen: Any = [np.asarray(degradation(jnp.asarray(x))) for x in (image, other)]
    target = target_of(seen[1], networks, size)
    phase = Phase(1, pixel=0.5, lpips=0.2, perceptual_size=size)
    losses = losses_of(image, target, phase, degradation, networks)
    wide = [np.broadcast_to(x, (pixels, pixels, 3)) for x in seen]
    if size is not None:
        wide = [halved(x) for x in wide]
    expected = float(distance(*((x + 1) / 2 for x in map(jnp.asarray, wide))))
    assert expected > 0.05
    error = np.mean((seen[0] - seen[1]) ** 2)
    np.testing.assert_allclose(losses.total, 0.5 * error + 0.2 * expected, rtol=1e-4)


def halved(image: np.ndarray) -> np.ndarray:
    """Halves both axes with the triangle filter of twice the step."""
    size = len(image) // 2
    weights = np.zeros((size, 2 * size))
    for row in range(size):
        places = 2 * row + np.arange(-1, 3)
        inside = (places >= 0) & (places < 2 * size)
        weights[row, places[inside]] = (np.array([1, 3, 3, 1]) / 8)[inside]
    weights /= weights.sum(1, keepdims=True)
    return np.einsum("ih,jw,hwc->ijc", weights, weights, image).astype(np.float32)


def test_what_is_no_image_is_not_looked_at(extractor):
    sensing, networks = parse("cs:0.25", 16), {"vgg": extractor, "lpips": bundled_lpips()}
    target = target_of(sensing(jnp.asarray(OTHER)), networks)
    assert target.features == {}
    phase = Phase(1, perceptual=10.0, lpips=10.0)
    losses = losses_of(IMAGE, target, phase, sensing, networks)
    np.testing.assert_array_equal(losses.total, losses.error)
