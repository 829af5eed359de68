"""Noise of an unknown level, which observations tell."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data
from operators import SIZE
from PIL import Image

from mgp_jax.degradations import estimated_sigma, noise_level, parse
from mgp_jax.degradations.noise_level import DETAIL, filtered
from mgp_jax.errors import SettingError

SIDE = 96
PHOTOGRAPH = np.asarray(
    Image.fromarray(skimage.data.astronaut()).resize((SIDE, SIDE), Image.Resampling.BOX), np.float32
)
levels = jax.jit(lambda d, y: (d.told_noise(y), d.noise_error(y)))


def noisy(sigma: float, *, gray: bool = False, alike: bool = False) -> np.ndarray:
    """The photograph in [0, 1] with noise, of each channel or the same in all."""
    clean = PHOTOGRAPH / 255
    clean = clean.mean(axis=2, keepdims=True) if gray else clean
    shape = (*clean.shape[:2], 1 if alike else clean.shape[2])
    return clean + sigma * np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("sigma", [0.01, 0.02, 0.05, 0.1, 0.2])
def test_colours_tell_noise_from_detail(sigma: float):
    assert noise_level(noisy(sigma)) == pytest.approx(sigma, rel=0.25 if sigma < 0.02 else 0.1)
    # One channel alone cannot, where there is less noise than detail.
    one = float(noise_level(noisy(sigma, gray=True)))
    assert one == pytest.approx(sigma, rel=0.15) if sigma > 0.05 else one > 1.1 * sigma


def test_noise_that_channels_share_is_noise_too():
    # That of gray pictures has no colours, so nothing can be told from their differences.
    assert noise_level(noisy(0.1, alike=True)) == pytest.approx(0.1, rel=0.1)
    assert noise_level(np.zeros((8, 8, 3))) == 0


@pytest.mark.parametrize(("share", "told"), [(0.45, 1.0), (0.55, 0.55)])
def test_colours_that_are_half_as_noisy_are_no_witness(share: float, told: float):
    """Noise of which a part is every channel's own, as cameras that smooth colours leave it."""
    draw = np.random.default_rng(4).standard_normal
    noise = np.sqrt(1 - share**2) * draw((128, 128, 1)) + share * draw((128, 128, 3))
    assert noise_level(noise) == pytest.approx(told, rel=0.05)


def test_numpy_and_jax_agree():
    x, known = noisy(0.05), np.random.default_rng(1).random((SIDE, SIDE, 1)) > 0.1
    one, two = noise_level(x, known), noise_level(jnp.asarray(x), jnp.asarray(known))
    assert isinstance(two, jax.Array)
    np.testing.assert_allclose(one, two, rtol=1e-4)


def test_large_pictures_are_told_by_some_of_their_details():
    noise = np.random.default_rng(3).standard_normal((1024, 516, 1))
    assert noise_level(noise) == pytest.approx(1, abs=0.02)
    # Of every second row and column.
    detail = filtered(noise, DETAIL)[::2, ::2]
    assert noise_level(noise) == pytest.approx(np.median(np.abs(detail)) / 0.6745)


def test_what_is_in_holes_does_not_count():
    x, known = noisy(0.1), np.ones((SIDE, SIDE, 1))
    known[:, SIDE // 3 :] = 0
    holes = np.where(known > 0, x, 9 * np.random.default_rng(2).standard_normal(x.shape))
    inside = noise_level(x[:, : SIDE // 3])
    np.testing.assert_allclose(noise_level(holes, known), inside, rtol=1e-5)
    # A pixel is part of sixteen details, and each of them needs all of its own.
    known[...] = 0
    known[:4, :4] = 1
    fine = noise_level(holes, known)
    assert fine == pytest.approx(noise_level(holes[:4, :4]), rel=1e-6)
    known[1, 1] = 0
    with pytest.warns(RuntimeWarning):
        assert np.isnan(noise_level(holes, known))


@pytest.mark.parametrize(
    ("spec", "share"),
    [
        ("noise:auto", 1.0),
        ("gray|noise:auto", 1.0),
        ("noise:auto|mask:center:16", 1 - (16 / SIDE) ** 2),
        ("noise:auto|quantise:8", 1.0),
        ("noise:auto|drop:0.02", 0.98),
    ],
)
def test_an_observation_tells_the_error_at_which_it_is_met(spec: str, share: float):
    chain, known = parse(spec, SIDE), parse(spec.replace("auto", "0.1"), SIDE)
    clean = jnp.asarray(PHOTOGRAPH / 127.5 - 1)
    seen = known.prepare(known.simulate(clean, jax.random.key(0)))
    assert chain.blind and not known.blind and not chain.exact and chain.linear
    assert estimated_sigma(chain, seen) == pytest.approx(0.1, rel=0.1)
    told, error = levels(chain, seen)
    np.testing.assert_allclose(told, 0.2, rtol=0.1)
    np.testing.assert_allclose(error, told**2 * share, rtol=0.03)
    np.testing.assert_allclose(error, known.noise_error(seen), rtol=0.2)


def test_scattered_pixels_tell_nothing():
    chain = parse("mask:random:0.8|noise:auto", SIDE)
    with pytest.raises(SettingError, match="too few pixels side by side are known"):
        estimated_sigma(chain, np.zeros((SIDE, SIDE, 3)))


def test_it_is_noise_that_nobody_can_add():
    chain = parse("down:2|noise:auto", SIZE)
    with pytest.raises(SettingError, match="noise:auto: noise of an unknown level"):
        chain.simulate(jnp.zeros((SIZE, SIZE, 3)), jax.random.key(0))
    image = jnp.ones((SIZE, SIZE, 3))
    np.testing.assert_array_equal(chain.predict(image, jax.random.key(0)), image[::2, ::2])


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("noise:auto|jpeg:50", "noise:auto must come after jpeg:50"),
        ("noise:auto|down:2", "noise:auto must come after down:2"),
        ("poisson:24|noise:auto", "its level cannot be told from that of poisson:24"),
        ("cs:0.5|noise:auto", "noise:auto: needs an image"),
        ("noise:auto:1", "'1' is not understood"),
        ("noise:automatic", "sigma must be a number, not 'automatic'"),
    ],
)
def test_where_it_cannot_be_told(spec: str, problem: str):
    with pytest.raises(SettingError, match=problem):
        parse(spec, SIZE)
