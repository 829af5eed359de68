"""True observations beside those that the operators predict."""

import jax
import numpy as np
import pytest
from operators import SIZE, apply, smooth_image
from PIL import Image

from mgp_jax.degradations import parse, true_observation

# Smooth, so that whatever reduces it does much the same.
IMAGE = smooth_image()[:SIZE, :SIZE].astype(np.float32) / np.float32(127.5) - 1


@pytest.mark.parametrize(
    ("spec", "least", "most"),
    [
        # Nothing but the rounding to 8 bits, at most half a level.
        ("quantise:8", 0, 0.5),
        ("down:2|quantise:8", 0.4, 0.5),
        ("mask:strokes:1|quantise:8", 0, 0.5),
        # What a codec does, and what Pillow's filters do at edges.
        ("jpeg:20|quantise:8", 0, 30),
        ("down:4:pillow|quantise:8", 1, 60),
    ],
)
def test_the_true_one_differs_from_the_predicted_by_what_is_stated(
    spec: str, least: float, most: float
):
    degradation = parse(spec, SIZE)
    predicted = np.asarray(apply(degradation, IMAGE))
    largest = 0
    for seed in range(8):
        true = true_observation(degradation, IMAGE, jax.random.key(seed))
        assert true.shape == predicted.shape and true.dtype == np.float32
        levels = (true + 1) * 127.5
        known = np.broadcast_to(degradation.visible(true) > 0, true.shape)
        np.testing.assert_allclose(levels[known], np.round(levels[known]), atol=1e-3)
        assert not true[~known].any()
        largest = max(largest, np.abs(true - predicted).max() * 127.5)
    assert least <= largest <= most + 1e-3


def test_filters_are_drawn_by_the_key():
    degradation = parse("down:4:pillow", SIZE)
    reduced = [degradation.degrade(IMAGE, jax.random.key(seed)) for seed in range(30)]
    found = {array.tobytes() for array in reduced}
    expected = set()
    for filter in Image.Resampling:
        planes = [
            np.asarray(Image.fromarray(IMAGE[..., k]).resize((8, 8), filter)) for k in range(3)
        ]
        expected.add(np.stack(planes, axis=-1).tobytes())
    assert found == expected and len(expected) == 6
    np.testing.assert_array_equal(reduced[0], degradation.degrade(IMAGE, jax.random.key(0)))


def test_a_chain_degrades_by_all_of_it():
    chain = parse("down:2|poisson:24|drop:0.2|jpeg:40|mask:strokes:1", SIZE)
    one, two = (true_observation(chain, IMAGE, jax.random.key(seed)) for seed in (0, 1))
    assert one.shape == (16, 16, 3) and not np.array_equal(one, two)
    # Darker by the dead pixels, as predicted.
    assert abs(one.mean() - np.asarray(apply(chain, IMAGE)).mean()) < 0.1
