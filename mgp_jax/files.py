"""Files that appear complete or not at all."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

# Not named after the file that is written, whose name may already be as long as names can be.
# Hidden, and of no image's suffix: what a killed process leaves behind is no input.
TEMPORARY = ".mgp-*.tmp"


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Opens a file to write; an older one is replaced in the end, whatever interrupts the writing.

    Raises:
        OSError: it cannot be written.
    """
    temporary = temporary_in(Path(path).parent)
    try:
        with open(temporary, "xb") as file:
            yield file
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def temporary_in(folder: Path) -> Path:
    """Returns a new name for a file that is not to stay."""
    return folder / TEMPORARY.replace("*", secrets.token_hex(8))
