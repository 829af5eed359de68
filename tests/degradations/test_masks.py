"""Holes and impulses: where they are, and what an observation may hold there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from operators import SHAPE, SIZE, images, prepare

from mgp_jax.degradations import (
    Composition,
    Downsample,
    Grayscale,
    Impulse,
    Mask,
    Noise,
    compose,
    parse,
)
from mgp_jax.errors import ImageError
from mgp_jax.images import write_image


def test_masks():
    known = np.asarray(Mask.center(3, (8, 9)).known)
    assert known.sum() == 72 - 9 and not known[2:5, 3:6].any()
    random = Mask.random(0.8, SHAPE, seed=1)
    assert (np.asarray(random.known) == 0).sum() == round(0.8 * SIZE * SIZE)
    assert not np.array_equal(random.known, Mask.random(0.8, SHAPE).known)
    (image,) = jnp.asarray(images())
    np.testing.assert_array_equal(random(image), np.where(random.known > 0, image, 0))


@pytest.mark.parametrize(
    ("mask", "scattered"),
    [
        (Mask.random(0.8, (64, 64)), True),
        (Mask.random(0.3, (64, 64)), True),
        (Mask.center(16, (64, 64)), False),
        (Mask.from_array(np.arange(64)[:, None] % 8 + np.zeros((64, 64)) > 2), True),
        (Mask.from_array(np.arange(64)[:, None] % 32 + np.zeros((64, 64)) > 20), False),
    ],
    ids=["80 %", "30 %", "square", "scratches", "bars"],
)
def test_scattered_holes_are_told_from_large_ones(mask: Mask, scattered: bool):
    assert mask.scattered == scattered


def test_mask_of_a_file(tmp_path):
    path = tmp_path / "odd name: 1.png"
    picture = np.zeros((SIZE, SIZE), np.uint8)
    picture[4:9, 2:5] = 255
    write_image(path, picture)
    spec = f"gray|mask:{path}"
    degradation = parse(spec, SIZE)
    assert str(degradation) == spec
    np.testing.assert_array_equal(degradation.support[..., 0], picture == 0)
    assert parse(f"down:2|mask:{path}", 2 * SIZE).observation_shape((64, 64, 3)) == SHAPE
    with pytest.raises(ImageError, match="does not fit"):
        parse(f"down:4|mask:{path}", 4 * SIZE + 32)
    with pytest.raises(ImageError, match="no such file"):
        parse("mask:nowhere.png", SIZE)


def test_impulses_are_random_colours_at_known_places():
    (image,) = jnp.asarray(images())
    impulse = Impulse.random(0.2, SHAPE)
    observation = np.asarray(impulse.simulate(image, jax.random.key(0)))
    changed = (observation != image).all(-1)
    np.testing.assert_array_equal(changed, impulse.known[..., 0] == 0)
    noise = observation[changed]
    assert np.abs(noise).max() <= 1 and abs(noise.std() - 3**-0.5) < 0.05
    np.testing.assert_array_equal(prepare(impulse, observation), impulse(image))


def test_holes_of_a_file_may_hold_anything():
    (image,) = jnp.asarray(images())
    mask = Mask.center(8, SHAPE)
    spoilt = jnp.where(mask.known > 0, image, jnp.nan)
    for degradation in (mask, compose(mask, Noise(0.1)), compose(mask, Grayscale())):
        observation = degradation(spoilt) if degradation is not mask else spoilt
        if isinstance(degradation, Composition):
            assert jnp.isnan(observation).any()
        np.testing.assert_allclose(degradation.prepare(observation), degradation(image), atol=1e-6)
    # Behind an operator that mixes pixels there is no hole any more.
    assert compose(mask, Downsample(4)).support.shape == ()
