"""Array files of other people (.npy): numbers alone, and no more memory than the file has bytes."""

import os

import numpy as np

from mgp_jax.errors import ImageError


def read_array(path: str | os.PathLike[str]) -> np.ndarray:
    """Reads an array file.

    Args:
        path: a file .npy.

    Returns: an array of numbers or booleans, all of them finite.

    Raises:
        ImageError: the file is missing, damaged, no array file, or holds anything but finite
            numbers.
    """
    try:
        # Mapped first: a header that claims more than the file holds is then found out.
        with open(path, "rb") as file:
            if file.read(4) == b"PK\x03\x04":
                raise ImageError(f"{path}: an archive of arrays, one array (.npy) is needed")
            if not os.fstat(file.fileno()).st_size:
                raise ImageError(f"{path}: the file is empty")
        array = np.array(np.load(path, mmap_mode="r", allow_pickle=False))
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
