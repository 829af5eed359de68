"""Odd image files, made here with Pillow: each gives the right pixels or one clear line."""

import io
import os
import struct
import subprocess
import sys
import threading
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mgp_jax.errors import ImageError
from mgp_jax.images import (
    find_images,
    read_image,
    read_mask,
    read_observation,
    to_uint8,
    unique_stems,
    write_image,
)
from mgp_jax.images.decoding import to_rgb


def photograph(width=24, height=18):
    """Smooth colours with every corner different: uint8[height, width, 3]."""
    y, x = np.mgrid[0:height, 0:width]
    planes = (40 + 7 * x, 220 - 9 * y, 30 + 4 * x + 5 * y)
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def levels(image):
    """An image in [-1, 1] as levels 0 to 255."""
    return (image + 1) * 127.5


def save(path, array_or_picture, **options):
    picture = array_or_picture
    if not isinstance(picture, Image.Image):
        picture = Image.fromarray(picture)
    picture.save(path, **options)
    return path


def refusal(function, *arguments):
    """The message of the ImageError, which must be one line that starts with the file."""
    with pytest.raises(ImageError) as caught:
        function(*arguments)
    message = str(caught.value)
    assert message.startswith(f"{arguments[0]}: ") and "\n" not in message
    return message


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


def test_refuses_what_is_no_image(tmp_path):
    assert "no such file" in refusal(read_image, tmp_path / "missing.png")
    assert "is a folder" in refusal(read_image, tmp_path)
    text = tmp_path / "text.png"
    text.write_text("This is not an image.\n" * 20)
    assert "not an image" in refusal(read_image, text)
    empty = tmp_path / "empty.png"
    empty.touch()
    assert "is empty" in refusal(read_image, empty)
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    assert "not a file" in refusal(read_image, pipe)
    postscript = tmp_path / "a.png"
    postscript.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n")
    assert "not an image" in refusal(read_image, postscript)
    assert "no such file" in refusal(read_image, "a\0b.png")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.tif", "a.webp", "a.bmp", "a.jp2"])
def test_refuses_truncated_files_at_any_length(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    data = save(tmp_path / name, noise).read_bytes()
    path = tmp_path / f"cut-{name}"
    for part in np.linspace(0.02, 0.9, 12):
        path.write_bytes(data[: int(part * len(data))])
        refusal(read_image, path)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_damaged_files_give_an_image_or_one_line(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "damaged"
    folder.mkdir(exist_ok=True)
    file = io.BytesIO()
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "PPM"]))
    Image.fromarray(photograph()).save(file, kind)
    content = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "a.png"
    path.write_bytes(content)
    try:
        assert read_image(path, 16).shape == (16, 16, 3)
    except ImageError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)


def test_refuses_extreme_sizes(tmp_path):
    for size, problem in (
        ((1, 1), "1x1 pixels is too small"),
        ((7, 30), "7x30 pixels is too small"),
        ((20000, 10), "20000x10 pixels is too far from a square"),
        ((33, 8), "33x8 pixels is too far"),
    ):
        path = save(tmp_path / "a.png", Image.new("RGB", size))
        assert problem in refusal(read_image, path, 64)
    assert read_image(save(tmp_path / "b.png", Image.new("RGB", (32, 8))), 8).shape == (8, 8, 3)


def test_refuses_decompression_bombs_before_decoding(tmp_path):
    def chunk(kind, data):
        checksum = zlib.crc32(kind + data)
        return len(data).to_bytes(4, "big") + kind + data + checksum.to_bytes(4, "big")

    path = tmp_path / "bomb.png"
    for side, problem in ((60000, "too many pixels"), (10000, "cannot be read")):
        # The second would be allowed, warned about by Pillow, and has no pixel data.
        header = side.to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b""))
        assert problem in refusal(read_image, path)


def test_reads_in_threads(tmp_path):
    paths = [save(tmp_path / f"{k}.png", np.full((9, 9, 3), 10 * k, np.uint8)) for k in range(20)]
    found = {}
    threads = [
        threading.Thread(target=lambda k=k: found.update({k: read_image(paths[k])[0, 0, 0]}))
        for k in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_allclose([levels(found[k]) for k in range(20)], 10 * np.arange(20), atol=1e-4)


def test_reads_observations(tmp_path):
    rgb = photograph(6, 4)  # Below the least size of a photograph.
    path = save(tmp_path / "a.png", rgb)
    np.testing.assert_allclose(levels(read_observation(path, (4, 6, 3))), rgb, atol=1e-4)
    gray = read_observation(path, (4, 6, 1))
    assert gray.shape == (4, 6, 1) and gray.dtype == np.float32
    np.testing.assert_allclose(
        levels(gray)[..., 0], rgb.astype(float) @ (0.299, 0.587, 0.114), atol=1e-4
    )
    path = save(tmp_path / "b.png", rgb[..., 0].copy())
    np.testing.assert_array_equal(to_uint8(read_observation(path, (4, 6, 1))), rgb[..., :1])
    one = read_observation(path, (4, 6, 3))
    np.testing.assert_array_equal(one[..., :1], read_observation(path, (4, 6, 1)))


def test_refuses_observations_of_another_size(tmp_path):
    path = save(tmp_path / "a.png", photograph(6, 4))
    message = refusal(read_observation, path, (6, 4, 3))
    assert "6x4 pixels" in message and "exactly 4x6" in message
    assert "307" in refusal(read_observation, path, (307,))
    assert "4x6x2" in refusal(read_observation, path, (4, 6, 2))


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
    assert os.listdir(tmp_path) == ["a.png"]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()
    long = tmp_path / ("x" * 251 + ".png")
    write_image(long, photograph())
    assert long.exists()


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


def test_find_images(tmp_path):
    for name in ("b.png", "a.JPG", "c.webp", "notes.txt", ".hidden.png", "._a.jpg", "x.tmp"):
        save(tmp_path / name, photograph(), format="PNG")
    (tmp_path / "sub.png").mkdir()
    save(tmp_path / "sub.png" / "deep.png", photograph())
    folder = [tmp_path / name for name in ("a.JPG", "b.png", "c.webp")]
    assert find_images([tmp_path]) == folder
    odd = tmp_path / "notes.txt"
    assert find_images([odd, str(tmp_path)]) == [odd, *folder]


def test_find_images_refuses(tmp_path):
    assert "no images in this folder" in refusal(lambda p: find_images([p]), tmp_path)
    missing = tmp_path / "missing"
    assert "no such file" in refusal(lambda p: find_images([p]), missing)
    with pytest.raises(ImageError, match="no input"):
        find_images([])


def test_unique_stems():
    paths = ["d/a.png", "e/a.jpg", "a-2.png", "A.png", "a", "b.tar.gz"]
    assert unique_stems(paths) == ["a", "a-3", "a-2", "A-4", "a-5", "b.tar"]
    assert unique_stems(["..", "/", ".png", "c:\\x/..\\..\\y.png", "a\nb.png"]) == [
        "image",
        "image-2",
        "png",
        "_.._y",
        "a_b",
    ]
    assert unique_stems([]) == []


@given(
    st.lists(
        st.text(st.characters(codec="utf-8"), max_size=90) | st.sampled_from("aAbß"), max_size=8
    )
)
def test_stems_are_safe_and_unique(names):
    stems = unique_stems(names)
    assert stems == unique_stems(names) and len(stems) == len(names)
    assert len({stem.casefold() for stem in stems}) == len(stems)
    for stem in stems:
        assert stem and stem[0] != "." and len(os.fsencode(f"{stem}.npz")) < 255
        assert os.path.basename(stem) == stem and "\\" not in stem and "\0" not in stem


def test_imports_no_jax():
    code = "import sys, mgp_jax.images; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
