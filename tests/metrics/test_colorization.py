"""Colour errors against scikit-image's conversion, and the area against counted thresholds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.color import rgb2lab

from mgp_jax.metrics import colorization_auc, colour_weights, mask_iou, to_lab


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    truths = random.random((2, 12, 9, 3)).astype(np.float32)
    images = np.clip(truths + 0.2 * random.normal(size=truths.shape), 0, 1).astype(np.float32)
    return images, truths


def test_lab_is_that_of_scikit_image(pair: tuple[np.ndarray, np.ndarray]):
    edges = np.array([[0, 0, 0], [1, 1, 1], [0.04045] * 3, [1, 0, 0], [0, 0, 0.002]], np.float32)
    for image in (pair[0], edges):
        np.testing.assert_allclose(to_lab(image), rgb2lab(image), atol=0.02)
    gradient = jax.grad(lambda x: jnp.sum(to_lab(x)))(jnp.asarray(edges))
    assert np.isfinite(gradient).all()


def counted(images: np.ndarray, truths: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The area under the curve as it is drawn: the share of pixels for every threshold."""
    error = np.linalg.norm((rgb2lab(images) - rgb2lab(truths))[..., 1:], axis=-1)
    thresholds = np.linspace(0, 150, 3001)
    within = error[..., None] <= thresholds
    shares = (weights[..., None] * within).sum((1, 2)) / weights.sum((1, 2))[:, None]
    return np.trapezoid(shares, thresholds, axis=-1) / 150


def test_the_area_is_that_of_the_drawn_curve(pair: tuple[np.ndarray, np.ndarray]):
    images, truths = pair
    np.testing.assert_allclose(
        colorization_auc(images, truths),
        counted(images, truths, np.ones(images.shape[:3])),
        atol=1e-3,
    )
    weights = colour_weights(truths)
    balanced = colorization_auc(images, truths, weights)
    np.testing.assert_allclose(balanced, counted(images, truths, weights), atol=1e-3)
    np.testing.assert_allclose(colorization_auc(truths, truths), 1)


def test_luminance_does_not_count():
    gray = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8, 1).repeat(3, -1)
    assert colorization_auc(gray, np.flip(gray)) > 0.9999


def test_every_class_of_colours_counts_the_same():
    """A rare colour that is wrong: one part in 32 of the pixels, half of the classes."""
    truth = np.full((1, 8, 8, 3), 0.5, np.float32)
    truth[0, 0, :2] = (0.9, 0.1, 0.1)
    image = np.full_like(truth, 0.5)
    weights = colour_weights(truth)
    assert weights.mean() == pytest.approx(1)
    assert weights[0, 0, :2].sum() == pytest.approx(weights.sum() / 2)
    error = np.linalg.norm(rgb2lab(truth[0, 0, 0])[1:])
    for given, share in ((None, 1 / 32), (weights, 1 / 2)):
        expected = 1 - share * error / 150
        assert colorization_auc(image, truth, given)[0] == pytest.approx(expected, rel=1e-4)


def test_intersection_over_union():
    random = np.random.default_rng(0)
    first, second = random.random((2, 5, 6, 7)) > 0.5
    for k in range(5):
        one, other = (set(np.flatnonzero(x[k]).tolist()) for x in (first, second))
        assert mask_iou(first, second)[k] == pytest.approx(len(one & other) / len(one | other))
    nothing = np.zeros((3, 3), bool)
    assert mask_iou(nothing, nothing) == 1
    assert mask_iou(nothing, ~nothing) == 0
