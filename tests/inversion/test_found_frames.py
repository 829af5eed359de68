"""Frames that are found: where the generator's own image lies in a photograph."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mgp_jax import Downsample, Frame, generate, load_generator, random_latents
from mgp_jax.inversion import find_frame, resolve


@pytest.mark.parametrize("frame", [Frame(0.72, 0.44, 0.55, 0), Frame(0.9, 0.52, 0.5, 12)], ids=str)
def test_the_generators_image_is_found(frame: Frame):
    generator, degradation = load_generator("faces64"), Downsample(2)
    (face,) = generate(generator, random_latents(generator, 1, 5))
    noise = gaussian_filter(np.random.default_rng(0).standard_normal((64, 64, 3)), (2, 2, 0))
    inside = frame.inside(64, 64)
    photograph = inside * frame(jnp.asarray(face)) + (1 - inside) * noise / noise.std() / 2
    seen = np.asarray(degradation(photograph))
    found = find_frame(resolve(generator, degradation), seen, degradation)
    print(found)
    assert abs(found.size / frame.size - 1) < 0.1
    assert max(abs(found.x - frame.x), abs(found.y - frame.y)) < 0.05
    assert found.turn is not None and frame.turn is not None and abs(found.turn - frame.turn) < 6
