"""Frames that are found: within the photograph, wherever the search goes."""

import jax.numpy as jnp
import numpy as np
import pytest

from mgp_jax import Downsample, Generator
from mgp_jax.inversion import find_frame, resolve
from mgp_jax.inversion.framing import SMALLEST, STEEPEST, frame_of, within

PLACES = [
    (0.0, 0.5, 0.5, 0.0),
    (0.4, 0.9, 0.1, 0.3),
    (-9.0, -1.0, 2.0, -9.0),
    (-0.5, 0.1, 0.7, 1.0),
]


@pytest.mark.parametrize("place", PLACES)
def test_a_place_stays_within_the_photograph(place: tuple[float, ...]):
    frame = frame_of(within(jnp.array(place)))
    size, x, y, turn = (float(v) for v in (frame.size, frame.x, frame.y, frame.turn))  # type: ignore[arg-type]
    assert SMALLEST - 1e-6 <= size <= 1 + 1e-6 and abs(turn) <= STEEPEST + 1e-4
    assert size / 2 - 1e-6 <= min(x, y, 1 - x, 1 - y)
    # What is within already stays.
    again = frame_of(within(jnp.array([np.log(size), x, y, np.radians(turn)])))
    found = np.array([again.size, again.x, again.y], float)
    np.testing.assert_allclose(found, [size, x, y], atol=1e-5)


def test_the_same_seed_finds_the_same_frame(tiny: Generator, photographs: np.ndarray):
    degradation = Downsample(4)
    observation = np.asarray(degradation(jnp.asarray(photographs[0])))
    inversion = resolve(tiny, degradation)
    frame = find_frame(inversion, observation, degradation)
    assert frame == find_frame(inversion, observation, degradation)
    assert SMALLEST <= frame.size <= 1
