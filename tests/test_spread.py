"""How far the truth is expected from several answers."""

import numpy as np
import pytest

from mgp_jax.spread import expected_deviation


@pytest.mark.parametrize("count", [2, 4, 9])
def test_a_truth_that_is_one_more_sample_is_as_far_as_expected(count: int):
    drawn = np.random.default_rng(0).normal(size=(1, count + 1, 100, 100, 3))
    samples, truth = drawn[:, :-1], drawn[:, -1]
    error = np.square(truth - samples.mean(1)).mean()
    deviation = expected_deviation(samples)
    assert deviation.shape == (1, 100, 100, 3)
    assert np.square(deviation).mean() == pytest.approx(error, rel=0.02)
    np.testing.assert_allclose(expected_deviation(samples, 3), 3 * deviation)
    # Images in [-1, 1] are twice as wide as the scale of the floor.
    floored = expected_deviation(samples, 3, 0.2)
    np.testing.assert_allclose(floored, 3 * np.hypot(deviation, 0.4))


def test_a_floor_is_no_doubt_about_what_all_samples_agree_on():
    # The mean of three of them is not exact in single precision.
    samples = np.full((1, 3, 2, 2, 1), 0.1, np.float32)
    samples[0, 1, 0] = 1
    deviation = expected_deviation(samples, floor=0.5)
    assert (deviation[0, 0] > 1).all() and not deviation[0, 1].any()


def test_one_sample_tells_of_no_deviation():
    assert not expected_deviation(np.ones((2, 1, 4, 4, 3)), 2, 0.1).any()


def test_edges_may_lie_elsewhere():
    """A ramp that is displaced changes by its slope, here a tenth of the height."""
    y, x = np.mgrid[:20, :30] * 1.0
    ramp = (0.03 * x + 0.04 * y)[None, None, :, :, None]
    samples = ramp + np.array([-0.1, 0.1]).reshape(1, 2, 1, 1, 1)
    deviation = expected_deviation(samples, 3, shift=0.1)
    plain = expected_deviation(samples)
    # Two pixels down or across, in every direction alike, along a slope of .05.
    np.testing.assert_allclose(deviation, 3 * np.hypot(plain, 2 * 0.05))
    certain = samples.copy()
    certain[:, 1, 5:9] = certain[:, 0, 5:9]
    assert not expected_deviation(certain, shift=0.1)[0, 5:9].any()
