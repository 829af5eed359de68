"""What becomes of residuals of edited codes."""

import sys

import jax
import numpy as np
import pytest
from networks import untrained
from scipy import ndimage

from mgp_jax.codes import fuse, init_codes, render_all
from mgp_jax.editing import Direction, composed, edit, render_faded
from mgp_jax.editing.residuals import CARRIES, default_carry, displacement, moved
from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig, StyleGANConfig

SIZE = 128
SHIFTS = {"right": (0, 6), "up": (-5, 0), "left and down": (4, -7)}


def blobs(seed: int, channels: int, width: float) -> np.ndarray:
    """Returns smooth noise in [-1, 1], float[SIZE, SIZE, channels]."""
    noise = np.random.default_rng(seed).normal(size=(SIZE, SIZE, channels))
    smooth = ndimage.gaussian_filter(noise, (width, width, 0), mode="wrap")
    return (smooth / np.abs(smooth).max()).astype(np.float32)


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS)
def test_what_has_moved_is_found_and_moved(shift: tuple[int, int]):
    pytest.importorskip("cv2")
    before = blobs(0, 3, 4)
    flow = displacement(before, np.roll(before, shift, (0, 1)))
    inner = flow[48:-48, 48:-48].mean((0, 1)) * SIZE
    np.testing.assert_allclose(inner, (-shift[1], -shift[0]), atol=0.5)
    maps = blobs(1, 5, 6)
    found = moved(maps, flow)
    expected = np.roll(maps, shift, (0, 1))
    assert found.shape == maps.shape and found.dtype == np.float32
    there = slice(24, -24)
    error = np.abs(found - expected)[there, there].mean()
    assert error < 0.2 * np.abs(maps - expected)[there, there].mean()


def test_nothing_moves_by_a_flow_of_nothing():
    maps = blobs(1, 5, 6)
    np.testing.assert_array_equal(moved(maps, np.zeros((64, 64, 2), np.float32)), maps)


def test_a_flow_is_in_parts_of_the_sides():
    maps = np.arange(8 * 4, dtype=np.float32).reshape(8, 4, 1)
    flow = np.zeros((16, 16, 2), np.float32)
    flow[..., 0] = 0.25
    np.testing.assert_allclose(moved(maps, flow)[:, :3], maps[:, 1:], atol=1e-5)
    flow[..., 0], flow[..., 1] = 0, 0.25
    np.testing.assert_allclose(moved(maps, flow)[:6], maps[2:], atol=1e-5)


@pytest.mark.parametrize("name", CARRIES)
def test_an_edit_of_nothing_leaves_the_residual(name: str):
    if name == "warp":
        pytest.importorskip("cv2")
    config = StyleGANConfig(8, 8, (8, 8), (8, 8, 8, 8))
    split = untrained(config, seed=3).split(4, "w")
    codes = init_codes(split, jax.random.key(0), 3)
    residual = jax.tree.map(lambda x: np.ones_like(x), fuse(split, codes))
    codes = codes._replace(residual=residual)
    direction = Direction(np.eye(8, dtype=np.float32)[0], "w", "d")
    same = CARRIES[name](split, codes)(edit(split, codes, direction, 0.0))
    jax.tree.map(np.testing.assert_array_equal, same.residual, residual)
    changed = CARRIES[name](split, codes)(edit(split, codes, direction, 3.0))
    pairs = zip(*map(jax.tree.leaves, (changed.residual, residual)), strict=True)
    assert any(np.any(a != b) for a, b in pairs) is (name != "keep")


def test_what_fades_is_rendered_at_once():
    split = untrained(DCGANConfig(8, (8, 4)), seed=3).split(1)
    codes = init_codes(split, jax.random.key(0), 3)
    bare = edit(split, codes, Direction(np.eye(8, dtype=np.float32)[0], "z", "d"), 3.0)
    residual = jax.tree.map(lambda x: np.ones_like(x), fuse(split, codes))
    for part in (None, residual):
        before, edited = (each._replace(residual=part) for each in (codes, bare))
        expected = render_all(split, [CARRIES["fade"](split, before)(edited)])[0]
        image = render_faded(split, composed(split, before), edited)
        np.testing.assert_allclose(image, expected, atol=1e-5)


def test_without_opencv_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.setattr("mgp_jax.editing.residuals.find_spec", lambda name: None)
    assert default_carry() == "fade"
    with pytest.raises(SettingError, match=r"residual warp: OpenCV is missing.*mgp_jax\[faces\]"):
        displacement(blobs(0, 3, 4), blobs(1, 3, 4))
