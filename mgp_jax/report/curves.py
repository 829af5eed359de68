"""Reads how the losses of a run went, thinned to what a small diagram can show."""

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from mgp_jax.arrays import read_members

POINTS = 60
# All curves of a page together; beyond this many points every curve becomes coarser.
TOTAL_POINTS = 180_000
FEWEST_POINTS = 12
DIGITS = 4


def points_for(count: int) -> int:
    """Returns how many points each curve of a page may have."""
    return max(FEWEST_POINTS, min(POINTS, TOTAL_POINTS // max(count, 1)))


def read_curve(path: Path, points: int = POINTS) -> dict[str, Any] | None:
    """Reads loss and PSNR of one image over the steps.

    Args:
        path: the codes file, with `loss` and `error` [steps] or [samples, steps], NaN behind the
            last step that was done. Of several samples the mean is taken.
        points: at most so many steps are kept, evenly spread with the first and the last.

    Returns: `last`, the number of steps done; `loss` and `psnr` (dB to the observation, from the
        mean squared error of images in [-1, 1]), lists of equal length with None where a value is
        not finite. Point i of n is at the step 1 + floor(i (last - 1) / (n - 1) + 1/2).
        `samples`, if there are several. None if the file is absent, damaged or holds no curve.
    """
    try:
        with path.open("rb") as stream:
            (loss, samples), (error, _) = map(_mean, read_members(stream, ("loss", "error")))
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    if loss.shape != error.shape:
        return None
    done = np.flatnonzero(np.isfinite(loss) | np.isfinite(error))
    if not done.size:
        return None
    last = int(done[-1]) + 1
    count = min(points, last)
    places = np.floor(np.linspace(0, last - 1, count) + 0.5).astype(int)
    psnr = 10 * np.log10(4 / np.maximum(error[places], 1e-12))
    curve: dict[str, Any] = {"last": last, "loss": _short(loss[places]), "psnr": _short(psnr)}
    if samples > 1:
        curve["samples"] = samples
    return curve


def _mean(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Returns the mean over the samples that have a finite value, and the number of samples."""
    if values.dtype.kind not in "fiu" or values.ndim not in (1, 2):
        raise ValueError("not a curve")
    rows = np.atleast_2d(values).astype(np.float64)
    known = np.isfinite(rows)
    total = np.where(known, rows, 0).sum(0)
    count = known.sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), len(rows)


def _short(values: np.ndarray) -> list[float | None]:
    """Rounds to a few significant digits; what is not finite becomes None."""
    return [float(f"{v:.{DIGITS}g}") if math.isfinite(v) else None for v in values.tolist()]
