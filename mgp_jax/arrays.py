"""Array files of other people: numbers alone, and no more memory than the file has bytes."""

import io
import math
import os
import threading
import zipfile
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from mgp_jax.errors import ImageError

# More numbers than anything here is made of: a sparse file may claim any size.
MOST_NUMBERS = 2**28
# Of an archive, whose arrays may be compressed: so many bytes, and so many times those of the file.
SMALL_ARCHIVE, MOST_COMPRESSED = 2**28, 8
# Headers are read by one thread at a time: the parser that NumPy uses for them counts the depth of
# all threads together in Python 3.11, and fails when one is interrupted by another.
_HEADERS = threading.Lock()


def read_array(path: str | os.PathLike[str]) -> np.ndarray:
    """Reads an array file.

    Args:
        path: a file .npy.

    Returns: an array of numbers or booleans, all of them finite.

    Raises:
        ImageError: the file is missing, damaged, too large, no array file, or holds anything but
            finite numbers.
    """
    try:
        # Mapped first: a header that claims more than the file holds is then found out.
        with open(path, "rb") as file:
            if file.read(4) == b"PK\x03\x04":
                raise ImageError(f"{path}: an archive of arrays, one array (.npy) is needed")
            if not os.fstat(file.fileno()).st_size:
                raise ImageError(f"{path}: the file is empty")
        with _HEADERS:
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        if mapped.size > MOST_NUMBERS:
            raise ImageError(
                f"{path}: holds {mapped.size} numbers, at most {MOST_NUMBERS} are read"
            )
        array = np.array(mapped)
    except ImageError:
        raise
    except OSError as error:
        reason = error.strerror or "it is damaged"
        raise ImageError(f"{path}: not a readable array (.npy): {reason}") from None
    except Exception:  # A damaged header may drive the reader into anything.
        raise ImageError(
            f"{path}: not a readable array (.npy) of numbers; write it with numpy.save"
        ) from None
    if array.dtype.kind not in "fiub":
        raise ImageError(f"{path}: holds {array.dtype}, not numbers")
    if not np.isfinite(array).all():
        raise ImageError(f"{path}: holds values that are not finite")
    return array


def read_archive(
    path: str | os.PathLike[str], kind: str = "archive of arrays"
) -> dict[str, np.ndarray]:
    """Reads an archive of arrays (.npz). What its headers claim is checked before it is unpacked.

    Args:
        path: the file.
        kind: what messages call such a file.

    Returns: its arrays by name, of numbers, booleans or text, finite or not.

    Raises:
        ImageError: the file is missing, damaged, no such archive, holds objects, or claims far more
            than it has bytes.
    """
    try:
        with _HEADERS, zipfile.ZipFile(path) as archive:
            claimed = sum(_claimed(archive, member) for member in archive.infolist())
        if claimed > SMALL_ARCHIVE + MOST_COMPRESSED * os.stat(path).st_size:
            raise ImageError(f"{path}: claims {claimed} bytes of arrays, far more than it has")
        with _HEADERS, np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except ImageError:
        raise
    except Exception as error:  # A damaged file may drive the reader into anything.
        reason = (isinstance(error, OSError) and error.strerror) or f"it is no {kind}"
        raise ImageError(f"{path}: cannot be read ({reason})") from None


def read_members(stream: IO[bytes], names: Sequence[str]) -> list[np.ndarray]:
    """Reads some arrays of an archive that this package has written, in any thread.

    Args:
        stream: the archive (.npz).
        names: of the arrays.

    Raises:
        KeyError: there is no such array.
        BadZipFile, ValueError, OSError, EOFError: the archive is damaged, or holds objects.
    """
    with zipfile.ZipFile(stream) as archive:
        files = [io.BytesIO(archive.read(f"{name}.npy")) for name in names]
    with _HEADERS:
        return [np.lib.format.read_array(file, allow_pickle=False) for file in files]


def _claimed(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Returns the bytes of an array as its header has it, or its member, whichever are more."""
    with archive.open(member) as file:
        shape, dtype = _header(file)
    return max(math.prod(shape) * dtype.itemsize, member.file_size)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], Any]:
    version = np.lib.format.read_magic(file)
    old = version == (1, 0)
    read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype
