"""Photographs whose faces are restored: from their own pixels, and nothing else changes."""

import math
from pathlib import Path

import numpy as np
import pytest
from networks import untrained
from scenes import GROUP, face_at, ground, needs_detector, scene, steps
from scipy.ndimage import binary_dilation

from mgp_jax import Grayscale, Mask, Phase, Recipe, Resize, parse, restore_photo
from mgp_jax.degradations import Identity
from mgp_jax.errors import ImageError, SettingError
from mgp_jax.faces import square_of
from mgp_jax.faces.placing import outline
from mgp_jax.generators import DCGANConfig, Generator
from mgp_jax.images import MaskPicture, luminance, to_uint8
from mgp_jax.portraits import (
    SMALLEST_SQUARE,
    batches_of,
    draws_aligned_faces,
    observed_size,
    portraits_of,
    put_back_faces,
    why_no_faces,
)

RECIPE = Recipe("short", (Phase(2),), codes=2)
FACES = [face_at(40, 50, 40), face_at(110, 60, 24, 20), face_at(150, 40, 22.5, -10)]
SHAPE = (32, 32, 3)


def weights(photograph: np.ndarray, scale: int = 1) -> np.ndarray:
    size = (photograph.shape[1] * scale, photograph.shape[0] * scale)
    squares = [square_of(face.moved(scale)) for face in FACES]
    return np.max([outline(square, size)[..., 0] for square in squares], axis=0)


@pytest.mark.parametrize("resolution", [32, 64, 1024])
def test_a_face_is_restored_from_its_own_pixels(resolution: int):
    sides = np.geomspace(SMALLEST_SQUARE, 3 * resolution, 200)
    sizes = [observed_size(side, resolution) for side in sides]
    assert sizes == sorted(sizes) and sizes[-1] == resolution
    # Programs are compiled for a size, so there are few.
    assert len(set(sizes)) <= 4 * math.log2(resolution / SMALLEST_SQUARE) + 2
    for side, size in zip(sides, sizes, strict=True):
        assert size == resolution or abs(math.log2(size / side)) < 0.16


def test_portraits_are_what_the_degradation_makes():
    photograph = ground(200, 100)
    for spec in ("identity", "gray", "down:4|noise:0.05", "blur:gaussian:1"):
        portraits = portraits_of(photograph, FACES, parse(spec, 32), SHAPE)
        assert [len(portrait.observation) for portrait in portraits] == [32, 23, 23]
        for _, observation, degradation, _ in portraits:
            assert observation.shape == degradation.observation_shape(SHAPE)
        # Those of one size are one batch.
        assert batches_of(portraits, 8) == [[0], [1, 2]]
        assert batches_of(portraits, 1) == [[0], [1], [2]]


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_photograph_is_restored(tiny: Generator, scale: int, channels: int):
    photograph = ground(200, 100)[..., :channels]
    done = restore_photo(tiny, photograph, recipe=RECIPE, faces=FACES, scale=scale)
    assert done.image.shape == (100 * scale, 200 * scale, 3) and done.image.dtype == np.uint8
    assert done.squares.shape == (3, 32, 32, 3) and len(done.restorations) == 3
    assert done._repr_html_().count("<img") == 2 and done._repr_html_().count("PSNR") == 3
    weight = weights(photograph, scale)
    around = put_back_faces(np.repeat(photograph, 4 - channels, 2)[..., :3], [], [], scale=scale)
    np.testing.assert_array_equal(done.image[weight == 0], around[weight == 0])
    assert (done.image != around)[weight > 0.9].mean() > 0.5
    # A face's result does not depend on the others.
    alone = restore_photo(tiny, photograph, recipe=RECIPE, faces=FACES[:1])
    np.testing.assert_allclose(alone.squares[0], done.squares[0], atol=1e-4)


@needs_detector
def test_portraits_turned_mirrored_small_and_large_are_found_and_put_back(tiny: Generator):
    photograph, _ = scene()
    done = restore_photo(tiny, photograph, recipe=RECIPE, faces="all")
    assert len(done.faces) == len(GROUP)
    before = steps(photograph)
    more = steps(done.image) - before
    size, somewhere = photograph.shape[1::-1], np.zeros(photograph.shape[:2])
    for face in done.faces:
        weight = outline(square_of(face), size)[..., 0]
        somewhere = np.maximum(somewhere, weight)
        assert (done.image != photograph)[weight > 0.9].mean() > 0.5
        # No step stands out at the outline, whatever an untrained generator draws within it.
        rim = np.logical_and(binary_dilation(weight > 0, iterations=2), weight < 0.02)
        assert more[rim].max() < np.percentile(before[weight > 0], 90) / 2
    np.testing.assert_array_equal(done.image[somewhere == 0], photograph[somewhere == 0])


def test_a_gray_photograph_keeps_its_brightness():
    gray = ground(200, 100)[..., :1]
    photograph = np.repeat(gray, 3, axis=2)
    random = np.random.default_rng(0)
    images = random.uniform(-1, 1, (3, 1, 1, 3)).astype(np.float32) * np.ones((1, 32, 32, 1))
    result = put_back_faces(photograph, FACES, images, Grayscale())
    assert np.abs(luminance(result.astype(np.float32)) - gray).max() <= 1
    assert np.ptp(result.astype(int), axis=2)[weights(photograph) > 0.9].mean() > 10


def test_of_a_photograph_with_holes_these_alone_change():
    photograph = ground(200, 100)
    missing = np.zeros((100, 200), bool)
    missing[45:55] = True
    picture = MaskPicture("scratch.png", missing)
    mask = Mask.from_array(np.eye(32), "mask:scratch.png", picture)
    spoilt = np.where(missing[..., None], 255, photograph).astype(np.uint8)
    portraits = portraits_of(spoilt, FACES, mask, SHAPE)
    # Each has holes of its own, so each is a batch.
    assert batches_of(portraits, 8) == [[0], [1], [2]]
    for _, observation, degradation, _ in portraits:
        known = np.broadcast_to(degradation.support, observation.shape) > 0
        assert 0.5 < known.mean() < 0.9 and observation[known].max() < 0.9
    images = np.zeros((3, *SHAPE), np.float32)
    result = put_back_faces(spoilt, FACES, images, mask)
    np.testing.assert_array_equal(result[~missing], spoilt[~missing])
    assert (result[48:52, 30:50] < 255).all() and (result[48:52, :10] == 255).all()
    with pytest.raises(ImageError, match="a mask of 200x100 pixels does not fit"):
        portraits_of(spoilt[:50], FACES[:1], mask, SHAPE)


WRONG = {
    "no face": ({"faces": []}, "none was found"),
    "tiny": ({"faces": [face_at(50, 50, 12)]}, "a face of 12 pixels is too small, 16 are needed"),
    "scale": ({"faces": FACES, "scale": 0}, "scale: 0"),
    "holes": ({"faces": FACES, "degradation": parse("mask:center:8", 32)}, "--faces none"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_settings_give_one_clear_line(tiny: Generator, name: str):
    settings, message = WRONG[name]
    with pytest.raises(SettingError, match=message):
        restore_photo(tiny, ground(200, 100), recipe=RECIPE, **settings)


def test_a_generator_says_whether_it_draws_aligned_faces():
    generator = untrained(DCGANConfig(5, (6, 4)))
    assert not draws_aligned_faces(generator)
    for text, expected in (("FFHQ (Flickr-Faces-HQ)", True), ("DigiFace-1M", False)):
        about = (("training_data", text),)
        named = Generator(
            generator.family, generator.config, generator.params, generator.graph, provenance=about
        )
        assert draws_aligned_faces(named) is expected


def test_why_faces_are_not_looked_for(tmp_path: Path):
    del tmp_path
    assert why_no_faces(Identity(), 32) is None and why_no_faces(Resize(8), 32) is None
    assert "mask:center:8" in str(why_no_faces(parse("mask:center:8", 32), 32))
    for side, fits in ((64, True), (48, False)):
        picture = MaskPicture("hole.png", np.eye(side, dtype=bool))
        mask = Mask.from_array(np.eye(32), "mask:hole.png", picture)
        assert (why_no_faces(mask, 32) is None) is not fits


def test_bytes_and_numbers_give_the_same(tiny: Generator):
    photograph = ground(200, 100)
    numbers = photograph.astype(np.float32) / np.float32(127.5) - 1
    bytes_of = restore_photo(tiny, photograph, recipe=RECIPE, faces=FACES[:1]).image
    done = restore_photo(tiny, numbers, recipe=RECIPE, faces=FACES[:1]).image
    assert done.dtype == np.float32
    assert np.abs(to_uint8(done).astype(int) - bytes_of).max() <= 1
