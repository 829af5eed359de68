"""What a file says of its own compression."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from mgp_jax.images.opening import Reading, opened


def quantisation(path: str | os.PathLike[str], reading: Reading = Reading()) -> np.ndarray | None:
    """Returns int[8, 8], the quantisation steps of a JPEG file for luminance; None for other files.

    Raises:
        ImageError: it cannot be read.
    """
    with opened(Path(path), reading) as picture:
        tables: Any = getattr(picture, "quantization", None)
        if not tables or len(tables.get(0, ())) != 64:
            return None
        return np.array(tables[0]).reshape(8, 8)
