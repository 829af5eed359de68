"""Means over images and their errors."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Score(NamedTuple):
    """Mean of a metric over images and its standard error, None for less than two images."""

    mean: float
    error: float | None


def summarise(values: Sequence[float | None]) -> Score | None:
    """Returns mean and standard error of what is a number, None if nothing is."""
    known = np.array([value for value in values if value is not None], float)
    known = known[np.isfinite(known)]
    if not len(known):
        return None
    error = float(np.std(known, ddof=1) / len(known) ** 0.5) if len(known) > 1 else None
    return Score(float(np.mean(known)), error)
