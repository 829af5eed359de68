"""Rounding to the levels of a file, and what is known of a value that was rounded."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from operators import SHAPE, SIZE, images, simulate
from scipy.stats import norm

from mgp_jax.agreement import put_back
from mgp_jax.degradations import Quantise, parse
from mgp_jax.degradations.likelihood import INEXACT, SOFT, rounded
from mgp_jax.errors import SettingError

(IMAGE,) = jnp.asarray(images())
misfit = jax.jit(lambda degradation, image, seen: degradation.misfit(image, seen))


def compare(distances: np.ndarray, step: float, deviations: tuple[float, ...]) -> list[np.ndarray]:
    """What levels of so much noise cost at distances from them."""
    each = jax.jit(lambda x: [rounded(x, step, deviation) for deviation in deviations])
    return [np.asarray(values) for values in each(distances)]


@pytest.mark.parametrize("bits", [1, 3, 8])
def test_levels_of_a_file(bits: int):
    seen = np.asarray(Quantise(bits).degrade(1.2 * np.asarray(IMAGE), jax.random.key(0)))
    steps = 2**bits - 1
    levels = (seen + 1) * steps / 2
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)
    # Both ends are levels, and nothing is beyond.
    assert seen.min() == -1 and seen.max() == 1
    found = set(np.round(levels.ravel()).astype(int))
    assert found <= set(range(2**bits)) and len(found) > 0.98 * 2**bits
    assert np.abs(seen - np.clip(1.2 * np.asarray(IMAGE), -1, 1)).max() <= 1 / steps + 1e-6
    # What is predicted is not clipped, and has the gradient of what is rounded.
    quantise = Quantise(bits)
    value, gradient = jax.value_and_grad(lambda x: quantise.predict(x, jax.random.key(0)))(1.2)
    assert value == pytest.approx(-1 + np.round(1.1 * steps) * 2 / steps) and gradient == 1


def test_errors_are_those_of_a_uniform_distribution():
    quantise = Quantise(3)
    seen = np.asarray(simulate(quantise, IMAGE, jax.random.key(0)))
    np.testing.assert_allclose(np.std(seen - IMAGE) / 2, quantise.sigma, rtol=0.03)
    assert quantise.sigma == pytest.approx(1 / 7 / 12**0.5)
    assert parse("noise:0.1|quantise:3", SIZE).sigma == pytest.approx((0.01 + 1 / 588) ** 0.5)


def test_the_likelihood_is_that_of_what_rounds_to_a_level():
    distances, step, deviations = np.linspace(-0.8, 0.8, 17), 0.2, (0.1, 0.2, 0.5)
    found = compare(distances.astype(np.float32), step, deviations)
    for deviation, values in zip(deviations, found, strict=True):

        def logarithm(distance: np.ndarray, deviation: float = deviation) -> np.ndarray:
            edges = ((edge - distance) / deviation for edge in (step / 2, -step / 2))
            upper, lower = map(norm.cdf, edges)
            return np.log(upper - lower)

        kept = np.abs(distances) < 6 * deviation
        expected = 2 * deviation**2 * (logarithm(np.zeros(1)) - logarithm(distances[kept]))
        np.testing.assert_allclose(values[kept], expected, rtol=0.02, atol=1e-5)


def test_without_noise_only_what_is_beyond_half_a_step_counts():
    distances, step = np.array([0, 0.5, 0.9, 5, 40], np.float32), 2.0
    found, soft, noisy = compare(distances, step, (0.0, SOFT, 9.0))
    assert np.all(found[:3] <= 0.1)
    np.testing.assert_allclose(found[3:], (distances[3:] - 1) ** 2, rtol=0.05)
    np.testing.assert_array_equal(found, soft)
    slope = jax.jit(jax.vmap(jax.grad(lambda x: rounded(x, step, 0.0))))(distances)
    assert np.all(np.isfinite(slope)) and np.all(np.diff(slope) > 0) and abs(slope[0]) < 1e-6
    # Noise much larger than a step leaves squares.
    np.testing.assert_allclose(noisy[:4], distances[:4] ** 2, rtol=0.02, atol=0.01)


def test_what_renderings_miss_is_noise_to_finer_levels():
    one, two = compare(np.array([0.02, 0.2], np.float32), 2 / 7, (0.0, INEXACT))
    np.testing.assert_array_equal(one, two)
    for spec in ("quantise:5", "noise:0.02|quantise:8"):
        chain = parse(spec, SIZE)
        np.testing.assert_allclose(misfit(chain, IMAGE, 0 * IMAGE), IMAGE**2, rtol=1e-6)
        assert chain.noise_error(IMAGE) == pytest.approx((2 * chain.sigma) ** 2, rel=1e-5)
    # One step coarser, and values that round to the same level have nearly the same likelihood.
    within = misfit(parse("quantise:4", SIZE), 0 * IMAGE + 1 / 15, 0 * IMAGE)
    assert within[0, 0, 0] < 0.95 / 15**2


@pytest.mark.parametrize("spec", ["quantise:3", "noise:0.02|quantise:3", "noise:0.1|quantise:2"])
def test_the_data_term_is_least_at_the_truth_and_then_that_of_the_noise(spec: str):
    chain = parse(spec, SIZE)
    seen = simulate(chain, IMAGE, jax.random.key(0))
    at_truth = jnp.mean(misfit(chain, IMAGE, seen))
    np.testing.assert_allclose(at_truth, chain.noise_error(seen), rtol=0.06)
    for change in (0.1, -0.1):
        assert jnp.mean(misfit(chain, IMAGE + change, seen)) > at_truth + 0.001


def test_where_noise_is_larger_than_a_step_both_are_noise():
    noise, both = parse("noise:0.1", SIZE), parse("noise:0.1|quantise:8", SIZE)
    seen = simulate(both, IMAGE, jax.random.key(0))
    np.testing.assert_array_equal(misfit(both, IMAGE, seen), misfit(noise, IMAGE, seen))
    expected = noise.noise_error(seen) + (2 / 255) ** 2 / 12
    np.testing.assert_allclose(both.noise_error(seen), expected, rtol=1e-6)


def test_in_the_dark_photons_have_less_noise_than_a_step():
    one, other = (parse(spec, SIZE) for spec in ("poisson:24", "poisson:24|quantise:3"))
    ramp = jnp.broadcast_to(jnp.linspace(-1, 0.9, SIZE)[:, None, None], SHAPE)
    wrong, less = (misfit(chain, ramp + 0.1, ramp) for chain in (one, other))
    assert less[0, 0, 0] / less[-1, 0, 0] < 0.8 * wrong[0, 0, 0] / wrong[-1, 0, 0]
    dark = jnp.full(SHAPE, -1.0)
    np.testing.assert_allclose(other.noise_error(dark), (2 / 7) ** 2 / 12, rtol=1e-4)


def test_fine_levels_are_put_back_coarse_ones_are_not():
    image = -IMAGE
    for spec in ("mask:center:8", "gray", "down:4"):
        plain, fine, coarse = (
            parse(spec + end, SIZE) for end in ("", "|quantise:8", "|quantise:7")
        )
        seen = plain(IMAGE)
        np.testing.assert_array_equal(put_back(fine, image, seen), put_back(plain, image, seen))
        np.testing.assert_array_equal(put_back(coarse, image, seen), image)
        assert fine.exact and not coarse.exact and fine.kind == plain.kind


@pytest.mark.parametrize("spec", ["quantise:8|gray", "quantise:8|blur:gaussian:1"])
def test_nothing_mixes_what_has_been_rounded(spec: str):
    with pytest.raises(SettingError, match="quantise:8 must come after"):
        parse(spec, SIZE)
