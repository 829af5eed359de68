"""Frames: the image of a generator within a photograph."""

import re

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from operators import SHAPE, images
from scipy.ndimage import rotate

from mgp_jax.degradations import Frame, adjoint
from mgp_jax.errors import SettingError


def test_a_frame_holds_the_image_reduced():
    image = np.zeros((32, 64, 3), np.float32)
    image[:, :32] = 1
    frame = Frame(0.5, 0.25, 0.5)
    framed, inside = np.asarray(frame(image)), np.asarray(frame.inside(32, 64))
    assert framed.shape == image.shape and inside.shape == (32, 64, 1)
    # It is half as wide, so that the image's middle is at a quarter of the photograph.
    np.testing.assert_allclose(framed[16, [2, 13]], 1, atol=1e-6)
    np.testing.assert_allclose(framed[16, [19, 28, 40]], 0, atol=1e-6)
    assert not framed[:8].any() and not framed[-8:].any() and not framed[:, 32:].any()
    # The photograph's left border is the frame's own, and no edge.
    np.testing.assert_array_equal(inside[16, :28, 0], 1)
    np.testing.assert_array_equal(inside[16, 32:, 0], 0)


def test_a_frame_as_large_as_the_photograph_changes_nothing():
    image = images(1)[0]
    np.testing.assert_allclose(Frame(1)(image), image, atol=1e-5)


@given(st.floats(0.1, 1), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_frames_keep_brightness_and_have_an_adjoint(size: float, x: float, y: float):
    x, y = (size / 2 + place * (1 - size) for place in (x, y))
    frame = Frame(size, min(x, 1 - size / 2), min(y, 1 - size / 2))
    inside = frame.inside(*SHAPE[:2])
    np.testing.assert_allclose(frame(jnp.ones(SHAPE)), jnp.broadcast_to(inside, SHAPE), atol=1e-5)
    a, b = images(2)
    left, right = np.vdot(frame(a), b), np.vdot(a, adjoint(frame, jnp.asarray(b), SHAPE))
    np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0", "frame: the size must be above 0 and at most 1, not 0"),
        ("1.2", "frame: the size must be above 0 and at most 1, not 1.2"),
        ("nan", "frame: the size must be above 0"),
        ("0.9,0.5", "frame 0.9,0.5: neither SIZE like 0.9 nor SIZE,X,Y like 0.9,0.5,0.5"),
        ("large", "frame large: neither"),
        ("0.5,0.2,0.5", "frame: with the size 0.5 and the centre x = 0.2 it would not lie within"),
        ("0.5,0.5,nan", "the centre y = nan it would not lie within"),
    ],
)
def test_frames_that_do_not_fit(text: str, message: str):
    with pytest.raises(SettingError, match=re.escape(message)):
        Frame.parse(text)


def test_frames_as_text():
    assert Frame.parse("0.9") == Frame(0.9, 0.5, 0.5)
    assert str(Frame.parse("0.82,0.5,0.48")) == "frame:0.82,0.5,0.48"


@pytest.mark.parametrize("turn", [0, 90, -30])
def test_a_frame_turns_its_image(turn: float):
    image = np.asarray(images(1)[0])
    image = image[: min(image.shape[:2]), : min(image.shape[:2])]
    frame = Frame(0.6, 0.4, 0.5, turn)
    expected = rotate(image, -turn, reshape=False, order=1, mode="nearest")
    inside = np.asarray(frame.inside(*image.shape[:2]))
    difference = np.abs(frame(image) - Frame(0.6, 0.4, 0.5)(expected))
    assert difference[inside[..., 0] == 1].max() < 2e-2
    assert inside.max() == 1 and inside.min() == 0
    if turn % 90 == 0:
        np.testing.assert_allclose(inside, Frame(0.6, 0.4, 0.5).inside(*image.shape[:2]), atol=1e-5)
    assert Frame.parse(f"0.6,0.4,0.5,{turn}") == frame
