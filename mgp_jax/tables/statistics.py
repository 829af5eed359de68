"""Which metrics there are and how they are shown; means and their errors."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Metric(NamedTuple):
    """How a metric is shown.

    Attributes:
        title: heading of its column.
        digits: decimal places.
        factor: what it is multiplied with.
        higher: whether more is better.
    """

    title: str
    digits: int
    factor: float
    higher: bool


METRICS = {
    "psnr": Metric("PSNR (dB)", 2, 1, True),
    "ssim": Metric("SSIM", 3, 1, True),
    "lpips": Metric("LPIPS", 3, 1, False),
    "auc": Metric("AuC (%)", 2, 100, True),
    "auc_balanced": Metric("AuC balanced (%)", 2, 100, True),
    "niqe": Metric("NIQE", 2, 1, False),
}


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
