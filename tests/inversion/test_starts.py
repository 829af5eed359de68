"""Random keys and the codes that an inversion starts from."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import untrained
from runs import CONFIG, assert_equal

from mgp_jax.degradations import Identity
from mgp_jax.generators import Generator, StyleGAN2Config
from mgp_jax.inversion import InversionConfig, Result, image_keys, invert
from mgp_jax.recipes import recipe_for


def test_seeds_choose_the_starts(tiny: Generator, photographs: np.ndarray, result: Result):
    again = invert(tiny, photographs, CONFIG, keys=image_keys(0, [0, 1, 2]))
    assert_equal(again, result)
    other = invert(tiny, photographs, dataclasses.replace(CONFIG, seed=1))
    assert (np.abs(other.losses[:, 0] - result.losses[:, 0]) > 1e-5).all()
    # Two images never share a start.
    same = invert(tiny, photographs[[0, 0, 0]], CONFIG)
    assert len(set(same.losses[:, 0].tolist())) == 3


def test_keys_belong_to_images_and_starts():
    data = jax.random.key_data
    for starts in (1, 4):
        batch = data(image_keys(5, range(3), starts)).reshape(3, starts, -1)
        for index in range(3):
            np.testing.assert_array_equal(data(image_keys(5, [index], starts)), batch[index])
    many = np.asarray(data(image_keys(5, range(20), 5)))
    assert len({tuple(key) for key in many.tolist()}) == 100
    # A start keeps its key when there are more of them.
    np.testing.assert_array_equal(data(image_keys(5, range(3))), many.reshape(20, 5, -1)[:3, 0])
    assert (data(image_keys(6, [0])) != data(image_keys(5, [0]))).any()


@pytest.mark.parametrize("space", ["w", "w+"])
def test_the_projector_starts_from_the_mean_style(space: str):
    generator = untrained(StyleGAN2Config(8, 8, (8, 8), (4, 4, 4)))
    mean = np.linspace(-1, 1, 8, dtype=np.float32)
    params = {**generator.params, "truncation": {"mean": jnp.asarray(mean)}}
    generator = dataclasses.replace(generator, params=params)
    images = jnp.zeros((1, 8, 8, 3))
    phase = dataclasses.replace(
        recipe_for(space, Identity()).phases[0], perceptual=0.0, z_rate=0.0, steps=2
    )
    recipe = dataclasses.replace(recipe_for(space, Identity()), phases=(phase,))
    mine = invert(generator, images, InversionConfig(recipe=recipe))
    shape = {"w": (1, 1, 8), "w+": (1, 1, *generator.shapes[2].shape[1:])}[space]
    assert mine.codes.z.shape == shape
    np.testing.assert_array_equal(mine.codes.z, np.broadcast_to(mean, shape))
    np.testing.assert_array_equal(mine.codes.alpha, 1)
    assert mine.codes.noise is not None
