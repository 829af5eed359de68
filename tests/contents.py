"""Files with any content, for readers that must refuse it."""

from pathlib import Path
from typing import Any

import numpy as np


def fill(path: Path, content: Any) -> None:
    """Writes an array, bytes, or what a function writes to a path; None leaves no file."""
    if isinstance(content, np.ndarray):
        np.save(path, content)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        content(path)
