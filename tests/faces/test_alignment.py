"""The square of a face: the rule of FFHQ, and what is cut out."""

import numpy as np
import pytest
from scenes import face_at, ground

from mgp_jax import align
from mgp_jax.errors import SettingError
from mgp_jax.faces import Face, settled, square_of

PLACES = [(60, 50, 40, 0), (60, 50, 40, 20), (61.5, 47.25, 33, -45), (60, 50, 90, 180)]


@pytest.mark.parametrize(("x", "y", "side", "turn"), PLACES)
def test_the_square_is_where_the_face_is(x, y, side, turn):
    square = square_of(face_at(x, y, side, turn))
    np.testing.assert_allclose((square.x, square.y, square.side), (x, y, side), atol=1e-9)
    angle = np.degrees(np.arctan2(square.right[1], square.right[0]))
    assert abs((angle - turn + 180) % 360 - 180) < 1e-9


def test_the_rule_of_ffhq():
    """As the script that made the dataset computes it."""
    points = np.array([(31.0, 40), (52, 44), (40, 55), (33, 66), (47, 70)])
    eye_left, eye_right, _, mouth_left, mouth_right = points
    eye_to_eye = eye_right - eye_left
    eye_to_mouth = (mouth_left + mouth_right) / 2 - (eye_left + eye_right) / 2
    x = eye_to_eye - np.flipud(eye_to_mouth) * [-1, 1]
    x /= np.hypot(*x)
    x *= max(np.hypot(*eye_to_eye) * 2.0, np.hypot(*eye_to_mouth) * 1.8)
    y = np.flipud(x) * [-1, 1]
    c = (eye_left + eye_right) / 2 + eye_to_mouth * 0.1
    square = square_of(Face((0, 0, 1, 1), tuple(map(tuple, points))))
    np.testing.assert_allclose(square.corners, [c - x - y, c + x - y, c + x + y, c - x + y])


@pytest.mark.parametrize("size", [64, 20])
def test_places_of_the_photograph_are_found_in_the_square(size: int):
    """A photograph whose colours are its coordinates, in a square turned by 30 degrees."""
    y, x = np.mgrid[:120, :160] + 0.5
    photograph = np.stack([x / 80 - 1, y / 80 - 1], -1).astype(np.float32)
    face = face_at(80, 60, 64, 30)
    square = square_of(face)
    seen = 80 * (align(photograph, face, size) + 1)
    u = (np.arange(size) + 0.5) / size * 2 - 1
    (a, b) = square.right
    np.testing.assert_allclose(seen[..., 0], 80 + a * u[None, :] - b * u[:, None], atol=0.02)
    np.testing.assert_allclose(seen[..., 1], 60 + b * u[None, :] + a * u[:, None], atol=0.02)


def test_an_upright_square_of_whole_pixels_is_cut_out_as_it_is():
    photograph = ground(100, 80)
    cut = align(photograph, face_at(50, 40, 32), 32)
    np.testing.assert_allclose((cut + 1) * 127.5, photograph[24:56, 34:66], atol=1e-3)


def test_fine_pixels_are_averaged_not_skipped():
    stripes = np.where(np.arange(96) % 2 == 0, 1.0, -1.0).astype(np.float32)
    photograph = np.broadcast_to(stripes[None, :, None], (96, 96, 1))
    assert np.abs(align(photograph, face_at(48, 48, 80), 10)).max() < 0.05


def test_beyond_the_border_it_goes_on_without_an_edge():
    photograph = ground(100, 80)
    cut = align(photograph, face_at(10, 40, 60), 60)
    assert np.isfinite(cut).all()
    # Forty columns lie on the photograph, of which nothing is blurred.
    np.testing.assert_allclose((cut[:, 20:] + 1) * 127.5, photograph[10:70, :40], atol=1e-3)
    assert np.abs(np.diff(cut[:, 15:25], axis=1)).max() < 0.25
    # Far outside nothing but one colour is left.
    far = align(photograph, face_at(-2, 40, 60), 60)[:, :10]
    assert far.std(axis=(0, 1)).max() < 0.1 * cut[:, 20:].std(axis=(0, 1)).min()


@pytest.mark.parametrize(
    ("x", "y", "side", "turn", "width", "expected"),
    [(50, 52, 97, 2, 100, True), (50, 50, 70, 0, 100, False), (50, 50, 100, 20, 100, False),
     (50, 50, 100, 0, 101, False)],
)  # fmt: skip
def test_a_photograph_that_is_cut_as_ffhq_is_left_so(x, y, side, turn, width, expected):
    face = face_at(x, y, side, turn)
    settled_face = settled(face, width, 100)
    if not expected:
        assert settled_face == face
        return
    np.testing.assert_allclose(
        square_of(settled_face).corners, [(0, 0), (100, 0), (100, 100), (0, 100)], atol=1e-9
    )
    assert settled_face.box == face.box
    np.testing.assert_allclose(settled_face.points, face.points, atol=5)


WRONG = {
    "no size": (lambda: align(ground(40, 40), face_at(20, 20, 20), 0), "at least 1"),
    "outside": (lambda: align(ground(40, 40), face_at(200, 20, 20), 8), "outside"),
    "one point": (lambda: square_of(Face((0, 0, 1, 1), ((1, 1),) * 5)), "at one place"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_faces_give_one_clear_line(name: str):
    provoke, message = WRONG[name]
    with pytest.raises(SettingError, match=message):
        provoke()
