"""Attributes of aligned faces, measured in pixels and face points without a classifier.

Images are float[N, H, W, 3] in [0, 1], square and aligned as those of FFHQ. Face points are
float[N, 5, 2], x and y in parts of the image's side: the eye at the left, that at the right, the
tip of the nose, the corners of the mouth at the left and at the right, as face detectors give them.
Every function is a score that `boundaries.score_samples` and `mgp train-boundary --score` take.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Boxes = tuple[tuple[float, float, float, float], ...]

LUMINANCE = np.array([0.299, 0.587, 0.114])
# Where aligned faces have what: boxes (left, top, right, bottom) in parts of the image's side.
HAIR = ((0.3, 0.06, 0.7, 0.2),)
CHEEKS = ((0.27, 0.55, 0.4, 0.66), (0.6, 0.55, 0.73, 0.66))
SKIN = (*CHEEKS, (0.42, 0.3, 0.58, 0.38))
BACKGROUND = ((0.0, 0.0, 0.14, 0.4), (0.86, 0.0, 1.0, 0.4))
FACE = ((0.28, 0.3, 0.72, 0.86),)
# The tip of a nose lies about so many distances of the eyes before the plane of eyes and mouth, and
# looking straight ahead so far below the eyes on the way to the mouth.
NOSE, NOSE_BELOW = 0.6, 0.57


def yaw(points: np.ndarray) -> np.ndarray:
    """Returns by how many degrees heads are turned, positive to the right of the image."""
    left, right, nose, *mouth = np.moveaxis(points, 1, 0)
    eyes, corners = (left + right) / 2, (mouth[0] + mouth[1]) / 2
    straight = eyes[:, 0] + NOSE_BELOW * (corners - eyes)[:, 0]
    aside = (nose[:, 0] - straight) / eye_distance(points)
    return np.degrees(np.arcsin(np.clip(aside / NOSE, -1, 1)))


def pitch(points: np.ndarray) -> np.ndarray:
    """Returns by how many degrees heads are lowered, negative for raised ones."""
    left, right, nose, *mouth = np.moveaxis(points, 1, 0)
    eyes, corners = (left + right) / 2, (mouth[0] + mouth[1]) / 2
    below = (nose - eyes)[:, 1] - NOSE_BELOW * (corners - eyes)[:, 1]
    return np.degrees(np.arcsin(np.clip(below / eye_distance(points) / NOSE, -1, 1)))


def roll(points: np.ndarray) -> np.ndarray:
    """Returns by how many degrees heads are tilted, positive clockwise."""
    x, y = (points[:, 1] - points[:, 0]).T
    return np.degrees(np.arctan2(y, x))


def eye_distance(points: np.ndarray) -> np.ndarray:
    """Returns the distance of the eyes in parts of the image's side."""
    return np.linalg.norm(points[:, 1] - points[:, 0], axis=1)


def mouth_width(points: np.ndarray) -> np.ndarray:
    """Returns the width of mouths in distances of the eyes; smiles are wide."""
    return np.linalg.norm(points[:, 4] - points[:, 3], axis=1) / eye_distance(points)


def mouth_openness(images: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Returns the share of pixels between the corners of mouths that are far darker than cheeks."""
    size, shares = images.shape[1], []
    cheeks = np.median(luminances(images, CHEEKS), axis=1)
    for image, (left, right), cheek in zip(images, points[:, 3:], cheeks, strict=True):
        width, height = right[0] - left[0], (left[1] + right[1]) / 2
        edges = (height - 0.15 * width, height + 0.35 * width)
        sides = (left[0] + 0.15 * width, right[0] - 0.15 * width)
        (top, bottom), (begin, end) = (
            (int(size * edge) for edge in pair) for pair in (edges, sides)
        )
        mouth = image[top : bottom + 1, begin : end + 1] @ LUMINANCE
        shares.append(np.mean(mouth < 0.45 * cheek) if mouth.size else 0.0)
    return np.array(shares)


def hair_brightness(images: np.ndarray) -> np.ndarray:
    """Returns the mean luminance above foreheads, from 0 to 1."""
    return luminances(images, HAIR).mean(axis=1)


def skin_brightness(images: np.ndarray) -> np.ndarray:
    """Returns the mean luminance of cheeks and foreheads, from 0 to 1."""
    return luminances(images, SKIN).mean(axis=1)


def skin_warmth(images: np.ndarray) -> np.ndarray:
    """Returns by how much cheeks and foreheads are more red than blue, from -1 to 1."""
    return warmth(images, SKIN)


def background_brightness(images: np.ndarray) -> np.ndarray:
    """Returns the mean luminance in the upper corners, from 0 to 1."""
    return luminances(images, BACKGROUND).mean(axis=1)


def background_warmth(images: np.ndarray) -> np.ndarray:
    """Returns by how much the upper corners are more red than blue, from -1 to 1."""
    return warmth(images, BACKGROUND)


def background_sharpness(images: np.ndarray) -> np.ndarray:
    """Returns the logarithm of the mean absolute Laplacian in the upper corners."""
    gray = images @ LUMINANCE
    inner = gray[:, 1:-1, 1:-1]
    beside = gray[:, :-2, 1:-1] + gray[:, 2:, 1:-1] + gray[:, 1:-1, :-2] + gray[:, 1:-1, 2:]
    return np.log(np.mean(pixels(np.abs(4 * inner - beside), BACKGROUND), axis=1) + 1e-4)


def light_from_left(images: np.ndarray) -> np.ndarray:
    """Returns the logarithm of the ratio of luminances of the cheek at the left to the other."""
    left, right = (luminances(images, (box,)).mean(axis=1) for box in CHEEKS)
    return np.log((left + 0.02) / (right + 0.02))


@dataclass(frozen=True)
class Attribute:
    """A score, and what it needs.

    Attributes:
        score: the function.
        unit: of its values.
        of: what it takes: `images`, `points`, or both in this order.
    """

    score: Callable[..., np.ndarray]
    unit: str
    of: tuple[str, ...] = ("images",)


ATTRIBUTES: Mapping[str, Attribute] = {
    "yaw": Attribute(yaw, "degrees", ("points",)),
    "pitch": Attribute(pitch, "degrees", ("points",)),
    "roll": Attribute(roll, "degrees", ("points",)),
    "eye-distance": Attribute(eye_distance, "of the image's side", ("points",)),
    "mouth-width": Attribute(mouth_width, "distances of the eyes", ("points",)),
    "mouth-openness": Attribute(mouth_openness, "share of dark pixels", ("images", "points")),
    "hair-brightness": Attribute(hair_brightness, "0 to 1"),
    "skin-brightness": Attribute(skin_brightness, "0 to 1"),
    "skin-warmth": Attribute(skin_warmth, "red minus blue"),
    "background-brightness": Attribute(background_brightness, "0 to 1"),
    "background-warmth": Attribute(background_warmth, "red minus blue"),
    "background-sharpness": Attribute(background_sharpness, "log of the Laplacian"),
    "light-from-left": Attribute(light_from_left, "log of a ratio"),
}


def measure(images: np.ndarray, points: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Measures all attributes of images; without face points, those that need none.

    Args:
        images: float[N, H, W, 3] in [0, 1].
        points: float[N, 5, 2] in parts of the image's side, or None.

    Returns: float[N] by name.
    """
    given = {"images": images} | ({} if points is None else {"points": points})
    return {
        name: attribute.score(*(given[kind] for kind in attribute.of))
        for name, attribute in ATTRIBUTES.items()
        if given.keys() >= set(attribute.of)
    }


def region(boxes: Boxes, size: int) -> np.ndarray:
    """Returns what lies within boxes of images of so many pixels a side: bool[size, size]."""
    inside = np.zeros((size, size), bool)
    for box in boxes:
        left, top, right, bottom = (round(size * edge) for edge in box)
        inside[top:bottom, left:right] = True
    return inside


def pixels(images: np.ndarray, boxes: Boxes) -> np.ndarray:
    """Returns the pixels of images float[N, H, W, ...] within boxes: float[N, M, ...]."""
    return images[:, region(boxes, images.shape[1])]


def luminances(images: np.ndarray, boxes: Boxes) -> np.ndarray:
    """Returns the luminances of the pixels within boxes, float[N, M]."""
    return pixels(images, boxes) @ LUMINANCE


def warmth(images: np.ndarray, boxes: Boxes) -> np.ndarray:
    """Returns the mean difference of red and blue within boxes, float[N]."""
    inside = pixels(images, boxes)
    return np.mean(inside[..., 0] - inside[..., 2], axis=1)
