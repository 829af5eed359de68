"""Observations are read in the size that they are seen in."""

import numpy as np
from pictures import levels, photograph, refusal, save

from mgp_jax.images import read_observation, to_uint8


def test_reads_observations(tmp_path):
    rgb = photograph(6, 4)  # Below the least size of a photograph.
    path = save(tmp_path / "a.png", rgb)
    np.testing.assert_allclose(levels(read_observation(path, (4, 6, 3))), rgb, atol=1e-4)
    gray = read_observation(path, (4, 6, 1))
    assert gray.shape == (4, 6, 1) and gray.dtype == np.float32
    np.testing.assert_allclose(
        levels(gray)[..., 0], rgb.astype(float) @ (0.299, 0.587, 0.114), atol=1e-4
    )
    path = save(tmp_path / "b.png", rgb[..., 0].copy())
    np.testing.assert_array_equal(to_uint8(read_observation(path, (4, 6, 1))), rgb[..., :1])
    one = read_observation(path, (4, 6, 3))
    np.testing.assert_array_equal(one[..., :1], read_observation(path, (4, 6, 1)))


def test_refuses_observations_of_another_size(tmp_path):
    path = save(tmp_path / "a.png", photograph(6, 4))
    message = refusal(read_observation, path, (6, 4, 3))
    assert "6x4 pixels" in message and "exactly 4x6" in message
    assert "307" in refusal(read_observation, path, (307,))
    assert "4x6x2" in refusal(read_observation, path, (4, 6, 2))
