"""A photograph that is missing in part, and how files are made of arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

# Where the photograph of 64 pixels is missing, and that of 16.
HOLE = np.zeros((64, 64), bool)
HOLE[24:40, 16:40] = True
SMALL_HOLE = HOLE[::4, ::4]
LEVELS = HOLE * np.uint8(255)


def save(name: str, array: np.ndarray, **options: Any) -> Callable[[], object]:
    return lambda: Image.fromarray(array).save(name, **options)


def stack(*planes: np.ndarray) -> np.ndarray:
    return np.dstack(planes).astype(np.uint8)
