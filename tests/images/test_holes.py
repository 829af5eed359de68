"""Photographs with holes, reduced: what is painted into a hole does not reach what is known."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mgp_jax.degradations import Frame, compose, parse
from mgp_jax.errors import ImageError
from mgp_jax.images import MaskPicture, read_mask_picture, read_photograph, upright_size
from mgp_jax.images.masks import resampled
from mgp_jax.images.photographs import filled, resized

SIDE = 320


def textured() -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    planes = [np.sin(9 * x + 4 * y), np.cos(7 * y - 5 * x), np.sin(12 * x * y)]
    return np.clip(128 + 90 * np.stack(planes, -1), 0, 255).astype(np.uint8)


def scratches(width: int) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return ((x + 2 * y) % 97 < width) | ((3 * x - y) % 131 < width)


@pytest.mark.parametrize("method", [*Image.Resampling][1:])
@pytest.mark.parametrize("width", [2, 12])
def test_no_outline_around_scratches(method: Image.Resampling, width: int):
    """By every filter and factor; naively tens of pixels are off by more than 10 levels."""
    missing = scratches(width)
    for size in (32, 80, 200):
        clean = resized(textured().astype(np.float32), size, method)
        spoilt = np.where(missing[..., None], 255, textured()).astype(np.float32)
        known = ~resampled(missing, size)
        error = np.abs(resized(filled(spoilt, missing), size, method) - clean)[known]
        assert error.max() < 8 and known.any(), (size, error.max())
        dark = np.where(missing[..., None], 0, textured()).astype(np.float32)
        same = resized(filled(dark, missing), size, method)
        np.testing.assert_array_equal(same, resized(filled(spoilt, missing), size, method))


def test_photographs_are_read_so(tmp_path: Path):
    missing = scratches(6)
    wide = np.pad(missing, [(0, 0), (50, 30)])
    picture = np.pad(textured(), [(0, 0), (50, 30), (0, 0)], mode="edge")
    Image.fromarray(picture).save(tmp_path / "clean.png")
    Image.fromarray(np.where(wide[..., None], 255, picture).astype(np.uint8)).save(
        tmp_path / "spoilt.png"
    )
    Image.fromarray(wide).save(tmp_path / "mask.png")
    mask = read_mask_picture(tmp_path / "mask.png")
    known = mask.known(40)[..., 0] == 1
    clean = read_photograph(tmp_path / "clean.png", 40).image
    spoilt = read_photograph(tmp_path / "spoilt.png", 40, mask=mask).image
    assert np.abs(spoilt - clean)[known].max() < 10 / 127.5
    assert np.abs(read_photograph(tmp_path / "spoilt.png", 40).image - clean)[known].max() > 0.15
    # A frame sees the same known pixels.
    degradation = parse(f"mask:{tmp_path / 'mask.png'}", 40)
    framed = compose(Frame(0.8), degradation)
    np.testing.assert_array_equal(framed.support[..., 0] == 1, known)
    other = MaskPicture("other.png", np.zeros((300, 400), bool))
    with pytest.raises(ImageError, match="400x300 pixels does not fit, the photograph's 400x320"):
        read_photograph(tmp_path / "spoilt.png", 40, mask=other)


@pytest.mark.parametrize("size", [1, 3, 7, 16, 32, 45, 100])
def test_any_missing_part_counts(size: int):
    missing = np.zeros((32, 32), bool)
    missing[5, 20] = True
    small = resampled(missing, size)
    rows, columns = (np.arange(size) * 32 / size, (np.arange(size) + 1) * 32 / size)
    wanted = np.outer((rows < 6) & (columns > 5), (rows < 21) & (columns > 20))
    np.testing.assert_array_equal(small, wanted)


def test_sizes_are_those_of_the_upright_photograph(tmp_path: Path):
    exif = Image.Exif()
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
        wanted = (30, 20) if orientation < 5 else (20, 30)
        assert upright_size(tmp_path / "a.jpg") == wanted
