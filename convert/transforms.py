"""The arithmetic between PyTorch's tensors and ours: axes, flips and gains.

All functions take and return float64; rounding to float32 happens once, at the end.
"""

from collections.abc import Callable

import numpy as np

Transform = Callable[..., np.ndarray]


def flip(kernel: np.ndarray) -> np.ndarray:
    """Flips the two leading (spatial) axes: turns a convolution into a correlation."""
    return kernel[::-1, ::-1]


def hwio(weight: np.ndarray) -> np.ndarray:
    """Convolution weight (out, in, h, w) -> (h, w, in, out)."""
    return weight.transpose(2, 3, 1, 0)


def transposed_hwio(weight: np.ndarray) -> np.ndarray:
    """Transposed-convolution weight (in, out, h, w) -> (h, w, in, out), not flipped."""
    return weight.transpose(2, 3, 0, 1)


def keep(value: np.ndarray) -> np.ndarray:
    """Leaves a tensor as it is."""
    return value


def scaled(transform: Transform, factor: float) -> Transform:
    """Returns `transform` followed by a multiplication."""
    return lambda *values: transform(*values) * factor


def equalised(transform: Transform, gain: float) -> Transform:
    """Returns `transform` with the runtime scale of equalised learning rate folded in.

    The scale is gain / sqrt(fan-in), where fan-in counts all axes of the result but the last.
    """

    def fold(*values: np.ndarray) -> np.ndarray:
        kernel = transform(*values)
        return kernel * (gain / np.prod(kernel.shape[:-1], dtype=np.float64) ** 0.5)

    return fold
