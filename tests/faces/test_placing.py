"""Faces put back: nothing changes outside, no edge shows."""

import numpy as np
import pytest
from scenes import face_at, ground, scene, steps
from scipy.ndimage import binary_dilation

from mgp_jax import align, put_back
from mgp_jax.errors import SettingError
from mgp_jax.faces import square_of
from mgp_jax.faces.placing import outline

FACES = [(80, 60, 60, 0), (80, 60, 60, 20), (80, 60, 140, -45), (30, 20, 90, 10), (80, 60, 25, 0)]


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("place", FACES)
def test_outside_the_outline_not_a_bit_changes(place, kind):
    photograph = ground(160, 120) if kind is np.uint8 else (ground(160, 120) / 127.5 - 1)
    photograph = photograph.astype(kind)
    before, face = photograph.copy(), face_at(*place)
    image = np.random.default_rng(1).uniform(-1, 1, (48, 48, 3)).astype(np.float32)
    result = put_back(photograph, image, face)
    assert result.dtype == kind and result.shape == photograph.shape
    np.testing.assert_array_equal(photograph, before)
    weight = outline(square_of(face), (160, 120))[..., 0]
    np.testing.assert_array_equal(result[weight == 0], photograph[weight == 0])
    assert (result[weight == 1] != photograph[weight == 1]).mean() > 0.9
    # The outline is that of a head: within its square, and more than half of it.
    assert 0.5 < (weight > 0).sum() / place[2] ** 2 < 0.7 or place[0] < place[2] / 2


@pytest.mark.parametrize("place", FACES[:3])
def test_what_was_cut_out_comes_back(place):
    photograph = ground(160, 120)
    face = face_at(*place)
    image = align(photograph, face, round(place[2]))
    difference = put_back(photograph, image, face).astype(int) - photograph
    assert np.abs(difference).mean() < 1 and np.abs(difference).max() < 16


@pytest.mark.parametrize("shift", [0.0, 0.4, -0.4])
def test_no_seam_shows_where_the_image_has_other_colours(shift: float):
    photograph, _ = scene()
    face = face_at(220, 220, 300, 10)
    image = np.clip(align(photograph, face, 300) * 0.9 + shift, -1, 1)
    result = put_back(photograph, image, face)
    weight = outline(square_of(face), (photograph.shape[1], photograph.shape[0]))[..., 0]
    inside = weight > 0
    near = binary_dilation(inside, iterations=2)
    excess, usual = steps(result) - steps(photograph), np.median(steps(photograph)[inside])
    assert excess[np.logical_and(near, weight < 0.02)].max() <= 2
    # Where the photograph takes over no step stands out from those that a face has.
    assert excess[np.logical_and(near, weight < 0.5)].max() < 0.7 * usual
    # Along the outline the colours are the photograph's.
    rim = (weight > 0.3) & (weight < 0.7)
    assert np.abs((result.astype(float) - photograph)[rim]).mean() < 6


def test_of_a_photograph_with_holes_these_are_filled_and_nothing_else():
    photograph = ground(160, 120)
    face = face_at(80, 60, 80)
    image = align(photograph, face, 80)
    missing = np.zeros((120, 160), bool)
    missing[30:40, 50:110] = missing[100:, 150:] = True
    spoilt = photograph.copy()
    spoilt[missing] = 255
    result = put_back(spoilt, image, face, missing)
    np.testing.assert_array_equal(result[~missing], spoilt[~missing])
    # The white of the holes counts for nothing, and the colours are those around.
    assert np.abs(result[30:40, 55:105].astype(int) - photograph[30:40, 55:105]).max() < 20
    np.testing.assert_array_equal(result[100:, 150:], 255)


def test_a_gray_photograph_takes_the_colours_of_the_image():
    gray = np.repeat(ground(160, 120)[..., :1], 3, axis=2)
    face = face_at(80, 60, 80)
    image = align(gray, face, 80) * [0.6, 0.8, 0.2]
    coloured = put_back(gray, image.astype(np.float32), face, brightness_only=True)
    plain = put_back(gray, image.astype(np.float32), face)
    spread = [np.ptp(x[55:65, 75:85].astype(int), axis=2).mean() for x in (coloured, plain)]
    ring = [np.ptp(x[60, 54:58].astype(int), axis=1).mean() for x in (coloured, plain)]
    assert spread[0] > 8 and ring[0] > 2 * ring[1]


def test_where_the_square_is_the_photograph_the_image_takes_its_place():
    photograph = ground(100, 100)
    image = np.full((50, 50, 3), 0.5, np.float32)
    np.testing.assert_allclose(put_back(photograph, image, face_at(50, 50, 100)), 191, atol=1)


def test_other_channels_are_refused():
    with pytest.raises(SettingError, match="does not fit"):
        put_back(ground(40, 40), np.zeros((8, 8, 1)), face_at(20, 20, 20))
