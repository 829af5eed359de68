"""The files that a browser can read: those of runs, and no others.

A run's address is `runs/KEY/...`. The key is the number of a folder that was named at the start, or
a visitor's own, which nobody can guess.
"""

import os
from pathlib import Path

from mgp_jax.app.service import Service
from mgp_jax.app.visitors import Visitor

ADDRESS = "/runs"
# What runs write and pages show. Nothing here can run in the page's own name but the reports, whose
# policy allows their own scripts alone.
KINDS = {
    ".gif": "image/gif",
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".npz": "application/octet-stream",
    ".png": "image/png",
    ".webp": "image/webp",
}


def address_of(visitor: Visitor, file: Path) -> str:
    """Returns where a browser finds a file of a visitor's runs."""
    return f"{ADDRESS}/{visitor.name}/{file.relative_to(visitor.folder).as_posix()}"


def find_file(service: Service, key: str, path: str) -> Path | None:
    """Returns the file at an address, None if there is none that may be read.

    Args:
        service: whose runs.
        key: see the top of this file.
        path: within the folder; whatever a browser sends.
    """
    folder = _folder(service, key)
    if folder is None or "\0" in path:
        return None
    # Links are followed first, so that where they lead is what is looked at.
    root, found = os.path.realpath(folder), os.path.realpath(os.path.join(folder, path))
    if os.path.commonpath([root, found]) != root or Path(found).suffix not in KINDS:
        return None
    return Path(found) if os.path.isfile(found) else None


def _folder(service: Service, key: str) -> Path | None:
    if key.isdecimal() and key.isascii() and len(key) < 6:
        number = int(key)
        return service.runs[number] if number < len(service.runs) else None
    return service.visitors.folder_of(key)
