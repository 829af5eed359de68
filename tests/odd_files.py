"""Files as people have them: photographs of every kind, and what is no photograph."""

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

SIDE = 64


def pixels(width: int = SIDE, height: int = SIDE) -> np.ndarray:
    """Smooth colours with every corner different: uint8[height, width, 3]."""
    y, x = np.mgrid[:height, :width] / max(width, height)
    planes = [40 + 160 * x, 220 - 150 * y, 60 + 80 * x + 70 * y]
    return np.stack(planes, -1).astype(np.uint8)


def photograph() -> Image.Image:
    return Image.fromarray(pixels())


def deep_png(levels: np.ndarray) -> bytes:
    """A PNG file of 16 bits, which Pillow does not write in colour: uint16[H, W, 1, 3 or 4]."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    height, width, channels = levels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def wide_gamut() -> bytes:
    """A colour profile whose red, green and blue are others than those of sRGB."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # Red and green change places, which no one can overlook.
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    at = profile.index("sRGB".encode("utf-16-be"))
    profile[at : at + 8] = "test".encode("utf-16-be")
    return bytes(profile)


def rotated(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned a quarter clockwise.
    turned = Image.fromarray(np.rot90(pixels()))
    turned.save(path, "JPEG", quality=100, subsampling=0, exif=exif)


def transparent(path: Path) -> None:
    alpha = np.full((SIDE, SIDE, 1), 255, np.uint8)
    alpha[:16] = 0
    Image.fromarray(np.concatenate([pixels(), alpha], -1)).save(path)


def animated(path: Path) -> None:
    others = [Image.new("RGB", (SIDE, SIDE), colour) for colour in ("red", "blue")]
    photograph().save(path, "WEBP", lossless=True, save_all=True, append_images=others)


def heic(path: Path) -> None:
    import pillow_heif

    pillow_heif.from_pillow(photograph()).save(path, quality=95)


def lab(path: Path) -> None:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    picture = ImageCms.profileToProfile(photograph(), *profiles, outputMode="LAB")
    assert picture is not None
    picture.save(path, "TIFF")


def truncated(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    path.write_bytes(file.getvalue()[:5000])


def gray() -> Image.Image:
    return Image.new("RGB", (SIDE, SIDE), "gray")


NO_IMAGE = "is not an image"
# Name, how it is made, and what is wrong with it; None if it is to be read.
FILES: dict[str, tuple[Callable[[Path], object], str | None]] = {
    "alpha.png": (transparent, None),
    "animated.webp": (animated, None),
    "cmyk.jpg": (lambda p: photograph().convert("CMYK").save(p, "JPEG", quality=98), None),
    "empty.png": (Path.touch, "the file is empty"),
    "gray.png": (lambda p: photograph().convert("L").save(p), None),
    "heic.heic": (heic, None),
    "lab.tif": (lab, None),
    "palette.png": (lambda p: photograph().quantize(256).save(p), None),
    "pixel.png": (lambda p: Image.new("RGB", (1, 1)).save(p), "1x1 pixels is too small"),
    "rotated.jpg": (rotated, None),
    "sixteen.png": (lambda p: p.write_bytes(deep_png(pixels()[..., :1] * np.uint16(257))), None),
    "text.png": (lambda p: p.write_text("This is a letter."), NO_IMAGE),
    "truncated.png": (truncated, "cannot be read"),
    "wide.png": (lambda p: Image.new("RGB", (20000, 10)).save(p), "too far from a square"),
}


def clear_palette(path: Path) -> None:
    photograph().quantize(256).save(path, transparency=0)


def claims_pixels(path: Path) -> None:
    """A PNG file of a few bytes that says it has 3.6 thousand million pixels."""
    data = bytearray(deep_png(pixels()[..., :1] * np.uint16(257)))
    data[16:24] = struct.pack(">II", 60000, 60000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)


def cut_jpeg(path: Path) -> None:
    file = io.BytesIO()
    photograph().save(file, "JPEG", quality=98)
    path.write_bytes(file.getvalue()[:-400])


def many_pages(path: Path) -> None:
    photograph().save(path, "TIFF", save_all=True, append_images=[Image.new("L", (9, 9))])


# More of them, which only strangers bring.
STRANGE: dict[str, tuple[Callable[[Path], object], str | None]] = {
    "animated.gif": (lambda p: photograph().save(p, save_all=True, append_images=[gray()]), None),
    "bits.png": (lambda p: photograph().convert("1").save(p), None),
    "clear palette.png": (clear_palette, None),
    "cut.jpg": (cut_jpeg, "cannot be read"),
    "deep colours.png": (lambda p: p.write_bytes(deep_png(pixels() * np.uint16(257))), None),
    "document.png": (lambda p: p.write_bytes(b"%PDF-1.7\n%%EOF"), "but a PDF document"),
    "drawing.svg": (lambda p: p.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>"), NO_IMAGE),
    "floating.tif": (lambda p: Image.fromarray(np.float32(pixels()[..., 0]) / 255).save(p), None),
    "half.heic": (lambda p: p.write_bytes(b"\0\0\0\x18ftypheic" + bytes(64)), "read"),
    "huge.png": (claims_pixels, "60000x60000 are too many pixels"),
    "line.png": (lambda p: Image.new("RGB", (1, 300)).save(p), "1x300 pixels is too small"),
    "many pages.tif": (many_pages, None),
    "no name": (lambda p: photograph().save(p, "JPEG"), None),
    "page.html.jpg": (lambda p: p.write_text("<!doctype html><script>alert(1)</script>"), NO_IMAGE),
    "postscript.eps": (lambda p: p.write_text("%!PS-Adobe-3.0 EPSF-3.0\nshowpage"), NO_IMAGE),
    "shouting.PNG": (lambda p: photograph().save(p, "PNG"), None),
    "video.jpg": (lambda p: p.write_bytes(b"\0\0\0\x18ftypisom" + bytes(64)), "but a video"),
    "zipped.png": (lambda p: p.write_bytes(b"PK\3\4" + bytes(64)), NO_IMAGE),
}
# How far each may be from the photograph, in levels; gray ones from its luminance.
TOLERANCE = {"cmyk.jpg": 8, "heic.heic": 12, "lab.tif": 14, "palette.png": 8, "rotated.jpg": 4}


def make_files(folder: Path, files: Mapping[str, tuple[Callable, str | None]] = FILES) -> Path:
    folder.mkdir()
    for name, (make, _) in files.items():
        make(folder / name)
    return folder
