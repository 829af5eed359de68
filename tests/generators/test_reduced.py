"""Smaller images in less time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import untrained

from mgp_jax.codes import init_codes, render_all
from mgp_jax.generators import (
    DCGANConfig,
    Generator,
    MobileStyleGANConfig,
    Split,
    StyleGAN2Config,
    StyleGANConfig,
    as_features,
)
from mgp_jax.generators.reduced import reduced

MOBILE = MobileStyleGANConfig(8, 8, (8,), (8, 8, 8, 8, 4))
STYLED = StyleGAN2Config(8, 8, (8,), (6, 4, 4, 4, 4))


def drawn(split: Split) -> np.ndarray:
    (image,) = render_all(split, [init_codes(split, jax.random.key(0), 2)])
    return image


def test_accumulated_images_are_what_is_drawn():
    generator = untrained(STYLED, seed=1)
    small = reduced(generator.split("layer1"), 5)
    z = generator.draw_latents(jax.random.key(0), (2,))
    there = as_features(generator.apply(generator.params, z, 0, generator.cut("layer2")))
    image = jax.jit(lambda split, z: split.tail(split.head(z)))(small, z)
    assert small.image_shape == (8, 8, 3)
    np.testing.assert_allclose(image, np.asarray(there.rgb), atol=1e-5)


def smooth(generator: Generator) -> Generator:
    """The last layers draw what half the resolution can hold, and are linear."""
    params = jax.tree.map(jnp.asarray, dict(generator.params))
    for name in ("layer3", "layer4"):
        layer = dict(params[name])
        layer["noise"] = jnp.ones_like(layer["noise"]) * jnp.arange(16.0)[None, :, None, None]
        # All that is activated is positive.
        layer["bias"] = jnp.full_like(layer["bias"], 50.0)
        params[name] = layer
    up = params["layer3"]["up"]
    details = jnp.arange(8) >= 2
    params["layer3"]["up"] = {
        "kernel": jnp.where(details, 0, up["kernel"]),
        "bias": jnp.where(details, 0.0, up["bias"]),
    }
    depthwise = params["layer4"]["depthwise"]
    params["layer4"]["depthwise"] = jnp.zeros_like(depthwise).at[1, 1].set(depthwise[1, 1])
    return Generator(generator.family, generator.config, params, generator.graph)


def test_what_is_smooth_is_sketched_exactly():
    split = smooth(untrained(MOBILE, seed=1)).split("layer1", "w")
    small = reduced(split, 8)
    assert split.image_shape == (32, 32, 3) and small.image_shape == (8, 8, 3)
    means = drawn(split).reshape(8, 4, 8, 4, 3).mean((1, 3))
    np.testing.assert_allclose(drawn(small), means, rtol=1e-4, atol=1e-3)


def test_only_the_tail_is_another():
    split = untrained(MOBILE, seed=1).split("layer1", "w")
    small = reduced(split, 8)
    assert (small.cut, small.space, small.latent_shape) == (split.cut, "w", split.latent_shape)
    codes = jax.random.normal(jax.random.key(0), (2, *split.latent_shape))
    jax.tree.map(np.testing.assert_array_equal, small.head(codes), split.head(codes))
    assert small.generator.stages == split.generator.stages


@pytest.mark.parametrize(
    ("config", "layer", "size"),
    [
        (DCGANConfig(8, (8, 8, 4)), 1, 8),  # Accumulates nothing.
        (StyleGANConfig(8, 8, (8,), (6, 6, 4, 4)), "layer1", 4),  # Likewise.
        (STYLED, "layer1", 16),  # Not larger than that.
        (STYLED, "layer1", 100),
        (STYLED, "layer3", 8),  # Cut behind it.
    ],
)
def test_what_cannot_be_sketched_stays(config, layer: int | str, size: int):
    split = untrained(config, seed=1).split(layer)
    assert reduced(split, size) is split
