"""Tensors as a checkpoint describes them: a window of sizes and strides on a flat storage.

Nothing is read or copied before `array` is called, and the window is checked against the storage
first. So discriminators and optimiser states cost nothing, and a file that claims huge sizes is
refused instead of served.
"""

import math
import zlib
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np

from mgp_jax.errors import CheckpointError

from .unpickler import Calls, Global, describe

# Little-endian numpy types; bfloat16 is unknown to numpy and widened when it is read.
STORAGE_TYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}

MAX_DIMENSIONS = 16
MAX_SIZE = 2**31
# A broadcast tensor has more elements than its storage; only small ones occur.
MAX_BROADCAST = 2**20


@runtime_checkable
class Leaf(Protocol):
    """An array in a checkpoint, not read yet."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        ...

    def array(self) -> np.ndarray:
        """Reads it."""
        ...


class Storage:
    """A flat piece of memory of one type, to which a container attaches the bytes.

    Attributes:
        type: name of PyTorch's storage class.
        dtype: numpy type of one element.
        count: number of elements.
    """

    def __init__(self, kind: Any, count: Any):
        known = isinstance(kind, Global) and kind.module in ("torch", "torch.storage")
        self.type = kind.name if isinstance(kind, Global) else ""
        if not known or self.type not in STORAGE_TYPES:
            raise CheckpointError(f"a storage of unknown type {describe(kind)}")
        if type(count) is not int or count < 0:
            raise CheckpointError(f"a storage of {describe(count)} elements")
        self.dtype = np.dtype(STORAGE_TYPES[self.type])
        self.count = count
        self._data: memoryview | None = None
        self._crc: int | None = None

    @property
    def nbytes(self) -> int:
        """Length of the data in bytes."""
        return self.count * self.dtype.itemsize

    def attach(
        self, data: bytes | memoryview, *, crc: int | None = None, big_endian: bool = False
    ) -> None:
        """Gives the storage its bytes.

        Args:
            data: exactly `nbytes` bytes.
            crc: CRC-32 that the data must have when it is read.
            big_endian: whether the machine that wrote the data was big-endian.
        """
        view = memoryview(data)
        if view.nbytes != self.nbytes:
            raise CheckpointError(
                f"truncated or damaged: a storage of {self.count} elements has {view.nbytes} bytes "
                f"instead of {self.nbytes}"
            )
        self._data, self._crc = view, crc
        if big_endian:
            self.dtype = self.dtype.newbyteorder(">")

    @cached_property
    def values(self) -> np.ndarray:
        """The elements, read-only."""
        if self._data is None:
            raise CheckpointError("truncated or damaged: a tensor without data")
        if self._crc is not None and zlib.crc32(self._data) != self._crc:
            raise CheckpointError("damaged: the checksum of a tensor's data is wrong")
        values = np.frombuffer(self._data, self.dtype)
        if self.type == "BFloat16Storage":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        return values


class Tensor:
    """A window on a storage.

    Attributes:
        storage: the storage, possibly shared with other tensors.
        offset: index of the first element.
        shape: sizes.
        strides: distances between neighbours, in elements.
    """

    def __init__(self, storage: Any, offset: Any, shape: Any, strides: Any):
        if not isinstance(storage, Storage):
            raise CheckpointError("a tensor without a storage")
        self.storage = storage
        self.offset: int = _naturals((offset,))[0]
        self.shape = _naturals(shape)
        self.strides = _naturals(strides)
        if len(self.shape) != len(self.strides) or len(self.shape) > MAX_DIMENSIONS:
            raise CheckpointError(f"a tensor of sizes {self.shape} and strides {self.strides}")
        elements = math.prod(self.shape)
        steps = zip(self.shape, self.strides, strict=True)
        last = self.offset + sum((size - 1) * stride for size, stride in steps)
        if (elements and last >= storage.count) or max(self.shape, default=0) > MAX_SIZE:
            raise CheckpointError(
                f"a tensor of sizes {self.shape}, strides {self.strides} and offset {self.offset} "
                f"reaches beyond its storage of {storage.count} elements"
            )
        if elements > max(storage.count, MAX_BROADCAST):
            raise CheckpointError(
                f"a tensor of sizes {self.shape} on a storage of only {storage.count} elements"
            )

    def array(self) -> np.ndarray:
        """Returns the tensor as a read-only view of the file."""
        values = self.storage.values
        if 0 in self.shape:
            return np.zeros(self.shape, values.dtype)
        pairs = zip(self.shape, self.strides, strict=True)
        strides = [0 if size == 1 else stride * values.itemsize for size, stride in pairs]
        window = values[self.offset :]
        return np.lib.stride_tricks.as_strided(window, self.shape, strides, writeable=False)


def _naturals(values: Any) -> tuple[int, ...]:
    if not isinstance(values, tuple) or any(type(v) is not int or v < 0 for v in values):
        raise CheckpointError(f"tensor sizes, strides or offset {describe(values)}")
    return values


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    return Tensor(storage, offset, shape, strides)


def _rebuild_parameter(data: Any, *_: Any) -> Any:
    return data


TENSOR_CALLS: Calls = {
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
    "torch.Size": tuple,
    "torch.device": lambda *where: describe(where),
}
