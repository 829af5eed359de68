"""What is put back: agreement with the observation, and what it does to a rendering."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mgp_jax.agreement import (
    agree_smoothly,
    blend_in,
    colours_of,
    keep_luminance,
    put_back,
    soften,
)
from mgp_jax.degradations import Degradation, parse

# Jitted, because op by op the projections would take seconds to compile.
apply = jax.jit(lambda degradation, image: degradation(image))
agree = jax.jit(put_back)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.3, 1.3, (32, 32, 3)).astype(np.float32)


def disagreement(degradation: Degradation, image: Any, observation: np.ndarray) -> float:
    wanted = np.asarray(degradation.prepare(observation))
    return float(np.abs(np.asarray(apply(degradation, image)) - wanted).max())


# How far a result, degraded again, may be from its observation, both in [-1, 1] (a level of an
# 8-bit file is 0.008): for a rendering that resembles the truth, and for one that is pure noise,
# where the projections would need many more turns to find an image without overshoots.
TOLERANCES = {
    "gray": (1e-5, 1e-5),
    "down:4": (0.004, 0.1),
    "down:4:bicubic": (0.004, 0.1),
    "down:2:bicubic-antialias": (0.004, 0.1),
    "mask:center:16": (0.0, 0.0),
    "mask:random:0.8": (0.0, 0.0),
    "impulse:0.2": (0.0, 0.0),
    "blur:gaussian:1.5": (0.008, 0.1),
    "gray|down:2": (0.004, 0.1),
    "gray|mask:center:8": (0.004, 0.1),
    "cs:0.1": (0.001, 0.01),
}


@pytest.mark.parametrize("spec", TOLERANCES)
def test_the_result_agrees_with_the_observation(spec: str, photographs: np.ndarray):
    degradation = parse(spec, 32)
    likely, unlikely = TOLERANCES[spec]
    for truth, other in zip(photographs, photographs[[1, 2, 0]], strict=True):
        observation = np.asarray(apply(degradation, truth))
        for rendering, tolerance in ((0.8 * truth + 0.2 * other, likely), (noise(), unlikely)):
            result = agree(degradation, rendering, observation)
            assert result.shape == truth.shape and np.abs(result).max() <= 1 + 1e-6
            assert disagreement(degradation, result, observation) <= tolerance
            assert disagreement(degradation, np.clip(rendering, -1, 1), observation) > 0.1
        # Nothing is taken away from the truth, but for the finest colours.
        kept = 2e-4 if spec == "gray" else 1e-4
        np.testing.assert_allclose(agree(degradation, truth, observation), truth, atol=kept)


@pytest.mark.parametrize("spec", ["identity", "noise:0.05", "jpeg:30", "gray|down:2|noise:0.1"])
def test_nothing_is_put_back_where_nothing_is_certain(spec: str, photographs: np.ndarray):
    degradation = parse(spec, 32)
    observation = np.asarray(apply(degradation, photographs[0]))
    np.testing.assert_array_equal(agree(degradation, noise(), observation), np.clip(noise(), -1, 1))


def test_holes_hold_the_rendering(photographs: np.ndarray):
    mask = parse("mask:random:0.5", 32)
    observation = np.where(mask.support > 0, photographs[0], np.float32(7))
    result = np.asarray(agree(mask, photographs[1], observation))
    expected = np.where(mask.support > 0, photographs[0], photographs[1])
    np.testing.assert_array_equal(result, expected)


def test_blending_leaves_no_seam(photographs: np.ndarray):
    """A rendering that is off by a constant inside of a hole is shifted back to the truth."""
    mask = parse("mask:center:12", 32)
    truth = photographs[:2]
    observed = np.stack([np.asarray(apply(mask, image)) for image in truth])
    blended = np.asarray(blend_in(mask, truth + 0.3, observed))
    np.testing.assert_allclose(blended, truth, atol=1e-3)
    # A difference that varies along the rim is spread harmonically: no more than at the rim.
    ramp = 0.2 * np.linspace(-1, 1, 32, dtype=np.float32)[None, :, None, None]
    tilted = np.asarray(blend_in(mask, truth + ramp, observed)) - truth
    assert np.abs(tilted).max() < 1e-3
    known = np.broadcast_to(np.asarray(mask.support) > 0, truth.shape)
    np.testing.assert_allclose(blended[known], truth[known], atol=1e-4)


def test_colours_follow_the_luminance(photographs: np.ndarray):
    image = 0.5 * photographs[0]
    gray = np.asarray(apply(parse("gray", 32), image))
    kept = np.asarray(keep_luminance(image, gray))
    np.testing.assert_allclose(kept, image, atol=1e-5)
    # A gray rendering stays gray, and black and white have no colour.
    flat = np.asarray(keep_luminance(np.zeros_like(image), gray))
    np.testing.assert_allclose(flat, np.repeat(gray, 3, 2), atol=1e-6)
    for end in (-1, 1):
        ends = np.asarray(keep_luminance(image, np.full_like(gray, end)))
        np.testing.assert_allclose(ends, end, atol=1e-6)
    # Brighter or darker, the order of the channels stays: the hue.
    for shift in (-0.3, 0.3):
        moved = np.asarray(keep_luminance(image, gray + shift))
        chroma, before = (x - x.mean(2, keepdims=True) for x in (moved, image))
        clear = np.abs(before) > 0.05
        assert (np.sign(chroma) == np.sign(before))[clear].mean() > 0.97


@pytest.mark.parametrize("saturation", [0.5, 1.0, 1.2])
def test_gray_takes_smooth_colours_of_a_saturation(saturation: float):
    gray = np.asarray(parse("gray", 256)(np.full((256, 256, 3), -0.2, np.float32)))
    gray = gray + np.linspace(-0.1, 0.1, 256, dtype=np.float32)[:, None, None]
    column = np.sign(np.sin(np.arange(256) * np.pi / 32 + 0.1))[None, :, None]
    wide = np.array([0.1, -0.05, 0.0], np.float32) * column
    signs = np.random.default_rng(0).choice([-1, 1], (256, 256, 1))
    fine = np.array([0, 0, 0.2], np.float32) * signs
    degradation = parse("gray", 256)
    plain, noisy = (
        np.asarray(put_back(degradation, gray + x, gray, saturation), np.float32)
        for x in (wide, wide + fine)
    )
    np.testing.assert_allclose(degradation(noisy), gray, atol=1e-5)
    # In the middle of a stripe its colour stays, times the saturation.
    expected = saturation * np.asarray(colours_of(jnp.asarray(gray + wide)))[:, 16::32]
    np.testing.assert_allclose(np.asarray(colours_of(plain))[:, 16::32], expected, atol=2e-3)
    # Of what changes from pixel to pixel little is left.
    alone = np.asarray(put_back(degradation, gray + fine, gray, saturation)) - gray
    before = saturation * (fine - fine @ np.array([[0.299], [0.587], [0.114]]))
    assert alone.std() < 0.2 * before.std()


def grid_of(image: np.ndarray, size: int) -> float:
    """How much larger the steps across a grid's lines are than those within its squares."""
    steps = np.abs(np.diff(image, axis=0)).mean((1, 2))
    on_lines = np.arange(1, len(image)) % size == 0
    return steps[on_lines].mean() / steps[~on_lines].mean()


def test_the_grid_of_a_small_observation_does_not_show(photographs: np.ndarray):
    degradation, image = parse("down:8", 32), photographs[0]
    seen = np.asarray(apply(degradation, image))
    flat = np.zeros_like(image)
    near = np.asarray(jax.jit(agree_smoothly)(degradation, flat, seen))
    assert disagreement(degradation, near, seen) < 0.3 * np.abs(seen).max()
    assert grid_of(np.asarray(agree(degradation, flat, seen)), 8) < 1.6
    blocks = np.repeat(np.repeat(seen, 8, 0), 8, 1)
    assert grid_of(blocks + 1e-3 * noise(), 8) > 20


@pytest.mark.parametrize("spec", ["gray", "mask:center:16", "blur:gaussian:1.5", "gray|down:4"])
def test_only_smaller_images_are_met_by_smooth_changes(spec: str, photographs: np.ndarray):
    degradation, image = parse(spec, 32), photographs[0]
    seen = apply(degradation, photographs[1])
    np.testing.assert_array_equal(agree_smoothly(degradation, image, seen), image)
    np.testing.assert_array_equal(soften(image[None], seen[None], 0.5)[0], image)


def test_less_detail_lies_between_the_enlargement_and_the_rendering(photographs: np.ndarray):
    seen = np.asarray(apply(parse("down:4", 32), photographs[0]))[None]
    images = photographs[:1] + 0.1 * noise()
    enlarged = np.asarray(jax.image.resize(seen, images.shape, "cubic"))
    np.testing.assert_allclose(soften(images, seen, 0.0), enlarged, atol=1e-6)
    np.testing.assert_allclose(soften(images, seen, 1.0), images, atol=1e-6)
    between = 0.25 * images + 0.75 * enlarged
    np.testing.assert_allclose(soften(images, seen, 0.25), between, atol=1e-6)
