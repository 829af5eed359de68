"""Files on the disk and in object stores, that appear complete or not at all.

An address (`s3://bucket/photos`, `memory://results`, any that fsspec knows) becomes a path of
`upath`, which has the methods of `pathlib`. Where a store is no disk after all, it says so here.
"""

import contextlib
import errno
import functools
import io
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Concatenate, ParamSpec, TypeVar, cast

from mgp_jax.errors import AddressError, MGPError, OutputError

# Not named after the file that is written, whose name may already be as long as names can be.
# Hidden, and of no image's suffix: what a killed process leaves behind is no input.
TEMPORARY = ".mgp-*.tmp"
# The extras that bring what fsspec needs for an address.
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


def path_of(place: str | os.PathLike[str]) -> Path:
    """Returns the path of a file or folder, on the disk or at the address of a store.

    Raises:
        AddressError: the kind of store is not known, or its package is not installed.
    """
    if "://" not in str(place):
        return Path(place)
    from fsspec import get_filesystem_class
    from upath import UPath

    kind = str(place).partition("://")[0]
    try:
        get_filesystem_class(kind)
        path = UPath(place)
    except ImportError as error:
        extra = EXTRAS.get(kind)
        how = str(error) if extra is None else f"pip install 'mgp_jax[{extra}]'"
        raise AddressError(f"{place}: a package for {kind}:// is missing: {how}") from None
    except ValueError:
        raise AddressError(f"{place}: {kind}:// is no kind of address that is known") from None
    # It is no `pathlib.Path`, but does what one does.
    return Path(path.path) if kind in ("file", "local") else cast(Path, path)


def on_disk(path: Path) -> bool:
    """Returns whether a path is one of the disk, not of a store."""
    return isinstance(path, Path)


def reason(error: Exception) -> str:
    """Returns what an exception says, on one line and without the file name that we give."""
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return " ".join(text.split())


def reaching(
    function: Callable[Concatenate[Path, Arguments], Value],
) -> Callable[Concatenate[Path, Arguments], Value]:
    """Lets a function of a path end in an `OutputError` that names it, whatever its store raises.

    On the disk it is left as it is: what goes wrong there is known.
    """

    @functools.wraps(function)
    def reach(path: Path, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Value:
        try:
            return function(path, *args, **kwargs)
        except MGPError:
            raise
        except Exception as error:  # Every store has its own.
            if on_disk(path):
                raise
            raise OutputError(f"{path}: cannot be reached: {reason(error)}") from None

    return reach


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Opens a file to write; an older one is replaced in the end, whatever interrupts the writing.

    Raises:
        OSError: it cannot be written.
    """
    path = path_of(path)
    if not on_disk(path):
        # Stores take an object as a whole; one that is closed early would be taken, too.
        file = io.BytesIO()
        yield file
        _put(path, file.getvalue())
        return
    temporary = temporary_in(path.parent)
    try:
        with open(temporary, "xb") as file:
            yield file
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Opens a file that appears complete or not at all, in a folder that may not exist yet.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        make_folder(path.parent)
        with replacing(path) as file:
            yield file
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {reason(error)}") from None


def make_folder(path: Path, parents: bool = False) -> None:
    """Makes a folder unless it is there; stores have none, and would make buckets."""
    if on_disk(path):
        path.mkdir(parents=parents, exist_ok=True)


def remove_empty(folder: Path) -> None:
    """Removes a folder of the disk if it is there and empty; a store would empty it."""
    if on_disk(folder):
        with contextlib.suppress(OSError):
            folder.rmdir()


def temporary_in(folder: Path) -> Path:
    """Returns a new name for a file that is not to stay."""
    return folder / TEMPORARY.replace("*", secrets.token_hex(8))


def user_cache() -> Path:
    """Returns the folder of what may be lost, in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mgp_jax"


def _put(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except Exception as error:  # Every store has its own.
        number = error.errno if isinstance(error, OSError) else None
        raise OSError(number or errno.EIO, reason(error)) from None
