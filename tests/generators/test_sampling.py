"""Random latent codes and the images they make."""

import jax
import numpy as np
import pytest
from networks import untrained

from mgp_jax.errors import SettingError
from mgp_jax.generators import (
    Generator,
    StyleGAN2Config,
    generate,
    random_latents,
    sampling,
)
from mgp_jax.generators.sampling import BATCH, with_truncation


def test_random_codes_follow_seed_and_number(tiny: Generator):
    many = random_latents(tiny, 12, seed=3)
    assert many.shape == (12, 8) and many.dtype == np.float32
    # A code keeps its value when there are more of them, so that results can be added to.
    np.testing.assert_array_equal(random_latents(tiny, 5, seed=3), many[:5])
    assert np.abs(random_latents(tiny, 12, seed=4) - many).max() > 0.1
    assert len({tuple(code) for code in np.asarray(many).tolist()}) == 12
    assert abs(np.mean(many)) < 0.3 and abs(np.std(many) - 1) < 0.3


@pytest.mark.parametrize("count", [0, -1])
def test_no_codes_are_refused(tiny: Generator, count: int):
    with pytest.raises(SettingError, match=f"count: {count}, at least 1"):
        random_latents(tiny, count)


def test_images_are_the_generators_own(tiny: Generator):
    count = BATCH + 3  # More than one batch.
    latents = random_latents(tiny, count)
    images = generate(tiny, latents)
    assert images.shape == (count, 32, 32, 3) and images.dtype == np.float32
    expected = jax.jit(tiny.apply)(tiny.params, latents)
    np.testing.assert_allclose(images, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(generate(tiny, latents), images)
    np.testing.assert_allclose(generate(tiny, np.asarray(latents)[:2]), images[:2], atol=1e-5)


@pytest.mark.parametrize(("images", "sizes"), [(5.5, [5, 2]), (0.5, [1] * 7), (100, [7])])
def test_large_images_go_in_small_batches(
    tiny: Generator, monkeypatch: pytest.MonkeyPatch, images: float, sizes: list[int]
):
    seen = []

    def render(generator: Generator, latents: jax.Array) -> np.ndarray:
        seen.append(len(latents))
        return np.zeros((len(latents), 32, 32, 3), np.float32)

    monkeypatch.setattr(sampling, "_render", render)
    monkeypatch.setattr(sampling, "MOST_PIXELS", int(images * tiny.resolution**2))
    assert len(generate(tiny, random_latents(tiny, 7))) == 7
    assert seen == sizes


def test_truncation_needs_styles(tiny: Generator):
    with pytest.raises(SettingError, match=r"truncation: tiny \(dcgan\) has no styles"):
        generate(tiny, random_latents(tiny, 1), truncation=0.5)
    with pytest.raises(SettingError):
        generate(tiny, random_latents(tiny, 1), truncation=1.0)


@pytest.fixture(scope="module")
def styled() -> Generator:
    return untrained(StyleGAN2Config(5, 4, (4,), (4, 4, 4)), seed=1, name="styled")


def test_truncation(styled: Generator):
    latents = random_latents(styled, 2)
    free = generate(styled, latents)
    np.testing.assert_allclose(generate(styled, latents, truncation=1.0), free, atol=1e-5)
    # With psi 0 all images are the mean image.
    mean = generate(styled, latents, truncation=0.0)
    np.testing.assert_allclose(mean, np.broadcast_to(mean[:1], mean.shape), atol=1e-5)
    assert free.std(0).max() > 0.01
    half = generate(styled, latents, truncation=0.5)
    assert 0 < half.std(0).mean() < free.std(0).mean()


def test_the_configured_truncation_holds_unless_told_otherwise(styled: Generator):
    latents = random_latents(styled, 2)
    half = generate(styled, latents, truncation=0.5)
    configured = with_truncation(styled, 0.5)
    assert (configured.name, configured.licence) == (styled.name, styled.licence)
    np.testing.assert_array_equal(generate(configured, latents), half)
    free = generate(configured, latents, truncation=1.0)
    np.testing.assert_array_equal(free, generate(styled, latents))
