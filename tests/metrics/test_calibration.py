"""Errors of known deviations are found to be just that; what was known counts nowhere."""

import math
from typing import Any

import numpy as np
import pytest

from mgp_jax.metrics import (
    calibration_curve,
    compare,
    correlation,
    coverage,
    recorded,
    temperature,
)
from mgp_jax.metrics.calibration import HALF_WIDTH

Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


def drawn(scale: float = 1.0, shape: tuple[int, ...] = (96, 64, 3)) -> Triple:
    """Images with normal errors, whose deviations are told `scale` times as large as they are."""
    random = np.random.default_rng(0)
    deviation = random.uniform(0.01, 0.2, shape)
    truth = random.uniform(0.3, 0.7, shape)
    return truth + deviation * random.normal(size=shape), truth, scale * deviation


def of(errors: Any, deviations: Any) -> Triple:
    """An image of one row and one channel."""
    errors = np.asarray(errors, float)[None, :, None]
    return errors, np.zeros_like(errors), np.asarray(deviations, float)[None, :, None]


@pytest.mark.parametrize("scale", [0.5, 1, 3])
def test_normal_errors_of_known_deviations(scale: float):
    triple = drawn(scale)
    needed = temperature(*([item] for item in triple))
    assert needed == pytest.approx(1 / scale, rel=0.02)
    assert coverage(*triple, needed) == pytest.approx(0.9, abs=1e-4)
    # What a normal distribution has within 1.645 times the told deviation.
    within = math.erf(HALF_WIDTH * scale / 2**0.5)
    assert coverage(*triple) == pytest.approx(within, abs=0.01)
    points = np.array(calibration_curve(*triple))
    assert points.shape == (10, 2) and (np.diff(points[:, 0]) > 0).all()
    np.testing.assert_allclose(points[:, 1], points[:, 0] / scale, rtol=0.05)


def test_by_hand():
    triple = of([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1] * 10)
    assert temperature(*([item] for item in triple)) == pytest.approx(9 / 1.6448536)
    assert coverage(*triple) == 0.1
    assert coverage(*triple, 5.2 / 1.6448536) == 0.5
    # Of two images together it is neither that of the first nor the mean of both.
    more = [[a, b] for a, b in zip(triple, of([5] * 10, [1] * 10), strict=True)]
    assert temperature(*more) == pytest.approx(8 / 1.6448536)
    assert calibration_curve(*of([3, 1, 4, 1], [7, 1, 1, 1]), 2) == [
        pytest.approx((1, 8.5**0.5)),
        pytest.approx((5, 5**0.5)),
    ]
    assert len(calibration_curve(*of([1, 2], [1, 2]))) == 2


def test_what_was_known_does_not_count_and_what_was_thought_known_does():
    errors, deviations = [1, -1, 4, 2], [1, 1, 1, 2]
    plain, known = of(errors, deviations), of([*errors, 0, 0], [*deviations, 0, 0])
    assert coverage(*plain) == coverage(*known) == 0.75
    assert temperature(*([item] for item in known)) == 4 / HALF_WIDTH
    assert calibration_curve(*plain, 2) == calibration_curve(*known, 2)
    wrong = of([*errors, 3], [*deviations, 0])
    assert coverage(*wrong) == 0.6
    assert temperature(*([item] for item in wrong)) == math.inf
    # Certain and right is one thing, uncertain and right another.
    assert coverage(*of([*errors, 0], [*deviations, 1])) == 0.8


def local(values: np.ndarray, counts: np.ndarray, deviation: float) -> np.ndarray:
    """Root mean squares of what counts, each pair of pixels weighed by its distance."""
    weights = [
        np.exp(-0.5 * ((np.arange(n)[:, None] - np.arange(n)) / deviation) ** 2)
        for n in values.shape[:2]
    ]
    squares, total = (
        np.einsum("yY,YXc,xX->yx", weights[0], x, weights[1], optimize=True)
        for x in (values**2 * counts, counts.astype(float))
    )
    return np.sqrt(squares / total)


def test_correlation_is_that_of_local_errors():
    image, truth, deviation = drawn(shape=(128, 48, 3))
    deviation *= 1 + np.linspace(0, 4, 48)[:, None]
    image = truth + deviation * np.random.default_rng(1).normal(size=image.shape)
    known = np.zeros(image.shape, bool)
    known[20:60, 10:30], known[:30, 40:, 1] = True, True
    image, deviation = np.where(known, truth, image), np.where(known, 0, deviation)
    # A standard deviation of 2 pixels.
    parts = [local(x, ~known, 2.0)[~known.all(-1)] for x in (abs(image - truth), deviation)]
    expected = np.corrcoef(np.stack(parts))[0, 1]
    assert 0.8 < expected < 0.99
    assert correlation(image, truth, deviation) == pytest.approx(expected, abs=2e-3)
    assert correlation(image, truth, 3 * deviation) == pytest.approx(
        correlation(image, truth, deviation)
    )
    assert correlation(image, truth, abs(image - truth)) == pytest.approx(1)
    mirrored = deviation[:, ::-1] * ~known + 1e-9 * ~known
    assert correlation(image, truth, mirrored) < -0.3


@pytest.mark.parametrize(
    "triple",
    [of([0, 0], [0, 0]), of([1, 2], [0, 0])],
    ids=["all known", "no spread"],
)
def test_no_spread_has_no_numbers(triple: Triple):
    numbers = coverage(*triple), correlation(*triple), temperature(*([item] for item in triple))
    assert np.isnan(numbers).all() and calibration_curve(*triple) == []


def test_equal_deviations_predict_nothing():
    image, truth, deviation = drawn()
    assert math.isnan(correlation(image, truth, np.full_like(deviation, 0.1)))


def test_rows_of_the_table_have_the_units_of_images():
    image, truth, deviation = (item[None] for item in drawn(0.5))
    rows = [metric for metric in recorded(spread=True) if metric.spread]
    assert [metric.name for metric in rows] == ["correlation", "coverage", "temperature"]
    assert not any(metric.spread for metric in recorded())
    scores = compare(2 * image - 1, 2 * truth - 1, rows, 2 * deviation)
    clipped = np.clip(image[0], 0, 1), truth[0], deviation[0]
    assert scores["coverage"] == [pytest.approx(coverage(*clipped), abs=1e-3)]
    assert scores["correlation"] == [pytest.approx(correlation(*clipped), abs=1e-3)]
    assert scores["temperature"] == [pytest.approx(2, rel=0.03)]
    assert compare(image, truth, rows) == {metric.name: [None] for metric in rows}
