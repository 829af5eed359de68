"""The application, running as a program of its own."""

from pathlib import Path
from typing import NamedTuple


class Application(NamedTuple):
    """Where it can be reached, and the folder of its temporary files."""

    address: str
    folder: Path
