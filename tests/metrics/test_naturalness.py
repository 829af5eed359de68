"""NIQE against an independent implementation."""

import numpy as np
import pytest
import skimage.data

from mgp_jax.errors import SettingError
from mgp_jax.metrics import niqe
from mgp_jax.metrics.naturalness import asymmetric_gaussian, pristine


def clouds(height: int, width: int, seed: int) -> np.ndarray:
    """Noise with the spectrum 1 / f in [0, 1], the same on every machine: float[H, W]."""
    random = np.random.Generator(np.random.PCG64(seed)).random((height, width))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    frequency[0, 0] = 1
    image = np.real(np.fft.ifft2(np.fft.fft2(random - 0.5) / frequency))
    return (image - image.min()) / (image.max() - image.min())


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param(skimage.data.camera()[..., None] / 255, 3.09622, id="gray photograph"),
        pytest.param(skimage.data.astronaut() / 255, 3.06248, id="colour photograph"),
        pytest.param(clouds(200, 300, 0)[..., None], 48.6212, id="unnatural, with a remainder"),
        pytest.param(clouds(288, 200, 1)[..., None] ** 2, 50.0657, id="unnatural, upright"),
    ],
)
def test_niqe_is_that_of_an_independent_implementation(image: np.ndarray, expected: float):
    # By basicsr 1.4.2, whose resize and table of shapes differ a little, on the rounded luminance.
    assert niqe(image) == pytest.approx(expected, rel=2e-3)


def test_distortions_are_noticed():
    image = skimage.data.camera()[:384, :384, None] / 255
    random = np.random.default_rng(0)
    noisy = np.clip(image + 0.1 * random.normal(size=image.shape), 0, 1)
    blurred = sum(np.roll(image, (y, x), (0, 1)) for y in range(4) for x in range(4)) / 16
    assert niqe(image) < 4 < min(niqe(noisy), niqe(blurred))


def test_the_fit_finds_the_distribution_of_samples():
    random = np.random.default_rng(0)
    normal, laplace = random.normal(size=(1, 400, 400)), random.laplace(size=(1, 400, 400))
    shape, left, right = asymmetric_gaussian(np.concatenate([normal, laplace]))
    np.testing.assert_allclose(shape, [2, 1], rtol=0.03)
    # The scale of a normal distribution is its deviation times the root of 2.
    np.testing.assert_allclose(left, [2**0.5, 1], rtol=0.03)
    np.testing.assert_allclose(right, [2**0.5, 1], rtol=0.03)


def test_small_images_have_none():
    for shape in ((64, 64, 3), (191, 400, 1)):
        with pytest.raises(SettingError, match="192x192 are needed"):
            niqe(np.zeros(shape))
    # Without any contrast there is no distribution.
    assert np.isnan(niqe(np.zeros((192, 192, 1))))


def test_the_parameters_are_a_distribution():
    mean, covariance = pristine()
    assert mean.shape == (36,) and covariance.shape == (36, 36)
    np.testing.assert_array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > -1e-6
