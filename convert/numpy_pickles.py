"""Arrays and scalars of numpy in a pickle, rebuilt from their bytes."""

import math
import re
from typing import Any

import numpy as np

from mgp_jax.errors import CheckpointError

from .tensors import MAX_DIMENSIONS
from .unpickler import Calls, describe

# Booleans, integers and floating-point numbers; object arrays would hold pickles of their own.
NUMBER = re.compile(r"b1|[iu][1248]|f[248]")


class NumpyType:
    """A `numpy.dtype` of plain numbers; its byte order arrives as state."""

    def __init__(self, code: Any, *_: Any):
        if not isinstance(code, str) or not NUMBER.fullmatch(code):
            raise CheckpointError(f"a numpy array of type {describe(code)}, which holds no numbers")
        self.dtype = np.dtype(code).newbyteorder("<")

    def build(self, state: Any) -> None:
        """Takes the byte order out of numpy's state tuple (version, order, ...)."""
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise CheckpointError("a damaged numpy type")
        self.dtype = self.dtype.newbyteorder(">" if state[1] == ">" else "<")


class NumpyArray:
    """A `numpy.ndarray`; shape, type and bytes arrive as state."""

    def __init__(self, *_: Any):
        self.shape: tuple[int, ...] = ()
        self._array: np.ndarray | None = None

    def build(self, state: Any) -> None:
        """Takes numpy's state tuple (version, shape, type, column-major, bytes)."""
        match state:
            case (_, tuple(shape), NumpyType() as kind, bool() | int() as column_major, raw):
                pass
            case _:
                raise CheckpointError("a damaged numpy array")
        if isinstance(raw, str):  # written by Python 2
            raw = raw.encode("latin1")
        sizes_ok = len(shape) <= MAX_DIMENSIONS and all(type(n) is int and n >= 0 for n in shape)
        if not isinstance(raw, bytes | bytearray) or not sizes_ok:
            raise CheckpointError("a damaged numpy array")
        if math.prod(shape) * kind.dtype.itemsize != len(raw):
            raise CheckpointError(f"a numpy array of shape {shape} with {len(raw)} bytes of data")
        order = "F" if column_major else "C"
        self._array = np.frombuffer(raw, kind.dtype).reshape(shape, order=order)
        self.shape = shape

    def array(self) -> np.ndarray:
        """Returns the array."""
        if self._array is None:
            raise CheckpointError("a numpy array without data")
        return self._array


def _from_buffer(raw: Any, kind: Any, shape: Any, order: Any) -> NumpyArray:
    array = NumpyArray()
    array.build((1, shape, kind, order == "F", raw))
    return array


def _scalar(kind: Any, raw: Any) -> Any:
    if isinstance(raw, str):
        raw = raw.encode("latin1")
    if not isinstance(kind, NumpyType) or not isinstance(raw, bytes):
        raise CheckpointError("a damaged numpy scalar")
    if len(raw) != kind.dtype.itemsize:
        raise CheckpointError("a damaged numpy scalar")
    return np.frombuffer(raw, kind.dtype)[0].item()


NUMPY_CALLS: Calls = {
    "numpy.dtype": NumpyType,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy.core.multiarray._reconstruct": NumpyArray,
    "numpy._core.multiarray._reconstruct": NumpyArray,
    "numpy.core.numeric._frombuffer": _from_buffer,  # protocol 5
    "numpy._core.numeric._frombuffer": _from_buffer,
}
