"""Checkpoints of a running inversion, written by Orbax."""

import errno
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from mgp_jax.errors import OutputError
from mgp_jax.solve import Progress, Snapshot

ROOM_FOR_METADATA = 1 << 20


class Checkpoints:
    """The latest checkpoint of one inversion, in a folder of its own.

    Orbax writes a checkpoint under another name and renames it, so one that exists is complete.

    Args:
        folder: where the checkpoints go.
        every: number of steps between two of them.
        identity: what the inversion is about, as JSON values; checkpoints of another are ignored.
    """

    def __init__(self, folder: Path, every: int, identity: Mapping[str, Any]):
        # Orbax takes absolute paths only.
        self.folder, self.every, self.identity = folder.absolute(), every, dict(identity)
        self._saved = 0

    def load(self, shapes: Callable[[], Sequence[Snapshot]]) -> Snapshot | None:
        """Returns the latest checkpoint, or None if there is none that fits.

        Args:
            shapes: says what a snapshot in each of the phases looks like.
        """
        for path in reversed(self._paths()):
            try:
                note: Any = ocp.metadata(str(path)).custom_metadata
                if note["identity"] != self.identity:
                    continue
                # Arrays tell Orbax their shape and type; these take no memory.
                empty = jax.tree.map(lambda x: np.empty(x.shape, x.dtype), shapes()[note["phase"]])
                snapshot = ocp.load(str(path), empty)
            except (OSError, ValueError, TypeError, KeyError):
                continue  # Damaged. Everything in it can be computed again.
            self._saved = int(path.name)
            return snapshot
        return None

    def save(self, progress: Progress) -> None:
        """Saves where an inversion is if the last time was `every` or more steps ago.

        Raises:
            OutputError: it cannot be written.
        """
        if progress.step - self._saved < self.every:
            return
        before = self._paths()
        snapshot = jax.tree.map(np.asarray, progress.snapshot)
        note = {"identity": self.identity, "phase": int(snapshot.phase)}
        path = self.folder / f"{progress.step}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _require_space(self.folder, snapshot)
            ocp.save(str(path), snapshot, overwrite=True, custom_metadata=note)
        except (OSError, ValueError, RuntimeError) as error:
            raise OutputError(f"{path}: cannot be written: {_reason(error)}") from None
        self._saved = progress.step
        for old in before:
            if old != path:
                shutil.rmtree(old, ignore_errors=True)

    def remove(self) -> None:
        """Removes all of them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _paths(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        paths = [path for path in self.folder.iterdir() if path.name.isdecimal()]
        return sorted(paths, key=lambda path: int(path.name))


def _require_space(folder: Path, snapshot: Snapshot) -> None:
    """Raises OSError if a disk has no room for a checkpoint.

    On a full disk all of Orbax's threads fail, one after another, each with a traceback of its own.
    """
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(snapshot))
    if shutil.disk_usage(folder).free < size + ROOM_FOR_METADATA:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _reason(error: Exception) -> str:
    """Says in a few words why Orbax could not write: the system's error, if it names one."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (named := re.search(r"os_error_code='(\d+)'", str(error))):
        number = int(named[1])
    return " ".join(str(error).split())[:200] if number is None else os.strerror(number)
