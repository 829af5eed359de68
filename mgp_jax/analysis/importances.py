"""The spread of the importances over codes and channels."""

from typing import NamedTuple

import numpy as np

from mgp_jax.codes import Codes


class Spread(NamedTuple):
    """The spread of importances; the sparsity is 0 if all are equal, 1 if only one is not zero.

    Attributes:
        importances: float[N, C], the importances themselves.
        codes: float[N], sparsity of each code over the channels.
        channels: float[C], sparsity of each channel over the codes; NaN where there is one code.
        whole: sparsity of all importances.
        negative: share of the importances below zero.
    """

    importances: np.ndarray
    codes: np.ndarray
    channels: np.ndarray
    whole: float
    negative: float


def importance_spread(codes: Codes) -> Spread:
    """Measures how the importances of one image are spread."""
    alpha = np.asarray(codes.alpha)
    return Spread(
        alpha,
        sparsity(alpha),
        sparsity(alpha.T),
        float(sparsity(alpha.reshape(1, -1))[0]),
        float(np.mean(alpha < 0)),
    )


def sparsity(values: np.ndarray) -> np.ndarray:
    """Sparsity of the rows of [M, K], from 0 (equal magnitudes) to 1 (all but one are zero).

    Rows of zeros, and rows of one value, have none: NaN.

    Source: Hoyer 2004, "Non-negative matrix factorization with sparseness constraints", eq. (1).
    """
    values = np.abs(np.asarray(values, np.float64))
    root = np.sqrt(values.shape[1])
    length = np.linalg.norm(values, axis=1)
    defined = (length > 0) & (root > 1)
    ratio = values.sum(1) / np.where(defined, length, 1)
    return np.where(defined, (root - ratio) / np.where(root > 1, root - 1, 1), np.nan)
