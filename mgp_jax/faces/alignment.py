"""The square of a face, as the faces of FFHQ were cut out, which most generators know."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter

from mgp_jax.errors import SettingError
from mgp_jax.faces.face import Face

# Pixels around a square that interpolation reads.
MARGIN = 4
# How far behind the border of the photograph nothing of it is left, and the width of the blur
# there, as parts of the square's side.
FADE, BLUR = 0.3, 0.02
# How far off the corners of a photograph are that is cut as FFHQ is, at most, in sides: detectors
# differ by 0.02.
ALREADY = 0.08


@dataclass(frozen=True)
class Square:
    """Where the generator's image lies in a photograph: a square in any direction.

    Attributes:
        x: its centre, in pixels from the left.
        y: its centre, in pixels from the top.
        right: the vector from the centre to the middle of the image's right side, in pixels.
    """

    x: float
    y: float
    right: tuple[float, float]

    @property
    def side(self) -> float:
        """Length of a side in pixels of the photograph."""
        return 2 * math.hypot(*self.right)

    @property
    def corners(self) -> np.ndarray:
        """float[4, 2], x and y of the corners."""
        a, b = self.right
        across = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        return (self.x, self.y) + across @ np.array([(a, b), (-b, a)])

    def into(self, size: float, left: float = 0.0, top: float = 0.0) -> tuple[float, ...]:
        """Returns the affine map from the square's image to the photograph.

        Args:
            size: pixels a side of the square's image.
            left: where the part of the photograph begins that is meant.
            top: likewise.

        Returns: (a, b, c, d, e, f) that take (u, v) to (a u + b v + c, d u + e v + f).
        """
        a, b = (2 * part / size for part in self.right)
        first = self.corners[0] - (left, top)
        return (a, -b, first[0], b, a, first[1])

    def out_of(self, size: float, left: float = 0.0, top: float = 0.0) -> tuple[float, ...]:
        """Returns the map from the photograph to the square's image, the inverse of `into`."""
        a, _, c, b, _, f = self.into(size, left, top)
        scale = a * a + b * b
        a, b = a / scale, b / scale
        return (a, b, -a * c - b * f, -b, a, b * c - a * f)


def square_of(face: Face) -> Square:
    """Returns the square of a face by the rule of FFHQ.

    It is turned as eyes and mouth are, its centre lies a tenth of the way from the eyes to the
    mouth, and its side is 4 times the distance of the eyes or 3.6 times that of eyes and mouth.

    Source: Karras et al. 2018 (PGGAN), appendix C, with the sizes of the script that made FFHQ.

    Raises:
        SettingError: the points of the face coincide.
    """
    left, right, _, *corners = np.asarray(face.points, float)
    eyes, mouth = (left + right) / 2, np.mean(corners, axis=0)
    across, down = right - left, mouth - eyes
    half = max(2 * math.hypot(*across), 1.8 * math.hypot(*down))
    if not half > 0:
        raise SettingError("face: eyes and mouth are at one place, so it cannot be aligned")
    x, y = eyes + 0.1 * down
    turn = math.radians(face.turn)
    return Square(float(x), float(y), (half * math.cos(turn), half * math.sin(turn)))


def settled(face: Face, width: int, height: int) -> Face:
    """Returns a face whose square is nearly the whole photograph as one whose square is just that.

    Such a photograph is cut as FFHQ is: it is restored as it is, and all of it. Other faces are
    returned as they are.

    Args:
        face: a face of the photograph.
        width: width of the photograph in pixels.
        height: its height.
    """
    square = square_of(face)
    if width != height or np.abs(square.corners - whole(width)).max() > ALREADY * width:
        return face
    a, b, c, d, e, f = square.out_of(1)
    places = [(a * x + b * y + c, d * x + e * y + f) for x, y in face.points]
    return replace(face, points=tuple((width * u, width * v) for u, v in places))


def whole(side: float) -> np.ndarray:
    """Returns float[4, 2], the corners of a square photograph."""
    return side * np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)


def align(photograph: Any, face: Face, size: int) -> np.ndarray:
    """Cuts the square of a face out of a photograph: upright, as large and placed as in FFHQ.

    Where the square leaves the photograph, it goes on as in a mirror, more and more blurred and
    fading away; what is in the photograph is not blurred, other than in FFHQ, for it is observed.
    Nothing is gained by a size above `square_of(face).side`.

    Args:
        photograph: [H, W, C], float in [-1, 1] or uint8.
        face: a face of the photograph.
        size: height and width of the result in pixels.

    Returns: float32[size, size, C] in [-1, 1].

    Raises:
        SettingError: the square lies outside of the photograph, or the size is below 1.
    """
    if size < 1:
        raise SettingError(f"align: a size of {size} pixels, at least 1 is needed")
    square = square_of(face)
    # Where there are more pixels than wanted, several are read for each and averaged.
    several = max(1, math.ceil(square.side / size - 0.2))
    part, left, top = _part(np.asarray(photograph), square)
    fine = several * size
    pixels = warped(part, square.into(fine, left, top), (fine, fine))
    pixels = pixels.reshape(size, several, size, several, -1).mean(axis=(1, 3))
    return np.clip(pixels, -1, 1)


def warped(image: np.ndarray, matrix: Sequence[float], size: tuple[int, int]) -> np.ndarray:
    """Resamples an image by cubic splines; beyond its border it goes on as at the border.

    Args:
        image: float32[H, W, C].
        matrix: the affine map from places of the result to places of the image, see `Square.into`.
        size: width and height of the result.
    """
    a, b, c, d, e, f = matrix
    # Splines count rows first, and centres of pixels as whole numbers.
    turn: Any = ((e, d), (b, a))
    shift: Any = ((d + e - 1) / 2 + f, (a + b - 1) / 2 + c)
    planes = [
        affine_transform(plane, turn, shift, size[::-1], order=3, mode="nearest")
        for plane in np.moveaxis(image, 2, 0)
    ]
    return np.stack(planes, axis=2)


def bounds(square: Square, margin: int = 0) -> tuple[int, int, int, int]:
    """Returns left, top, right and bottom of the pixels that a square lies in."""
    low = np.floor(square.corners.min(axis=0)).astype(int) - margin
    high = np.ceil(square.corners.max(axis=0)).astype(int) + margin
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def signed(pixels: np.ndarray) -> np.ndarray:
    """Returns pixels as float32 in [-1, 1]; bytes become what `to_uint8` makes bytes of again."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.float32) / np.float32(127.5) - 1
    return pixels.astype(np.float32)


def _part(photograph: np.ndarray, square: Square) -> tuple[np.ndarray, int, int]:
    """Returns the part of a photograph around a square as float32, and where it begins."""
    height, width = photograph.shape[:2]
    left, top, right, bottom = bounds(square, MARGIN)
    inside = photograph[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if not inside.size:
        raise SettingError("face: it lies outside of the photograph")
    part = signed(inside)
    before, after = (max(0, -top), max(0, -left)), (max(0, bottom - height), max(0, right - width))
    if not any((*before, *after)):
        return part, left, top
    part = np.pad(part, [*zip(before, after, strict=True), (0, 0)], mode="symmetric")
    # How far beyond the border of the photograph a pixel is; 1 is where nothing is left.
    y, x = np.arange(top, bottom)[:, None], np.arange(left, right)[None, :]
    beyond = np.maximum(np.maximum(-y, y - height + 1), np.maximum(-x, x - width + 1))
    beyond = np.clip(beyond / (FADE * square.side), 0, 1).astype(np.float32)[..., None]
    sigma = BLUR * square.side
    blurred = gaussian_filter(part, (sigma, sigma, 0))
    part += (blurred - part) * np.minimum(3 * beyond, 1)
    part += (np.median(part, axis=(0, 1)) - part) * beyond
    return part, left, top
