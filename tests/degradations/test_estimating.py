"""Photographs degraded with known parameters: the estimates are near them."""

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image
from scipy.ndimage import gaussian_filter

from mgp_jax import parse
from mgp_jax.degradations import Estimate, estimate, explained, is_gray, unresized
from mgp_jax.degradations.estimating import quality_of

PHOTOGRAPHS = {
    "astronaut": skimage.data.astronaut()[:256, 100:356],
    "coffee": skimage.data.coffee()[50:350, 100:400],
    "small": np.asarray(Image.fromarray(skimage.data.astronaut()).resize((96, 96))),
}


def degraded(name: str, *, blur: float = 0, enlarged: int = 1, noise: float = 0) -> np.ndarray:
    """A photograph float32[H, W, 3] in [-1, 1] of 8 bits."""
    picture = Image.fromarray(PHOTOGRAPHS[name])
    size = picture.width // enlarged
    picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    picture = picture.resize((size * enlarged,) * 2, Image.Resampling.BICUBIC)
    pixels = gaussian_filter(np.asarray(picture, float), (blur, blur, 0))
    pixels += 255 * noise * np.random.default_rng(0).standard_normal(pixels.shape)
    return (np.clip(np.rint(pixels), 0, 255) / 127.5 - 1).astype(np.float32)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_clean_photograph_is_clean(name: str):
    assert estimate(degraded(name)) == Estimate()
    assert (str(Estimate()), str(Estimate().degradation())) == ("clean", "identity")


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("noise", [0.02, 0.05, 0.1])
def test_noise_is_within_a_fifth_and_no_blur(name: str, noise: float):
    found = estimate(degraded(name, noise=noise))
    assert abs(found.noise - noise) <= max(0.01, 0.2 * noise) and found.blur == 0


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("blur", [1, 1.5, 2, 3])
@pytest.mark.parametrize("noise", [0, 0.02])
def test_blur_is_within_a_fifth(name: str, blur: float, noise: float):
    found = estimate(degraded(name, blur=blur, noise=noise))
    assert abs(found.blur - blur) <= (0.3 if noise else 0.2) * blur
    assert abs(found.noise - noise) <= 0.01 and not found.gray


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("enlarged", [2, 3, 4])
def test_the_apparent_resolution_of_enlarged_photographs(name: str, enlarged: int):
    found = estimate(degraded(name, enlarged=enlarged))
    assert abs(found.resolution * enlarged - 1) <= 0.25 and found.noise == 0


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_gray_and_toned_photographs_are_gray(name: str):
    for noise in (0, 0.05):
        pixels = degraded(name, noise=noise)
        gray = pixels.mean(axis=2, keepdims=True)
        toned = np.concatenate([gray, 0.9 * gray - 0.05, 0.7 * gray - 0.2], axis=2)
        assert is_gray(gray) and is_gray(np.repeat(gray, 3, axis=2)) and is_gray(toned)
        # A tenth of the colours is still seen.
        assert not is_gray(pixels) and not is_gray(gray + 0.4 * (pixels - gray))
        assert is_gray(np.rint(127.5 * (toned + 1)).astype(np.uint8))


@pytest.mark.parametrize("quality", [5, 30, 50, 75, 95])
def test_the_quality_of_jpeg_is_that_of_its_tables(quality: int):
    file = io.BytesIO()
    Image.fromarray(PHOTOGRAPHS["coffee"]).save(file, "JPEG", quality=quality)
    picture = Image.open(file)
    steps = np.array(picture.quantization[0]).reshape(8, 8)  # type: ignore[attr-defined]
    assert abs(quality_of(steps) - quality) <= 1
    found = estimate(np.asarray(picture, np.float32) / 127.5 - 1, steps)
    # What leaves no trace is not undone.
    assert found.quality == (None if quality == 95 else quality_of(steps))
    assert found.noise == 0


def test_an_estimate_is_a_degradation():
    found = Estimate(gray=True, blur=1.5, noise=0.05, quality=40)
    assert str(found.degradation()) == "gray|blur:gaussian:1.5|jpeg:40|noise:0.05"
    assert found.reduced(0.5) == Estimate(gray=True, blur=0.8, noise=0.03)
    assert found.reduced(0.9).quality == 40 and found.reduced(0.2) == Estimate(gray=True)
    # A blur is not known exactly.
    assert str(Estimate(blur=1.0).degradation()) == "blur:gaussian:1|noise:0.01"
    assert str(Estimate(gray=True)) == "gray"


def test_a_square_is_restored_from_the_pixels_that_hold_its_detail():
    sharp = explained(degraded("small"), 128)
    assert str(sharp.degradation) == "resize:91:bicubic-antialias"
    assert sharp.observation.shape == sharp.degradation.observation_shape((128, 128, 3))
    soft = explained(degraded("small", blur=3), 128)
    assert soft.estimate.blur == pytest.approx(3, abs=0.5)
    assert len(soft.observation) <= 0.5 * len(sharp.observation)
    assert soft.observation.shape == soft.degradation.observation_shape((128, 128, 3))
    gray = explained(degraded("small"), 128, gray=True)
    assert gray.observation.shape[2] == 1 and str(unresized(gray.degradation)) == "gray"
    # To a generator of gray images nothing is missing.
    single = explained(degraded("small").mean(axis=2, keepdims=True), 128)
    assert not single.estimate.gray and single.observation.shape[2] == 1
    assert str(unresized(parse("resize:8|gray", 64))) == "gray"
