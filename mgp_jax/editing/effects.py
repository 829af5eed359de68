"""What edits have changed: the drift of the image, of face and background, measured attributes."""

from typing import Any

import numpy as np

from mgp_jax.editing.attributes import BACKGROUND, FACE, measure, region
from mgp_jax.metrics import SMALLEST_FOR_LPIPS, lpips, to_unit


def drift(
    frames: np.ndarray, original: np.ndarray, outside: np.ndarray | None = None
) -> list[float | None]:
    """Measures how far edits have gone from the original: LPIPS (AlexNet).

    Args:
        frames: float[S, H, W, 3] in [-1, 1] up to overshoots.
        original: float[H, W, 3], the same.
        outside: bool[H, W]; only there changes count: elsewhere the frames are given the original's
            pixels before they are compared.

    Returns: S numbers, 0 for no change; None each where images are below 32 pixels.
    """
    if min(original.shape[:2]) < SMALLEST_FOR_LPIPS or original.shape[2] != 3:
        return [None] * len(frames)
    if outside is not None:
        frames = np.where(outside[..., None], frames, original)
    first, second = to_unit(frames), to_unit(np.broadcast_to(original, frames.shape))
    # Equal images may differ by the rounding of their features.
    return [round(float(value), 6) for value in lpips(first, second)]


def effects_on_faces(frames: np.ndarray, original: np.ndarray) -> dict[str, Any]:
    """Measures what edits have done to an aligned face.

    Args:
        frames: float[S, H, W, 3] in [-1, 1] up to overshoots, aligned as the images of FFHQ.
        original: float[H, W, 3], the same.

    Returns: `lpips_face` and `lpips_background`, the drift within the face, which tells how much of
        the person is left, and in the upper corners, S numbers each; and `attributes`, S values of
        every attribute that needs no face points, by name.
    """
    size, levels = original.shape[0], np.asarray(to_unit(frames), np.float64)
    attributes = measure(levels)
    return {
        "lpips_face": drift(frames, original, region(FACE, size)),
        "lpips_background": drift(frames, original, region(BACKGROUND, size)),
        "attributes": {k: [round(float(v), 4) for v in values] for k, values in attributes.items()},
    }
