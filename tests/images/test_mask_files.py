"""Masks of files: what is missing, and which are refused."""

import numpy as np
from pictures import refusal, save
from PIL import Image

from mgp_jax.images import read_mask


def test_reads_masks(tmp_path):
    picture = np.zeros((16, 16), np.uint8)
    picture[3:9, 5:7] = 255
    known = read_mask(save(tmp_path / "a.png", picture), 16)
    assert known.shape == (16, 16, 1) and known.dtype == np.float32
    np.testing.assert_array_equal(known[..., 0], picture == 0)
    variants = {
        "bits.png": Image.fromarray(picture).convert("1"),
        "rgb.png": Image.fromarray(picture).convert("RGB"),
        "palette.png": Image.fromarray(picture).convert("P"),
        "compressed.jpg": Image.fromarray(picture),
        "large.png": Image.fromarray(picture.repeat(5, 0).repeat(5, 1)),
        "dark.png": Image.fromarray(np.where(picture > 0, 240, 20).astype(np.uint8)),
    }
    for name, variant in variants.items():
        options = {"quality": 95} if name.endswith("jpg") else {}
        np.testing.assert_array_equal(
            read_mask(save(tmp_path / name, variant, **options), 16), known
        )
    # Strokes on a transparent ground.
    alpha = np.dstack([0 * picture, 0 * picture, 0 * picture, picture])
    np.testing.assert_array_equal(read_mask(save(tmp_path / "alpha.png", alpha), 16), known)


def test_reduced_masks_lose_no_missing_part(tmp_path):
    picture = np.zeros((32, 32), np.uint8)
    picture[5, 8:12] = 255
    known = read_mask(save(tmp_path / "scratch.png", picture), 8)
    np.testing.assert_array_equal(np.argwhere(known[..., 0] == 0), [(1, 2)])


def test_refuses_masks(tmp_path):
    hole = np.zeros((16, 16), np.uint8)
    hole[:4] = 255
    ramp = np.linspace(0, 255, 256).reshape(16, 16).astype(np.uint8)
    red = np.zeros((16, 16, 3), np.uint8)
    red[:4, :, 0] = 255
    for array, problem in (
        (np.full((16, 16), 255, np.uint8), "all white"),
        (np.zeros((16, 16), np.uint8), "all black"),
        (ramp, "gray"),
        (red, "coloured"),
    ):
        assert problem in refusal(read_mask, save(tmp_path / "a.png", array), 16)
    checks = np.indices((32, 32)).sum(0) % 2 * np.uint8(255)
    assert "all white" in refusal(read_mask, save(tmp_path / "a.png", checks.astype(np.uint8)), 16)
    assert "no such file" in refusal(read_mask, tmp_path / "missing.png", 16)
