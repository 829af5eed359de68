"""Blurs beside scipy, and their kernels."""

import numpy as np
import pytest
import scipy.ndimage
from operators import SIZE, apply, images

from mgp_jax.degradations import Blur, Downsample, parse
from mgp_jax.errors import SettingError


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.5])
def test_gaussian_blur_equals_scipy(sigma):
    (image,) = images()
    expected = scipy.ndimage.gaussian_filter(image, (sigma, sigma, 0), mode="mirror", truncate=4)
    np.testing.assert_allclose(apply(Blur.gaussian(sigma), image), expected, atol=2e-6)


def test_given_kernel_is_convolved_and_scaled():
    (image,) = images(shape=(12, 17, 3))
    kernel = np.random.default_rng(3).uniform(size=(3, 7))
    expected = scipy.ndimage.convolve(image, kernel[..., None] / kernel.sum(), mode="mirror")
    np.testing.assert_allclose(apply(Blur.from_kernel(kernel), image), expected, atol=2e-6)


def test_motion_kernels():
    line = np.full(5, 0.2)
    np.testing.assert_allclose(Blur.motion(5, 0).kernel[2], line, atol=1e-6)
    np.testing.assert_allclose(Blur.motion(5, 90).kernel[:, 2], line, atol=1e-6)
    even = Blur.motion(4, 0).kernel[2]
    np.testing.assert_allclose(even, [0.125, 0.25, 0.25, 0.25, 0.125], atol=1e-6)
    rising = np.asarray(Blur.motion(9, 45).kernel)
    np.testing.assert_allclose(rising, rising[::-1, ::-1], atol=1e-6)
    assert rising[0, 0] == rising[-1, -1] == 0  # From bottom left to top right.
    assert rising[1:4, 5:8].sum() > 0.2


def test_kernel_of_a_file(tmp_path):
    path = tmp_path / "kernel.npy"
    np.save(path, np.diag(np.ones(5)))
    degradation = parse(f"blur:{path}|down:2", SIZE)
    assert str(degradation) == f"blur:{path}|down:2"
    (image,) = images()
    diagonal = apply(Blur.from_kernel(np.eye(5)), image)
    expected = apply(Downsample(2), diagonal)
    np.testing.assert_allclose(apply(degradation, image), expected, atol=1e-6)
    np.save(path, np.array([object()]), allow_pickle=True)
    for bad in (path, tmp_path / "missing.npy"):
        with pytest.raises(SettingError, match="cannot be read"):
            parse(f"blur:{bad}", SIZE)
