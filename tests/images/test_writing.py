"""Images become bytes and files, complete or not at all."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import photograph, refusal
from PIL import Image

from mgp_jax.errors import ImageError
from mgp_jax.images import read_image, to_uint8, write_image


@given(st.lists(st.integers(0, 255), min_size=1))
def test_bytes_survive(values):
    array = np.array(values, np.uint8)
    np.testing.assert_array_equal(to_uint8(array.astype(np.float32) / np.float32(127.5) - 1), array)
    np.testing.assert_array_equal(to_uint8(array), array)


def test_to_uint8_clips_and_rounds():
    np.testing.assert_array_equal(to_uint8([-9, -1, 0, 0.003, 1, 9]), [0, 0, 128, 128, 255, 255])
    for value in (np.nan, np.inf):
        with pytest.raises(ImageError, match="not finite"):
            to_uint8(np.array([value]))


def test_write_image(tmp_path):
    path = tmp_path / "a.png"
    for array in (photograph(), photograph()[..., 0], photograph()[..., :1]):
        write_image(path, array.astype(np.float32) / 127.5 - 1)
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            np.testing.assert_array_equal(np.asarray(picture), np.squeeze(array))
    # What the first bytes of the compressed stream say of its level: quick, not small.
    assert b"IDAT\x78\x01" in path.read_bytes()
    assert os.listdir(tmp_path) == ["a.png"]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()
    long = tmp_path / ("x" * 251 + ".png")
    write_image(long, photograph())
    assert long.exists()


def test_webp_files(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    sizes = {}
    for quality in (100, 95, 50):
        path = tmp_path / f"{quality}.WebP"
        write_image(path, array, quality)
        with Image.open(path) as picture:
            assert picture.format == "WEBP"
            read = np.asarray(picture.convert("RGB")).astype(int)
        sizes[quality] = path.stat().st_size
        worst = np.abs(read - array).max()
        assert worst == 0 if quality == 100 else worst > 0
    assert sizes[50] < sizes[95] < sizes[100]
    # Gray ones hold three channels.
    write_image(tmp_path / "gray.webp", array[..., 0])
    gray = read_image(tmp_path / "gray.webp", 48)
    assert np.ptp(gray, axis=-1).max() == 0


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_write_image_refuses(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    write_image(path, photograph())
    for array, problem in (
        (np.full((8, 8, 3), np.nan), "not finite"),
        (np.zeros((8, 8, 2)), "not an image"),
        (np.zeros((1, 8, 8, 3)), "not an image"),
        (np.zeros((0, 8, 3)), "not an image"),
    ):
        assert problem in refusal(write_image, path, array)
    assert "cannot be written" in refusal(write_image, tmp_path / "no" / "a.png", photograph())

    def interrupted(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", interrupted)
    assert "No space left" in refusal(write_image, path, 255 - photograph())
    np.testing.assert_array_equal(to_uint8(read_image(path)), photograph())
    assert os.listdir(tmp_path) == ["a.png"]
