"""The containers in which checkpoints come, all read without PyTorch.

* the zip format of PyTorch since 1.6,
* the legacy format before it: five pickles, then the storages,
* safetensors,
* plain pickles: the persistent `.pkl` of stylegan2-ada-pytorch, whose storages are legacy files
  inside the pickle, and numpy pickles.

The file is mapped into memory, not loaded: only tensors that are asked for are ever touched.
"""

import io
import mmap
import os
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO

from mgp_jax.errors import CheckpointError

from .foreign_files import refuse_archive, refuse_foreign
from .numpy_pickles import NUMPY_CALLS
from .safetensors_files import is_safetensors, read_safetensors
from .tensors import TENSOR_CALLS, Storage
from .unpickler import BASIC_CALLS, Calls, Record, plain_key, unpickle

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_VERSION = 1001
LOCAL_HEADER = 30  # bytes of a zip member's local header before its name

CALLS: Calls = {**BASIC_CALLS, **TENSOR_CALLS, **NUMPY_CALLS}


def read_checkpoint(path: str | os.PathLike[str]) -> Any:
    """Reads the object that a checkpoint file holds.

    Args:
        path: the file.

    Returns: nested dictionaries and lists of `Leaf`s, `Record`s and plain values.

    Raises:
        CheckpointError: the file is missing, no checkpoint, damaged, or not safe to read.
    """
    try:
        with open(path, "rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise CheckpointError("an empty file")
            return _read(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), file)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file") from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from None
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None


def read_bytes(data: bytes) -> Any:
    """Reads the object that a checkpoint holds which is in memory already."""
    return _read(io.BytesIO(data), io.BytesIO(data))


def _read(stream: mmap.mmap | io.BytesIO, file: BinaryIO, nested: bool = False) -> Any:
    """Tells the containers apart by their first bytes.

    `stream` and `file` give the same bytes: the stream is what pickles are read from, because a
    claimed length cannot make it allocate more than there is; the file is what zipfile needs.
    """
    data = stream.getbuffer() if isinstance(stream, io.BytesIO) else memoryview(stream)
    start = bytes(data[:512])
    # A storage inside a pickle is a complete file of its own, but holds no further ones.
    calls = CALLS if nested else {**CALLS, **PERSISTENT_CALLS}
    if start.startswith(b"PK\x03\x04"):
        return _read_zip(data, file, calls)
    if start[257:262] == b"ustar":
        raise CheckpointError("a tar archive; unpack it first")
    refuse_foreign(data)
    if is_safetensors(data):
        return read_safetensors(data)
    if not start.startswith(b"\x80"):
        raise CheckpointError("not a checkpoint: neither a zip archive nor a pickle")
    first = unpickle(stream, calls)
    return _read_legacy(stream, data, calls) if first == LEGACY_MAGIC else first


def _read_zip(data: memoryview, file: BinaryIO, calls: Calls) -> Any:
    try:
        with zipfile.ZipFile(file) as archive:
            members = {member.filename: member for member in archive.infolist()}
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OverflowError):
        raise CheckpointError("a truncated or damaged zip archive") from None
    refuse_archive(set(members))
    tops = [name.removesuffix("data.pkl") for name in members if name.endswith("/data.pkl")]
    tops = [top for top in tops if top.count("/") == 1]
    if len(tops) != 1:
        raise CheckpointError("a zip archive, but not of PyTorch: it has no data.pkl")
    (top,) = tops
    if f"{top}constants.pkl" in members:
        raise CheckpointError("a TorchScript program; convert the checkpoint it was made from")

    def content(name: str) -> tuple[memoryview, int]:
        member = members.get(top + name)
        if member is None:
            raise CheckpointError(f"a truncated or damaged zip archive: {name} is missing")
        if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
            raise CheckpointError(f"{name} is compressed or encrypted; PyTorch stores it plainly")
        header = bytes(data[member.header_offset : member.header_offset + LOCAL_HEADER])
        lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        begin = member.header_offset + LOCAL_HEADER + lengths
        view = data[begin : begin + member.file_size]
        if header[:4] != b"PK\x03\x04" or len(view) != member.file_size:
            raise CheckpointError(f"a truncated or damaged zip archive: {name} is cut off")
        return view, member.CRC

    big_endian = f"{top}byteorder" in members and bytes(content("byteorder")[0]) == b"big"
    storages: dict[str, Storage] = {}

    def persistent(identity: Any) -> Storage:
        key, storage = _storage(identity, storages)
        if key not in storages:
            view, crc = content(f"data/{key}")
            storage.attach(view, crc=crc, big_endian=big_endian)
            storages[key] = storage
        return storages[key]

    program, crc = content("data.pkl")
    if zlib.crc32(program) != crc:
        raise CheckpointError("damaged: the checksum of data.pkl is wrong")
    return unpickle(io.BytesIO(program), calls, persistent)


def _read_legacy(stream: mmap.mmap | io.BytesIO, data: memoryview, calls: Calls) -> Any:
    if unpickle(stream, CALLS) != LEGACY_VERSION:
        raise CheckpointError("a legacy PyTorch file of an unknown version")
    machine = unpickle(stream, CALLS)
    if not isinstance(machine, Mapping) or machine.get("little_endian") is not True:
        raise CheckpointError("a legacy PyTorch file of a big-endian machine; save it again")
    storages: dict[str, Storage] = {}

    def persistent(identity: Any) -> Any:
        if isinstance(identity, tuple) and identity[:1] == ("module",):
            return identity[1]  # a class together with its source text, which stays text
        key, storage = _storage(identity, storages)
        return storages.setdefault(key, storage)

    tree = unpickle(stream, calls, persistent)
    keys = unpickle(stream, CALLS)
    if not isinstance(keys, list) or set(map(plain_key, keys)) != storages.keys():
        raise CheckpointError("truncated or damaged: its list of storages does not fit its tensors")
    position = stream.tell()
    for key in keys:
        count = int.from_bytes(data[position : position + 8], "little")
        storage = storages[key]
        if count != storage.count:
            raise CheckpointError(
                f"truncated or damaged: storage {key} has {count} instead of {storage.count} "
                "elements"
            )
        begin, position = position + 8, position + 8 + storage.nbytes
        storage.attach(data[begin:position])
    return tree


def _storage(identity: Any, known: Mapping[str, Storage]) -> tuple[str, Storage]:
    """Reads the persistent id of a storage: (word, class, key, device, count[, view])."""
    match identity:
        case ("storage", kind, str(key), _, count) | ("storage", kind, str(key), _, count, None):
            storage = Storage(kind, count)
        case ("storage", *_):
            raise CheckpointError("a storage that is a view of another; save the file again")
        case _:
            raise CheckpointError("a persistent id that is no storage")
    old = known.get(key, storage)
    if (old.type, old.count) != (storage.type, storage.count):
        raise CheckpointError(f"storage {key} is described in two ways")
    return key, storage


def _load_storage(data: Any) -> Storage:
    """Stands for `torch.storage._load_from_bytes`."""
    if not isinstance(data, bytes):
        raise CheckpointError("a storage inside a pickle that is not made of bytes")
    storage = _read(io.BytesIO(data), io.BytesIO(data), nested=True)
    if not isinstance(storage, Storage):
        raise CheckpointError("bytes inside a pickle that hold no storage")
    return storage


def _persistent_object(meta: Any) -> Record:
    """Stands for `torch_utils.persistence._reconstruct_persistent_obj`.

    The original executes the source text in `meta` to get the class. Only the state is taken here.
    """
    match meta:
        case {"type": "class", "class_name": str(name), "state": dict(state)}:
            record = Record(name)
            record.build(state)
            return record
        case _:
            raise CheckpointError("a damaged persistent object")


PERSISTENT_CALLS: Calls = {
    "torch.storage._load_from_bytes": _load_storage,
    "torch_utils.persistence._reconstruct_persistent_obj": _persistent_object,
}
