"""Frames that are found: within the photograph, wherever the search goes, and where they are."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mgp_jax import Downsample, Frame, Generator, generate, load_generator, random_latents
from mgp_jax.inversion import find_frame, framing, resolve
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


# What the second starts cost, where the best of the first costs 1, and the frame that is taken.
SECOND = {
    "farther": ((0.9, 0.95, 0.95), (0.8, 0.42, 0.54, 0.0)),
    "no gain": ((1.1, 1.1, 1.1), (0.8, 0.48, 0.51, 0.0)),
    "hardly better turned": ((0.9, 0.89, 0.95), (0.8, 0.42, 0.54, 0.0)),
    "better turned": ((0.9, 0.95, 0.85), (0.8, 0.42, 0.54, -15.0)),
}


@pytest.mark.parametrize("name", SECOND)
def test_a_frame_is_sought_farther_where_it_went(
    tiny: Generator, monkeypatch: pytest.MonkeyPatch, name: str
):
    second, expected = SECOND[name]
    asked: list[np.ndarray] = []

    def search(*given: Any, truncation: float) -> tuple[np.ndarray, np.ndarray]:
        places = np.array(given[-1], np.float64)
        asked.append(places.copy())
        if len(asked) > 1:
            return places, np.array(second)
        places[1, 1:3] = 0.48, 0.51
        return places, np.array([3.0, 1.0, 2.0])

    monkeypatch.setattr(framing, "search", search)
    frame = find_frame(resolve(tiny, Downsample(4)), np.zeros((4, 4, 3)), Downsample(4))
    assert len(asked) == 2 and asked[0][:, 1:].tolist() == [[0.5, 0.5, 0]] * 3
    np.testing.assert_allclose(np.exp(asked[0][:, 0]), [0.95, 0.8, 0.6], rtol=1e-6)
    np.testing.assert_allclose(np.degrees(asked[1][:, 3]), [0, 15, -15], atol=1e-4)
    found = np.array([frame.size, frame.x, frame.y, frame.turn], float)
    np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.slow
def test_a_known_frame_is_recovered():
    """A generated face beside the middle of smooth noise, at a quarter of the size."""
    generator, degradation, frame = load_generator("faces64"), Downsample(4), Frame(0.8, 0.44, 0.55)
    (face,) = generate(generator, random_latents(generator, 1, 5))
    noise = gaussian_filter(np.random.default_rng(0).standard_normal((64, 64, 3)), (2, 2, 0))
    inside = frame.inside(64, 64)
    photograph = inside * frame(face) + (1 - inside) * noise / (2 * noise.std())
    observation = np.asarray(degradation(photograph))
    found = find_frame(resolve(generator, degradation), observation, degradation)
    assert np.hypot(found.x - frame.x, found.y - frame.y) < 0.04
    assert abs(found.size - frame.size) < 0.08 and found.turn == pytest.approx(0, abs=6)
