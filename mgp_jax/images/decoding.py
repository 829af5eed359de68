"""Decodes image files of every mode of Pillow to levels in sRGB."""

import io
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms

from mgp_jax.files import path_of
from mgp_jax.images.opening import Reading, opened, upright

WITH_ALPHA = frozenset(("LA", "La", "PA", "RGBA", "RGBa"))
DEEP_COLOURS = ("RGB;16", "RGBA;16")
ANIMATED = frozenset(("AVIF", "GIF", "PNG", "WEBP"))
# Modes that fit the colour space of a profile, the first of which the others are converted to.
OF_PROFILES = {"RGB": ("RGB",), "GRAY": ("L",), "CMYK": ("CMYK",), "Lab": ("LAB",)}
# What fewer bits than the file's type has can count to.
FEWER_BITS = {bits: 2**bits - 1 for bits in (8, 10, 12, 14)}


class Decoded(NamedTuple):
    """An image as it is to be looked at.

    Attributes:
        levels: [H, W, 1 or 3], sRGB; uint8, or float32 from 0 to 255 where the file has more than 8
            bits.
        notes: what a user may want to know, without the file's name.
    """

    levels: np.ndarray
    notes: tuple[str, ...] = ()


def decode(path: str | os.PathLike[str], reading: Reading = Reading()) -> Decoded:
    """Decodes a file: upright, on white where it is transparent, of an animation the first frame.

    Embedded colour profiles are applied, but for gray images of more than 8 bits.

    Raises:
        ImageError: it cannot be read.
    """
    path, notes = path_of(path), []
    with opened(path, reading) as picture:
        kind, raw = picture.format, _raw_mode(picture)
        picture.load()
        first = upright(picture)
        if raw.startswith(DEEP_COLOURS) and (reading.white or _is_srgb(picture)):
            low = _low_bytes(path, reading, raw)
            deep = np.asarray(first).astype(np.float32) * 256 + np.asarray(low)
            levels = _scaled(deep[..., :3], 65535, reading, notes)
            if deep.shape[2] == 4:
                levels += (255 - levels) * (1 - deep[..., 3:] / np.float32(65535))
        elif first.mode.startswith("I"):
            # 16-bit gray arrives as I;16 or, from some formats, as I; real 32-bit data has no known
            # white level.
            deep = np.asarray(first).astype(np.float32)[..., None]
            if reading.white is None and (deep.min() < 0 or deep.max() > 65535):
                raise ValueError("32-bit integer levels have no known range; say --white LEVEL")
            levels = _scaled(deep, 65535, reading, notes)
        elif first.mode == "F":
            deep = np.asarray(first).astype(np.float32)[..., None]
            if reading.white is None and not (deep.min() >= 0 and deep.max() <= 1):  # Also NaN.
                raise ValueError("floating point levels are not within [0, 1]; say --white LEVEL")
            levels = _scaled(deep, 1, reading, notes)
        else:
            levels = np.asarray(to_rgb(first, notes))
        notes[:0] = _frames(picture, kind)
    return Decoded(levels, tuple(notes))


def to_rgb(picture: Image.Image, notes: list[str]) -> Image.Image:
    """Turns a picture of 8 bits into RGB: its profile applied, laid on white."""
    if picture.mode not in WITH_ALPHA and "transparency" not in picture.info:
        return _to_srgb(picture, picture, notes)
    rgba = picture.convert("LA" if picture.mode == "La" else picture.mode).convert("RGBA")
    gray = picture.mode in ("L", "LA", "La")
    colours = _to_srgb(picture, rgba.convert("L" if gray else "RGB"), notes)
    colours.putalpha(rgba.getchannel("A"))
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, colours).convert("RGB")


def _to_srgb(source: Image.Image, picture: Image.Image, notes: list[str]) -> Image.Image:
    """Converts a picture without alpha to RGB, from the profile that the source holds."""
    data = source.info.get("icc_profile")
    if not data or _is_srgb(source):
        return picture.convert("RGB")
    try:
        profile: Any = ImageCms.ImageCmsProfile(io.BytesIO(data))
        modes = OF_PROFILES[profile.profile.xcolor_space.strip()]
        # A gray photograph often holds the profile of its colours.
        if picture.mode not in modes and modes == ("RGB",) and picture.mode in ("L", "P", "1"):
            picture = picture.convert("RGB")
        elif picture.mode not in modes:
            raise ValueError("the profile is for another kind of image")
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(picture, profile, srgb, outputMode="RGB")
        assert converted is not None  # It is None only where the picture itself is changed.
        return converted
    except Exception:  # Whatever a damaged profile drives the library into.
        notes.append("its colour profile cannot be used; its colours are taken as sRGB")
        return picture.convert("RGB")


def _is_srgb(picture: Image.Image) -> bool:
    """Whether the colours are sRGB: no profile says otherwise."""
    data = picture.info.get("icc_profile")
    if not data:
        return True
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        return "srgb" in ImageCms.getProfileDescription(profile).lower()
    except Exception:
        return False


def _raw_mode(picture: Image.Image) -> str:
    """Returns how the pixels are stored, for example `RGB;16B`."""
    tile = getattr(picture, "tile", None)
    arguments = tile[0][3] if tile else ""
    mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return mode if isinstance(mode, str) else ""


def _low_bytes(path: Path, reading: Reading, raw: str) -> Image.Image:
    """Decodes the lower bytes of 16-bit colours: Pillow keeps the upper ones alone.

    It does as it is told about the order of the two bytes, so the wrong one gives the other byte.
    """
    other = raw[:-1] + ("B" if raw[-1] in "LN" else "L")
    with opened(path, reading) as picture:
        tiles = []
        for tile in picture.tile:  # pyright: ignore[reportAttributeAccessIssue]
            own = tile.args
            tiles.append(tile._replace(args=(other, *own[1:]) if isinstance(own, tuple) else other))
        picture.tile = tiles  # pyright: ignore[reportAttributeAccessIssue]
        picture.load()
        return upright(picture)


def _scaled(deep: np.ndarray, largest: float, reading: Reading, notes: list[str]) -> np.ndarray:
    """Brings levels of more than 8 bits to 0 to 255, and notes where they are suspiciously dark."""
    if not np.isfinite(deep).all():
        raise ValueError("the levels are not finite")
    top = float(deep.max())
    fewer = next(((bits, level) for bits, level in FEWER_BITS.items() if top <= level), None)
    if largest == 65535 and reading.white is None and fewer is not None and top > 0:
        bits, level = fewer
        notes.append(
            f"its brightest level is {top:.0f} of 65535; if it holds {bits} bits, say --white "
            f"{level}"
        )
    white = np.float32(reading.white or largest)
    return np.clip(deep * (np.float32(255) / white), 0, 255)


def _frames(picture: Image.Image, kind: str | None) -> list[str]:
    """Notes how many frames or pages are left out."""
    try:
        count = getattr(picture, "n_frames", 1)
    except Exception:  # A damaged frame behind the first.
        return ["the first frame is taken; others are damaged"]
    if count == 1 or not (kind in ANIMATED or kind == "TIFF"):
        return []
    return [f"the first of {count} {'pages' if kind == 'TIFF' else 'frames'} is taken"]
