"""Files that are no images, damaged or too large: an image, or one clear line."""

import io
import os
import subprocess
import sys
import threading
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import levels, photograph, refusal, save
from PIL import Image

from mgp_jax.errors import ImageError
from mgp_jax.images import read_image


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


def test_imports_no_jax():
    code = "import sys, mgp_jax.images; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
