"""Tensors of a `.safetensors` file, whose names are all that it has of structure."""

import json

from mgp_jax.errors import CheckpointError

from .tensors import Storage, Tensor
from .unpickler import Global

TYPES = {
    "F64": "DoubleStorage",
    "F32": "FloatStorage",
    "F16": "HalfStorage",
    "BF16": "BFloat16Storage",
    "I64": "LongStorage",
    "I32": "IntStorage",
    "I16": "ShortStorage",
    "I8": "CharStorage",
    "U8": "ByteStorage",
    "BOOL": "BoolStorage",
}
OURS = "mgp_jax"


def is_safetensors(data: memoryview) -> bool:
    """Whether a file begins with the length of a header that fits it, and the header."""
    length = int.from_bytes(data[:8], "little")
    return 2 <= length <= len(data) - 8 and bytes(data[8:9]) == b"{"


def read_safetensors(data: memoryview) -> dict[str, Tensor]:
    """Reads the tensors of a file, without copying.

    Raises:
        CheckpointError: the file is damaged, or a weights file of `mgp_jax` already.
    """
    begin = 8 + int.from_bytes(data[:8], "little")
    try:
        header = json.loads(bytes(data[8:begin]))
    except (ValueError, RecursionError):
        raise CheckpointError("a damaged safetensors file") from None
    if not isinstance(header, dict):
        raise CheckpointError("a damaged safetensors file")
    metadata = header.pop("__metadata__", {})
    if isinstance(metadata, dict) and OURS in metadata:
        raise CheckpointError("a weights file of mgp_jax already; use it as it is")
    tensors = {}
    for name, entry in header.items():
        match entry:
            case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(a), int(b)]}:
                pass
            case _:
                raise CheckpointError(f"a damaged safetensors file: {name:.80}")
        if dtype not in TYPES:
            raise CheckpointError(f"{name:.80} is of type {dtype:.20}, which is not supported")
        if not all(type(size) is int and 0 <= size < 2**31 for size in shape):
            raise CheckpointError(f"a damaged safetensors file: {name:.80}")
        strides = [1]
        for size in shape[:0:-1]:
            strides.append(strides[-1] * size)
        count = strides[-1] * shape[0] if shape else 1
        if not 0 <= a <= b <= len(data) - begin:
            raise CheckpointError(f"a truncated or damaged safetensors file: {name:.80}")
        storage = Storage(Global("torch", TYPES[dtype]), count)
        storage.attach(data[begin + a : begin + b])
        tensors[name] = Tensor(storage, 0, tuple(shape), tuple(strides[: len(shape)][::-1]))
    return tensors
