"""Arguments checked at the seam: what is wrong with an array, in one line that names it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mgp_jax.errors import SettingError

# Images are in [-1, 1], overshoots of filters and of noise aside.
LARGEST = 2.0


def checked_array(
    name: str, values: Any, shape: Sequence[int], largest: float | None
) -> np.ndarray:
    """Returns a batch of numbers as float32.

    Args:
        name: what messages call it.
        values: the array, float[B, *shape].
        shape: shape of one item.
        largest: the largest magnitude that makes sense; None for any.

    Raises:
        SettingError: it is no array of floats, has another shape, is empty, or holds values that
            are not finite or far outside the range.
    """
    wanted = f"float[B, {', '.join(map(str, shape))}]"
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        raise SettingError(f"{name}: {type(values).__name__} cannot be an array {wanted}") from None
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise SettingError(f"{name}: {_kind(values, array)} where {wanted} is needed")
    if array.shape[1:] != tuple(shape) or array.ndim != len(shape) + 1:
        raise SettingError(f"{name}: {_sized(array)} where {wanted} is needed")
    if not len(array):
        raise SettingError(f"{name}: the batch is empty")
    if array.dtype.kind in "iub":
        raise SettingError(
            f"{name}: {array.dtype} from {array.min()} to {array.max()} where floats in [-1, 1] "
            "are needed; for 8 bits: array / 127.5 - 1"
        )
    array = array.astype(np.float32)
    if bad := int(np.sum(~np.isfinite(array))):
        raise SettingError(f"{name}: {bad} of {array.size} values are not finite")
    if largest is not None and np.abs(array).max() > largest:
        raise SettingError(
            f"{name}: values from {array.min():g} to {array.max():g} where [-1, 1] is needed; for "
            "0 to 255: array / 127.5 - 1"
        )
    return array


def _kind(values: Any, array: np.ndarray) -> str:
    return "text" if array.dtype.kind in "US" else f"{type(values).__name__} ({array.dtype})"


def _sized(array: np.ndarray) -> str:
    return f"{array.dtype}[{', '.join(map(str, array.shape))}]"
