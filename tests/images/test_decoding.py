"""Odd image files, made here with Pillow: each gives the right pixels."""

import struct

import numpy as np
import pytest
from pictures import levels, photograph, refusal, save
from PIL import Image

from mgp_jax.images import read_image, to_uint8
from mgp_jax.images.decoding import to_rgb


def test_reads_rgb_exactly(tmp_path):
    image = read_image(save(tmp_path / "a.png", photograph()))
    assert image.dtype == np.float32 and image.shape == (18, 24, 3)
    np.testing.assert_allclose(levels(image), photograph(), atol=1e-4)
    assert image.min() >= -1 and image.max() <= 1


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("a.jpg", {"quality": 95, "subsampling": 0}, 4),
        ("a.webp", {"lossless": True}, 0.01),
        ("a.bmp", {}, 0.01),
        ("a.tif", {"compression": "tiff_lzw"}, 0.01),
        ("a.ppm", {}, 0.01),
        ("a.jp2", {}, 0.01),
        ("a.png.wrong-suffix", {"format": "PNG"}, 0.01),
    ],
)
def test_reads_formats(tmp_path, name, options, error):
    image = read_image(save(tmp_path / name, photograph(), **options))
    np.testing.assert_allclose(levels(image), photograph(), atol=error)


def test_crops_and_resizes_like_pillow(tmp_path):
    path = save(tmp_path / "a.png", photograph(40, 24))
    square = Image.fromarray(photograph(40, 24)[:, 8:32])
    expected = np.asarray(square.resize((16, 16), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(to_uint8(read_image(path, 16)), expected)
    assert read_image(path, 64).shape == (64, 64, 3)
    tall = save(tmp_path / "b.png", photograph(40, 24).swapaxes(0, 1).copy())
    turned = to_uint8(read_image(tall, 16).swapaxes(0, 1)).astype(int)
    assert np.abs(turned - expected).max() <= 1  # Pillow rounds between the two directions.


GRAY16 = np.linspace(0, 65535, 24 * 18).reshape(18, 24).astype(np.uint16)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("a.png", GRAY16),
        ("a.tif", GRAY16),
        ("a.pgm", GRAY16),
        ("wide.tif", GRAY16.astype(np.int32)),
        ("float.tif", (GRAY16 / 65535).astype(np.float32)),
    ],
)
def test_keeps_deep_gray(tmp_path, name, array):
    path = save(tmp_path / name, array)
    image = read_image(path)
    np.testing.assert_allclose(image, np.stack([GRAY16 / 32767.5 - 1] * 3, -1), atol=2e-5)
    small = read_image(path, 9)
    assert small.shape == (9, 9, 3) and np.abs(small).max() <= 1
    # Resized without falling to 256 levels.
    assert np.abs(levels(small) - np.rint(levels(small))).mean() > 0.1


def test_keeps_deep_colours(tmp_path):
    levels16 = np.stack([GRAY16, GRAY16[::-1], GRAY16[:, ::-1]], -1)
    for order in "<>":
        path = tmp_path / "a.tif"
        path.write_bytes(deep_tiff(levels16, order))
        np.testing.assert_allclose(read_image(path), levels16 / 32767.5 - 1, atol=2e-5)


def deep_tiff(array, order):
    """An uncompressed TIFF of 16-bit colours, which Pillow does not write."""
    height, width, _ = array.shape
    data = array.astype(f"{order}u2").tobytes()
    count, start = 9, 8 + 2 + 9 * 12 + 4
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, start), (259, 3, 1, 1)]
    tags += [(262, 3, 1, 2), (273, 4, 1, start + 6), (277, 3, 1, 3), (278, 3, 1, height)]
    tags += [(279, 4, 1, len(data))]
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    head += struct.pack(f"{order}H", count)
    for tag, kind, number, value in tags:
        short = kind == 3 and number == 1
        packed = struct.pack(f"{order}HH", value, 0) if short else struct.pack(f"{order}I", value)
        head += struct.pack(f"{order}HHI", tag, kind, number) + packed
    return head + bytes(4) + struct.pack(f"{order}3H", 16, 16, 16) + data


def test_refuses_unknown_levels(tmp_path):
    deep = save(tmp_path / "a.tif", np.full((9, 9), 100_000, np.int32))
    assert "no known range" in refusal(read_image, deep)
    for value in (300.0, -1.0, np.nan):
        bright = save(tmp_path / "b.tif", np.full((9, 9), value, np.float32))
        assert "not within [0, 1]" in refusal(read_image, bright)


def test_reads_palettes_and_bits(tmp_path):
    few = (photograph() // 128) * 255
    palette = Image.fromarray(few).quantize(8)
    exact = np.asarray(palette.convert("RGB"))
    np.testing.assert_array_equal(to_uint8(read_image(save(tmp_path / "p.png", palette))), exact)
    np.testing.assert_array_equal(to_uint8(read_image(save(tmp_path / "p.gif", palette))), exact)
    bits = Image.fromarray(few[..., 0]).convert("1")
    one_bit = read_image(save(tmp_path / "b.png", bits))
    np.testing.assert_array_equal(
        one_bit, np.where(np.asarray(bits), 1, -1)[..., None].repeat(3, 2)
    )
    gray = read_image(save(tmp_path / "l.png", few[..., 0]))
    np.testing.assert_array_equal(to_uint8(gray), few[..., :1].repeat(3, 2))


def test_lays_transparency_on_white(tmp_path):
    rgb = photograph()
    alpha = np.zeros((18, 24), np.uint8)
    alpha[:, 8:] = 255
    alpha[:, 16:] = 128
    weight = alpha[..., None] / 255
    expected = rgb * weight + 255 * (1 - weight)
    path = save(tmp_path / "rgba.png", np.dstack([rgb, alpha]))
    np.testing.assert_allclose(levels(read_image(path)), expected, atol=1.1)
    path = save(tmp_path / "la.png", np.dstack([rgb[..., 0], alpha]))
    gray = rgb[..., :1] * weight + 255 * (1 - weight)
    np.testing.assert_allclose(levels(read_image(path)), gray.repeat(3, 2), atol=1.1)


def test_transparent_palettes_and_colours(tmp_path):
    palette = Image.new("P", (9, 9), 1)
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.paste(0, (0, 0, 9, 4))
    for name in ("p.png", "p.gif"):
        image = levels(read_image(save(tmp_path / name, palette, transparency=0)))
        np.testing.assert_allclose(image[0, 0], 255)
        np.testing.assert_allclose(image[8, 8], (200, 100, 50), atol=1e-4)
    colour = np.full((9, 9, 3), (10, 20, 30), np.uint8)
    colour[5:] = (200, 100, 50)
    path = save(tmp_path / "rgb.png", colour, transparency=(10, 20, 30))
    np.testing.assert_allclose(levels(read_image(path))[0, 0], 255)
    path = save(tmp_path / "l.png", colour[..., 0].copy(), transparency=10)
    np.testing.assert_allclose(levels(read_image(path))[0, 0], 255)
    np.testing.assert_allclose(levels(read_image(path))[8, 8], 200, atol=1e-4)


@pytest.mark.parametrize("mode", ["LA", "La", "PA", "RGBa", "RGBX", "YCbCr", "HSV", "LAB", "CMYK"])
def test_every_mode_of_pillow_becomes_rgb(mode):
    source = Image.fromarray(photograph())
    if mode in ("PA", "LAB"):  # Pillow cannot convert to these.
        picture = Image.new(mode, (24, 18))
    else:
        picture = source.convert({"La": "LA", "RGBa": "RGBA"}.get(mode, "RGB")).convert(mode)
    normal = to_rgb(picture, [])
    assert normal.mode == "RGB" and normal.size == (24, 18)
    if mode in ("RGBa", "RGBX", "YCbCr", "HSV", "CMYK"):
        error = np.abs(np.asarray(normal).astype(int) - photograph())
        assert error.max() <= (12 if mode == "HSV" else 3)


def test_cmyk(tmp_path):
    picture = Image.fromarray(photograph()).convert("CMYK")
    tif = read_image(save(tmp_path / "a.tif", picture))
    np.testing.assert_allclose(levels(tif), photograph(), atol=1)
    jpg = read_image(save(tmp_path / "a.jpg", picture, quality=98))
    np.testing.assert_allclose(levels(jpg), photograph(), atol=8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_applies_exif_rotation(tmp_path, orientation):
    # How a camera of each orientation stores the same scene.
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a.swapaxes(0, 1), 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](photograph())
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.png", np.ascontiguousarray(stored), exif=exif)
    np.testing.assert_array_equal(to_uint8(read_image(path)), photograph())


def test_damaged_exif_is_passed_over(tmp_path):
    path = save(tmp_path / "a.jpg", photograph(), quality=95, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read_image(path).shape == (18, 24, 3)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif"])
def test_takes_the_first_frame(tmp_path, name):
    first, second = (Image.new("RGB", (12, 12), colour) for colour in ("white", "black"))
    options = {"lossless": True} if name == "a.webp" else {}
    path = save(tmp_path / name, first, save_all=True, append_images=[second], **options)
    np.testing.assert_allclose(read_image(path), 1, atol=0.02)
