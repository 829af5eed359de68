"""Photographs with faces in them, made of the bundled portraits."""

from importlib import resources
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from mgp_jax.faces import Face, can_find_faces

needs_detector = pytest.mark.skipif(not can_find_faces(), reason="needs the extra faces")


class Placed(NamedTuple):
    """A portrait in a scene: which, its side in pixels, its turn in degrees, mirrored or not."""

    name: str
    side: int
    turn: float = 0
    mirrored: bool = False


GROUP = (
    Placed("grace_hopper", 400),
    Placed("eileen_collins", 60, 20),
    Placed("grace_hopper", 90, -20, True),
    Placed("eileen_collins", 150, 20, True),
    Placed("grace_hopper", 240),
)


def ground(width: int, height: int) -> np.ndarray:
    """A wall in smooth colours with some grain: uint8[H, W, 3]."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 190) + np.cos(y / 90), np.sin(x / 260 + 1), np.sin(y / 150 + x / 300)]
    grain = np.random.default_rng(0).normal(0, 3, (height, width, 1))
    return np.clip(125 + 25 * np.stack(waves, -1) + grain, 0, 255).astype(np.uint8)


def scene(
    portraits: tuple[Placed, ...] = GROUP, width: int = 1500, height: int = 520
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Returns the photograph uint8[H, W, 3], and the centres of the portraits from the left."""
    picture, left, centers = Image.fromarray(ground(width, height)), 20, []
    for number, (name, side, turn, mirrored) in enumerate(portraits):
        with resources.as_file(resources.files("mgp_jax.assets") / f"{name}.png") as path:
            portrait = Image.open(path).convert("RGB").resize((side, side))
        if mirrored:
            portrait = portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        portrait.putalpha(255)
        portrait = portrait.rotate(turn, Image.Resampling.BICUBIC, expand=True)
        top = min(20 + 61 * number % 170, height - portrait.height)
        picture.paste(portrait, (left, top), portrait)
        centers.append((left + portrait.width / 2, top + portrait.height / 2))
        left += portrait.width + 30
    return np.asarray(picture), centers


def steps(image: np.ndarray) -> np.ndarray:
    """The largest step from each pixel of [H, W, C] to its neighbours, in levels."""
    image = image.astype(float)
    down, right = (np.abs(np.diff(image, axis=k)).max(-1) for k in (0, 1))
    return np.maximum(np.pad(down, ((0, 1), (0, 0))), np.pad(right, ((0, 0), (0, 1))))


def find_marks(pixels: np.ndarray, smallest: int) -> list[Face]:
    """Stands for a detector: every patch of strong blue is a face."""
    del smallest
    red, blue = pixels[..., 0].astype(int), pixels[..., 2].astype(int)
    labels: Any = ndimage.label(blue - red > 128)
    patches = ndimage.find_objects(labels[0])
    inner = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
    faces = []
    for rows, columns in patches:
        left, top, right, bottom = columns.start, rows.start, columns.stop, rows.stop
        points = [(left + a * (right - left), top + b * (bottom - top)) for a, b in inner]
        faces.append(Face((left, top, right, bottom), tuple(points), 0.9))
    return faces


def marked(width: int, height: int, *places: tuple[int, int, int]) -> np.ndarray:
    """A gray wall with marks for `find_marks`: left, top and width of each; uint8[H, W, 3]."""
    pixels = ground(width, height) // 2
    for left, top, side in places:
        pixels[top : top + side, left : left + side] = (0, 0, 255)
    return pixels


def face_at(x: float, y: float, side: float, turn: float = 0.0) -> Face:
    """A face whose square has its centre there, a side and a turn in degrees (clockwise)."""
    # Eyes a quarter of the side apart; the centre is a tenth of the way to the mouth below them.
    points = np.array([(-0.125, -0.02), (0.125, -0.02), (0, 0.08), (-0.1, 0.18), (0.1, 0.18)])
    angle = np.radians(turn)
    right, down = (np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))
    places = (x, y) + side * points @ np.array([right, down])
    low, high = places.min(axis=0) - side / 6, places.max(axis=0) + side / 6
    return Face((*low, *high), tuple(map(tuple, places)))
