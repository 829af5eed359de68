"""Puts the generator's image of a face back into the photograph so that no edge shows."""

from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from mgp_jax.errors import SettingError
from mgp_jax.faces.alignment import Square, align, bounds, signed, square_of, warped, whole
from mgp_jax.faces.face import Face
from mgp_jax.images import luminance, to_uint8

# The outline of a face with its hair in the square of FFHQ, an ellipse: its centre downwards, its
# half axes, in sides.
CENTRE, HALF_WIDTH, HALF_HEIGHT = 0.51, 0.42, 0.46
# The outer part of the way from the centre to the outline in which the photograph takes over.
FEATHER = 0.12
# Of what is filled into holes, the same at the border of the square, in sides.
BORDER = 0.05
# Colours are compared at this size, and the difference is carried so far, in sides.
COARSE, REACH = 128, 0.08


def put_back(
    photograph: Any,
    image: Any,
    face: Face,
    missing: np.ndarray | None = None,
    brightness_only: bool = False,
) -> np.ndarray:
    """Puts the generator's image of a face back to where `align` has cut the face out.

    The image is turned and scaled to the photograph. Its colours are shifted smoothly, so that they
    are the photograph's along the outline of the face. Within the outline it takes over gradually;
    outside nothing changes, not by a bit. Where the square of the face is all of the photograph,
    see `settled`, the image takes its place.

    Args:
        photograph: [H, W, C], float in [-1, 1] or uint8.
        image: float[S, S, C] in [-1, 1], the generator's image.
        face: the face, as `align` was given it.
        missing: bool[H, W], the holes of the photograph. Then these are filled, also beside the
            face, and nothing else changes; their own colours count for nothing.
        brightness_only: shift the brightness alone, because the image has colours that the
            photograph lacks.

    Returns: a new array of the photograph's shape and type.

    Raises:
        SettingError: the photograph and the image have different channels.
    """
    photograph, image = np.asarray(photograph), np.asarray(image, np.float32)
    if photograph.ndim != 3 or image.ndim != 3 or photograph.shape[2] != image.shape[2]:
        raise SettingError(
            f"put back: an image of the shape {image.shape} does not fit a photograph of the shape "
            f"{photograph.shape}"
        )
    square, result = square_of(face), photograph.copy()
    height, width = photograph.shape[:2]
    left, top, right, bottom = bounds(square)
    left, top, right, bottom = max(0, left), max(0, top), min(width, right), min(height, bottom)
    if left >= right or top >= bottom:
        return result
    alone = width == height and np.abs(square.corners - whole(width)).max() < 0.5
    if not alone:
        change = difference(photograph, image, face, missing)
        if brightness_only and change.shape[2] == 3:
            change = np.broadcast_to(luminance(change), change.shape)
        image = image + resized(change, len(image))
    # Interpolation alone would leave out pixels of an image that is finer than the photograph.
    fine = min(len(image), max(1, round(square.side)))
    image = resized(image, fine)
    size, place = (right - left, bottom - top), (slice(top, bottom), slice(left, right))
    new = warped(image, square.out_of(fine, left, top), size)
    weight = outline(square, size, left, top, filling=missing is not None)
    if alone:
        weight = np.ones_like(weight)
    if missing is not None:
        weight = weight * missing[place][..., None]
    old = signed(photograph[place])
    mixed = np.clip(old + weight * (new - old), -1, 1)
    if photograph.dtype == np.uint8:
        mixed = to_uint8(mixed)
    result[place] = np.where(weight > 0, mixed, photograph[place])
    return result


def outline(
    square: Square, size: tuple[int, int], left: float = 0, top: float = 0, filling: bool = False
) -> np.ndarray:
    """Returns float32[H, W, 1], 1 within a face and 0 from its outline on, smooth in between.

    Args:
        square: the square of the face.
        size: width and height of the part of the photograph that is asked for.
        left: where it begins.
        top: likewise.
        filling: take the border of the square for the outline.
    """
    a, b, c, d, e, f = square.out_of(1, left, top)
    x, y = np.arange(size[0])[None, :] + 0.5, np.arange(size[1])[:, None] + 0.5
    return _weight(a * x + b * y + c, d * x + e * y + f, filling)


def difference(
    photograph: np.ndarray, image: np.ndarray, face: Face, missing: np.ndarray | None
) -> np.ndarray:
    """Returns float32[S, S, C]: by how much the photograph's colours differ along the outline.

    Inside it is what a wide blur makes of that.
    """
    change = align(photograph, face, COARSE) - resized(image, COARSE)
    u = (np.arange(COARSE) + 0.5) / COARSE
    weight = _weight(u[None, :], u[:, None], missing is not None)
    if missing is None:
        counts = 4 * weight * (1 - weight)
    else:
        hidden = align(2 * missing[..., None].astype(np.float32) - 1, face, COARSE)
        counts = (hidden < -0.99).astype(np.float32)
    sigma = (REACH * COARSE, REACH * COARSE, 0)
    total, known = gaussian_filter(counts * change, sigma), gaussian_filter(counts, sigma)
    return total / np.maximum(known, 1e-6)


def resized(image: np.ndarray, size: int) -> np.ndarray:
    """Resizes float32[S, S, C] to [size, size, C] with Lanczos' filter."""
    if len(image) == size:
        return image
    planes = [
        Image.fromarray(np.ascontiguousarray(plane)).resize((size, size), Image.Resampling.LANCZOS)
        for plane in np.moveaxis(image, 2, 0)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


def _weight(u: np.ndarray, v: np.ndarray, filling: bool) -> np.ndarray:
    """Returns the weight of the image at places of its square, from 0 to 1."""
    if filling:
        inside = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v)) / BORDER
    else:
        radius = np.hypot((u - 0.5) / HALF_WIDTH, (v - CENTRE) / HALF_HEIGHT)
        inside = (1 - radius) / FEATHER
    inside = np.clip(inside, 0, 1)
    return (inside * inside * (3 - 2 * inside)).astype(np.float32)[..., None]
