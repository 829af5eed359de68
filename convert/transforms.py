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


def spectral(weight: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Divides a weight by its largest singular value, as spectral norm does (Miyato et al. 2018).

    Args:
        weight: the weight (out, ...).
        u: its stored left singular vector (out).
        v: the right one, as long as the other axes together.
    """
    return weight / (u @ weight.reshape(len(u), -1) @ v)


def spectral_transposed(weight: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """As `spectral`, for a transposed convolution."""
    return np.moveaxis(spectral(np.moveaxis(weight, 1, 0), u, v), 0, 1)


def weight_normed(direction: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Gives a weight its lengths, as weight norm does (Salimans and Kingma 2016).

    Args:
        direction: the weight, of any lengths.
        length: the lengths, along the axes in which its own are 1.
    """
    axes = tuple(k for k, size in enumerate(np.shape(length)) if size == 1) or None
    return direction * (length / np.sqrt(np.sum(direction**2, axes, keepdims=True)))


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
