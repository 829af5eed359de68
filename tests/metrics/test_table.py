"""The table of metrics: what its rows say holds for their functions; a row of one's own counts."""

import ast
import math
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import mgp_jax
from mgp_jax.batch.job import Input
from mgp_jax.batch.outputs import empty_record
from mgp_jax.errors import SettingError
from mgp_jax.metrics import METRICS, PAIR, Metric, compare, describe, each, metric_named, recorded


def noisy(amount: float, side: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Smooth coloured images, and the same with noise, in [-1, 1]."""
    y, x = np.mgrid[:side, :side] / side
    truth = np.stack([np.sin(5 * x + k) * np.cos(4 * y) for k in range(channels)], -1)
    noise = np.random.default_rng(0).normal(size=truth.shape)
    return (0.8 * truth + amount * noise).astype(np.float32)[None], truth[None].astype(np.float32)


# Those of the spread compare with deviations, which images alone do not have.
OF_IMAGES = [metric for metric in METRICS.values() if not metric.spread]


@pytest.mark.parametrize("metric", OF_IMAGES, ids=lambda metric: metric.name)
def test_the_direction_is_that_of_the_function(metric: Metric):
    side = max(metric.smallest, 32)
    slightly, badly = (
        compare(*noisy(amount, side, 3), [metric])[metric.name][0] for amount in (0.02, 0.6)
    )
    assert slightly is not None and badly is not None
    assert (slightly > badly) is metric.higher


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_only_images_large_enough_with_the_right_channels_are_measured(metric: Metric):
    for shape in ((1, metric.smallest, metric.smallest, 3), (4, 4, metric.smallest + 9, 1)):
        images = np.zeros(shape, np.float32)
        if not metric.measures(shape):
            # Nothing is computed.
            assert compare(images, images, [metric]) == {metric.name: [None] * len(images)}
    assert metric.measures((metric.smallest, metric.smallest, 3))
    assert not metric.measures((metric.smallest - 1, metric.smallest, 3))
    assert metric.measures((metric.smallest, metric.smallest, 1)) is (1 in metric.channels)


def test_what_is_shown():
    auc = METRICS["auc_balanced"]
    assert (auc.heading, auc.text(0.9432)) == ("AuC balanced (%)", "AuC balanced 94.32 %")
    assert METRICS["ssim"].heading == "SSIM"
    assert METRICS["psnr"].axis == "PSNR (dB), higher is better"
    assert PAIR[1].axis == "LPIPS, lower is better"
    assert METRICS["coverage"].axis == "90 % coverage (%)"
    record = {"lpips": 0.0123, "psnr": 31.005, "ssim": None, "steps": 3}
    assert describe(record) == ["PSNR 31.00 dB", "LPIPS 0.012"]
    assert describe(record, [PAIR[1]]) == ["LPIPS 0.012"]


def test_a_row_of_ones_own_counts_everywhere(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(METRICS, "darkest", Metric("darkest", "Darkest", each(_darkest), unit="x"))
    images, truths = noisy(0.1, 16, 3)
    scores = compare(images, truths)
    assert list(scores) == ["psnr", "ssim", "lpips", "darkest"] == [m.name for m in recorded()]
    expected = np.clip(images * 0.5 + 0.5, 0, 1).min() - 1
    assert scores["darkest"] == [pytest.approx(expected)]
    assert empty_record(Input(0, Path("a.png"), "a"), None)["darkest"] is None
    assert describe({"darkest": 0.25}) == ["Darkest 0.250 x"]


def _darkest(image, truth):
    assert image.shape == truth.shape == (16, 16, 3)
    return jnp.min(image) - 1


def test_numbers_that_are_not_finite_are_none():
    row = Metric("x", "X", each(lambda image, truth: math.nan if image[0, 0, 0] > 0.5 else 2))
    images = np.stack([np.ones((4, 4, 3)), -np.ones((4, 4, 3))])
    assert compare(images, images, [row]) == {"x": [None, 2.0]}


def test_unknown_names():
    assert metric_named("lpips") is PAIR[1]
    with pytest.raises(SettingError, match="metric magic: there are psnr, ssim, lpips"):
        metric_named("magic")


def test_names_are_spelled_out_in_one_place():
    """Two names of metrics as text in one file are a second table."""
    package = Path(mgp_jax.__file__).parent
    for file in package.rglob("*.py"):
        nodes = ast.walk(ast.parse(file.read_text()))
        texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
        exempt = file.parent.name == "metrics" or file == package / "__init__.py"
        assert exempt or len(texts & METRICS.keys()) < 2, file
