"""Attributes: of drawn faces whose measures are known, and the boxes that they look at."""

import numpy as np
import pytest

from mgp_jax.editing.attributes import (
    ATTRIBUTES,
    BACKGROUND,
    CHEEKS,
    HAIR,
    SKIN,
    Boxes,
    measure,
    region,
)

STRAIGHT = np.array([[0.375, 0.48], [0.625, 0.48], [0.5, 0.6282], [0.38, 0.74], [0.62, 0.74]])
SIZE = 100


def gray(level: float = 0.4) -> np.ndarray:
    return np.full((1, SIZE, SIZE, 3), level)


def painted(boxes: Boxes, colour: object) -> np.ndarray:
    image = gray()
    image[:, region(boxes, SIZE)] = colour
    return image


def test_a_face_that_looks_straight_ahead():
    found = measure(gray(), STRAIGHT[None])
    assert found.keys() == ATTRIBUTES.keys()
    expected = {"yaw": 0, "pitch": 0, "roll": 0, "eye-distance": 0.25, "mouth-width": 0.96}
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], [value], atol=1e-3)
    assert set(ATTRIBUTES) - measure(gray()).keys() == {*expected, "mouth-openness"}


@pytest.mark.parametrize(
    ("name", "point", "moved", "expected"),
    [
        ("yaw", 2, (0.06, 0), np.degrees(np.arcsin(0.4))),
        ("yaw", 2, (-0.06, 0), -np.degrees(np.arcsin(0.4))),
        ("pitch", 2, (0, 0.06), np.degrees(np.arcsin(0.4))),
        ("roll", 1, (0, 0.25), 45),
        ("eye-distance", 1, (0.05, 0), 0.3),
        ("mouth-width", 4, (0.05, 0), 1.16),
        # Beyond what a nose can reach.
        ("yaw", 2, (0.5, 0), 90),
    ],
)
def test_points_that_move(name: str, point: int, moved: tuple, expected: float):
    points = STRAIGHT.copy()
    points[point] += moved
    np.testing.assert_allclose(measure(gray(), points[None])[name], [expected], atol=0.05)


@pytest.mark.parametrize(
    ("name", "boxes", "colour", "before", "after"),
    [
        ("hair-brightness", HAIR, 0.9, 0.4, 0.9),
        ("skin-brightness", SKIN, (0, 1, 0), 0.4, 0.587),
        ("skin-warmth", SKIN, (0.8, 0.5, 0.3), 0, 0.5),
        ("background-brightness", BACKGROUND, 0.1, 0.4, 0.1),
        ("background-warmth", BACKGROUND, (0.2, 0.5, 0.6), 0, -0.4),
        ("light-from-left", CHEEKS[:1], 0.82, 0, np.log(2)),
        ("light-from-left", CHEEKS[1:], 0.82, 0, -np.log(2)),
    ],
)
def test_colours_of_regions(name: str, boxes: Boxes, colour, before: float, after: float):
    np.testing.assert_allclose(measure(gray())[name], [before], atol=1e-6)
    np.testing.assert_allclose(measure(painted(boxes, colour))[name], [after], atol=1e-6)


def test_the_mouth_and_the_background():
    dark = gray()
    dark[:, 74:78, 40:60] = 0.1
    assert measure(gray(), STRAIGHT[None])["mouth-openness"] == 0
    assert 0.2 < measure(dark, STRAIGHT[None])["mouth-openness"] < 0.6
    # Corners on top of each other have nothing in between.
    shut = STRAIGHT.copy()
    shut[4] = shut[3]
    assert np.isfinite(measure(dark, shut[None])["mouth-openness"]).all()
    noisy = gray()
    noisy[:, :40, :14] += np.random.default_rng(0).uniform(-0.1, 0.1, (1, 40, 14, 3))
    sharpness = measure(np.concatenate([gray(), noisy]))["background-sharpness"]
    assert sharpness[1] > sharpness[0] + 1
