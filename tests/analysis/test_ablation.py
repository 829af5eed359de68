"""Ablations, segments and their match, removal, importances."""

from pathlib import Path

import jax
import numpy as np
import pytest
from networks import untrained
from PIL import Image

from mgp_jax.analysis import (
    FACE_PARTS,
    ablate,
    difference,
    face_segments,
    find_segments,
    importance_spread,
    match_segments,
    read_segments,
    remove,
    sparsity,
)
from mgp_jax.codes import Codes, init_codes, render
from mgp_jax.errors import ImageError, SettingError
from mgp_jax.generators import DCGANConfig, Split, StyleGAN2Config

CASES = {
    "dcgan": DCGANConfig(5, (6, 4)),
    "stylegan2": StyleGAN2Config(5, 4, (4,), (6, 6, 4, 4, 4)),
}
COUNT = 4
Case = tuple[Split, Codes]


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    generator = untrained(CASES[request.param], seed=3)
    split = generator.split(len(generator.stages) - 2)
    codes = init_codes(split, jax.random.key(0), COUNT)
    alpha = np.random.default_rng(0).uniform(0, 0.5, codes.alpha.shape).astype(np.float32)
    alpha[3] *= 0.01
    return split, codes._replace(alpha=alpha)


def test_an_ablation_zeroes_what_lies_above_the_threshold(case: Case):
    split, codes = case
    result = ablate(split, codes, threshold=0.2)
    np.testing.assert_array_equal(result.zeroed, np.sum(codes.alpha > 0.2, axis=1))
    assert result.zeroed[3] == 0 and result.differences[3].max() == 0
    whole = render(split, codes)
    for number in range(COUNT):
        alpha = np.array(codes.alpha)
        alpha[number][alpha[number] > 0.2] = 0
        expected = render(split, codes._replace(alpha=alpha))
        np.testing.assert_allclose(result.images[number], expected, atol=1e-4)
        change = np.abs(np.clip(expected, -1, 1) - np.clip(whole, -1, 1)).mean(-1) / 2
        np.testing.assert_allclose(result.differences[number], change, atol=1e-4)
    again = ablate(split, codes, threshold=0.2)
    np.testing.assert_array_equal(again.differences, result.differences)
    tenth = ablate(split, codes)
    assert abs(np.sum(tenth.zeroed) - 0.1 * codes.alpha.size) <= 1


# Eyes, nose and corners of the mouth of an upright face, in pixels of an image of 256.
POINTS = np.array([(98, 120), (158, 122), (129, 155), (104, 184), (154, 186)], float)


def parts_at(segments: np.ndarray, places: np.ndarray) -> list[str]:
    columns, rows = np.rint(places).astype(int).T
    return [FACE_PARTS[number] for number in segments[rows, columns]]


@pytest.mark.parametrize(("turn", "scale"), [(0, 1), (25, 0.8), (-40, 0.7)])
def test_parts_of_a_face_turn_and_grow_with_it(turn: float, scale: float):
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))

    def placed(places) -> np.ndarray:
        return scale * (np.asarray(places) - 128) @ np.array([(cos, sin), (-sin, cos)]) + 128

    segments = face_segments(placed(POINTS), 256)
    seen = ["eyes", "eyes", "nose", "mouth", "mouth"]
    assert parts_at(segments, placed(POINTS)) == seen
    others = {(85, 160): "skin", (129, 213): "skin", (128, 60): "hair", (128, 238): "background"}
    assert parts_at(segments, placed(list(others))) == list(others.values())
    sizes = np.bincount(segments.ravel(), minlength=len(FACE_PARTS))
    upright = np.bincount(face_segments(POINTS, 256).ravel(), minlength=len(FACE_PARTS))
    np.testing.assert_allclose(sizes[2:], scale**2 * upright[2:], rtol=0.03)
    assert FACE_PARTS[np.argmax(sizes)] == "background"


def test_eyes_at_one_place_are_no_face():
    with pytest.raises(SettingError, match="the eyes are at the same place"):
        face_segments(np.full((5, 2), 3.0), 16)


def test_segments_are_found_and_reproduce(case: Case):
    split, codes = case
    found = find_segments(split, codes, count=3, seed=5)
    assert found.shape == (16, 16) and set(np.unique(found)) <= {0, 1, 2}
    sizes = np.bincount(found.ravel(), minlength=3)
    assert sizes[0] >= sizes[1] >= sizes[2] and sizes[1] > 0
    again = find_segments(split, codes, count=3, seed=5)
    np.testing.assert_array_equal(again, found)
    with pytest.raises(SettingError, match="segments: 1"):
        find_segments(split, codes, count=1)


def test_codes_are_matched_to_the_segment_that_they_change():
    segments = np.zeros((10, 10), int)
    segments[:2], segments[2:5], segments[9, 9] = 7, 8, -1
    differences = np.zeros((4, 10, 10))
    differences[0, :2] = 0.3  # Exactly the first segment.
    differences[1, 5:7] = 0.1  # A part of the rest.
    differences[2] = np.linspace(1, 0, 100).reshape(10, 10)
    matches = match_segments(differences, segments, area=0.2)
    np.testing.assert_array_equal(matches.labels, [0, 7, 8])
    np.testing.assert_array_equal(matches.best, [1, 0, 1, -1])
    np.testing.assert_allclose(matches.iou[0], [0, 1, 0])
    np.testing.assert_allclose(matches.iou[1], [20 / 49, 0, 0])
    assert np.isnan(matches.iou[3]).all()
    # Drawn at random, the pixels meet the segments as expected.
    random = np.random.default_rng(0).uniform(size=(2000, 10, 10))
    measured = match_segments(random, segments, area=0.2).iou.mean(0)
    np.testing.assert_allclose(measured, matches.chance, atol=0.01)
    for wrong, message in (
        (np.zeros((9, 9), int), "the image is"),
        (np.full((10, 10), -1), "there are none"),
    ):
        with pytest.raises(SettingError, match=message):
            match_segments(differences, wrong)


def test_segmentations_are_read(tmp_path: Path):
    labels = np.zeros((32, 32), np.uint8)
    labels[:16], labels[:, 24:] = 100, 200
    Image.fromarray(labels).save(tmp_path / "levels.png")
    Image.fromarray(np.where(labels > 50, 255, 0).astype(np.uint8)).save(tmp_path / "mask.png")
    read = read_segments(tmp_path / "levels.png", 16)
    expected = np.searchsorted([0, 100, 200], labels[::2, ::2])
    np.testing.assert_array_equal(read, expected)
    np.testing.assert_array_equal(read_segments(tmp_path / "mask.png", 16), expected > 0)
    Image.fromarray(labels * 0).save(tmp_path / "flat.png")
    Image.fromarray(labels[:20]).save(tmp_path / "wide.png")
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "photograph.png")
    for name in ("flat.png", "wide.png", "photograph.png", "none.png"):
        with pytest.raises(ImageError, match=name):
            read_segments(tmp_path / name, 16)


def test_codes_are_removed_inside_a_region(case: Case):
    split, codes = case
    whole = np.asarray(render(split, codes))
    region = np.zeros((16, 16), bool)
    region[:6, :6] = True
    result = remove(split, codes, region, count=2)
    assert result.codes == list(np.argsort(-result.effects)[:2])
    change = difference(result.image, whole)
    assert change[region].mean() > 5 * change[10:, 10:].mean() and change[region].mean() > 1e-3
    same = remove(split, codes, region, chosen=result.codes)
    np.testing.assert_array_equal(same.image, result.image)
    # Everywhere, it is as if those codes had no importance but the map its strength.
    everywhere = np.ones((16, 16), bool)
    alone = remove(split, codes, everywhere, chosen=[1, 2, 3]).image
    strong = np.where(np.arange(COUNT)[:, None] == 0, codes.alpha, 0)
    weak = np.asarray(render(split, codes._replace(alpha=strong.astype(np.float32))))
    assert difference(alone, whole).mean() > 1e-3 and difference(alone, weak).mean() > 1e-4
    for wrong, message in (
        ({"region": np.zeros((16, 16), bool)}, "region"),
        ({"region": np.ones((8, 8), bool)}, "region"),
        ({"chosen": [4]}, "codes 0 to 3"),
        ({"count": 4}, "codes 0 to 3"),
    ):
        with pytest.raises(SettingError, match=message):
            remove(split, codes, **({"region": region} | wrong))  # type: ignore[arg-type]


def test_sparsity_is_between_even_and_alone():
    one, even = np.eye(1, 9), np.ones((1, 9))
    np.testing.assert_allclose(sparsity(np.vstack([one, -even, 3 * even])), [1, 0, 0], atol=1e-12)
    values = np.abs(np.random.default_rng(0).normal(size=(1, 9)))
    assert 0 < sparsity(values)[0] < sparsity(values**3)[0] < 1
    np.testing.assert_allclose(sparsity(5 * values), sparsity(-values))
    assert np.isnan(sparsity(np.zeros((1, 9)))).all() and np.isnan(sparsity(np.ones((2, 1)))).all()
    alpha = np.zeros((2, 5), np.float32)
    alpha[0, 3], alpha[1] = -1, 0.5
    spread = importance_spread(Codes(np.zeros((2, 3)), alpha))
    np.testing.assert_allclose(spread.codes, [1, 0], atol=1e-12)
    np.testing.assert_array_equal(spread.importances, alpha)
    assert spread.negative == 0.1 and spread.channels.shape == (5,)
