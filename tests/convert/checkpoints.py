"""Small checkpoints, written by hand so that no test needs PyTorch."""

import struct
import tempfile
import zipfile
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[1] / "data" / "golden"

# The evil checkpoints create this file if anything of them runs.
MARKER = Path(tempfile.gettempdir()) / "pwned_by_checkpoint"


class Persistent(tuple):
    """A persistent id in a hand-written pickle."""


class Call:
    """A call in a hand-written pickle: module, name, arguments."""

    def __init__(self, module: str, name: str, *arguments: Any):
        self.module, self.name, self.arguments = module, name, arguments


class Name:
    """A global in a hand-written pickle."""

    def __init__(self, module: str, name: str):
        self.module, self.name = module, name


def encode(value: Any) -> bytes:
    """Encodes opcodes of protocol 2 without STOP."""
    match value:
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"L%dL\n" % value
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            data = value.encode()
            return b"X" + struct.pack("<I", len(data)) + data
        case bytes():
            return b"B" + struct.pack("<I", len(value)) + value
        case Persistent():
            return b"(" + b"".join(map(encode, value)) + b"tQ"
        case tuple():
            return b"(" + b"".join(map(encode, value)) + b"t"
        case list():
            return b"](" + b"".join(map(encode, value)) + b"e"
        case dict():
            return b"}(" + b"".join(encode(k) + encode(v) for k, v in value.items()) + b"u"
        case Name(module=module, name=name):
            return f"c{module}\n{name}\n".encode()
        case Call(module=module, name=name, arguments=arguments):
            return encode(Name(module, name)) + encode(tuple(arguments)) + b"R"
    raise TypeError(value)


def pickled(value: Any) -> bytes:
    return b"\x80\x02" + encode(value) + b"."


def tensor(key: str, count: int, offset=0, shape=(), strides=(), kind="FloatStorage", **_) -> Call:
    storage = Persistent(("storage", Name("torch", kind), key, "cpu", count))
    return Call("torch._utils", "_rebuild_tensor_v2", storage, offset, shape, strides, False, {})


def write_zip(
    path: Path,
    tree: Any,
    storages: dict[str, bytes],
    compression=zipfile.ZIP_STORED,
    **extra: bytes,
) -> Path:
    """Writes a checkpoint in PyTorch's zip format."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("top/data.pkl", pickled(tree))
        for name, data in extra.items():
            archive.writestr(f"top/{name}", data)
        for key, data in storages.items():
            archive.writestr(f"top/data/{key}", data)
    return path


def legacy(tree: Any, storages: dict[str, tuple[int, bytes]], little_endian: bool = True) -> bytes:
    """Returns a checkpoint in PyTorch's legacy format."""
    machine = {"protocol_version": 1001, "little_endian": little_endian, "type_sizes": {}}
    parts = [pickled(0x1950A86A20F9469CFC6C), pickled(1001), pickled(machine), pickled(tree)]
    parts.append(pickled(list(storages)))
    parts += [struct.pack("<q", count) + data for count, data in storages.values()]
    return b"".join(parts)
