"""Random latents and rendering them."""

import numpy as np
import pytest

from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig, StyleGAN2Config, generate, random_generator
from mgp_jax.generators import random_latents as draw

STYLED = StyleGAN2Config(latent_size=8, w_size=8, mapping=(8, 8), channels=(4, 4, 4))


def test_a_latent_does_not_depend_on_how_many_are_drawn():
    generator = random_generator(DCGANConfig(8, (8, 4)))
    few, many = draw(generator, 2, seed=3), draw(generator, 5, seed=3)
    np.testing.assert_array_equal(few, many[:2])
    assert not np.array_equal(many, draw(generator, 5, seed=4))
    with pytest.raises(SettingError, match="count: 0"):
        draw(generator, 0)


def test_more_than_a_batch_is_rendered_in_order():
    generator = random_generator(DCGANConfig(8, (8, 4)))
    latents = draw(generator, 18)
    images = generate(generator, latents)
    assert images.shape == (18, 16, 16, 3)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images[16:], generate(generator, latents[16:]), atol=1e-6)


def test_truncation_pulls_towards_the_mean_image():
    generator = random_generator(STYLED)
    latents = draw(generator, 3)
    np.testing.assert_array_equal(generate(generator, latents, 1.0), generate(generator, latents))
    mean = generate(generator, latents, 0.0)
    np.testing.assert_allclose(mean[0], mean[1], atol=1e-6)
    half = generate(generator, latents, 0.5)
    assert np.std(half, axis=0).mean() < np.std(generate(generator, latents), axis=0).mean()


def test_truncation_needs_styles():
    generator = random_generator(DCGANConfig(8, (8, 4)), name="plain")
    with pytest.raises(SettingError, match=r"plain \(dcgan\) has no styles"):
        generate(generator, draw(generator, 1), 0.5)
