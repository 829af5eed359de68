"""Who is visiting: for everybody a folder of their own, which goes when they do."""

import secrets
import shutil
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mgp_jax.app.worker import Worker
from mgp_jax.errors import SettingError
from mgp_jax.images import unique_stems

# Whoever has not been seen for longest goes when more come.
MOST_VISITORS = 50
# Results of a visitor; the oldest go first.
MOST_RUNS = 10
# The folder of what has been uploaded.
UPLOAD = "photograph"


@dataclass
class Visitor:
    """One browser tab.

    Attributes:
        name: who, for the worker.
        folder: where their files are; made with the first, so that what still runs for somebody who
            has left finds another visitor without leaving a folder.
        photograph: what they have uploaded; None for nothing yet.
        runs: their results by name, the latest last.
    """

    name: str
    folder: Path
    photograph: Any = None
    runs: OrderedDict[str, Any] = field(default_factory=OrderedDict)
    _names: list[str] = field(default_factory=lambda: [UPLOAD])

    def new_folder(self, stem: str) -> Path:
        """Makes the folder of one more run, named after its photograph as no other has been."""
        (name,) = unique_stems([f"{stem}.png"], self._names)
        self._names.append(name)
        path = self.folder / name
        path.mkdir(parents=True)
        return path

    def keep(self, name: str, run: Any) -> None:
        """Keeps a result, and lets go of the oldest if there are many."""
        self.runs[name] = run
        while len(self.runs) > MOST_RUNS:
            oldest, _ = self.runs.popitem(last=False)
            shutil.rmtree(self.folder / oldest, ignore_errors=True)


class Visitors:
    """All who are visiting.

    Args:
        folder: where their folders are made.
        worker: who does what they ask for.
    """

    def __init__(self, folder: Path, worker: Worker):
        self.folder, self._worker = folder, worker
        self._known: OrderedDict[str, Visitor] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: str | None) -> Visitor:
        """Returns who a session is; one that has not been seen before is new here.

        Raises:
            SettingError: there is no session.
        """
        if not key:
            raise SettingError("the page has no session, please load it again")
        with self._lock:
            if key not in self._known:
                # Not named after the session, which the browser can call whatever it likes.
                name = secrets.token_hex(16)
                self._known[key] = Visitor(name, self.folder / name)
            self._known.move_to_end(key)
            gone = []
            while len(self._known) > MOST_VISITORS:
                gone.append(self._known.popitem(last=False)[1])
        for visitor in gone:
            self._remove(visitor)
        return self._known[key]

    def folder_of(self, name: str) -> Path | None:
        """Returns the folder of the visitor of a name, None if there is none."""
        with self._lock:
            found = [visitor for visitor in self._known.values() if visitor.name == name]
        return found[0].folder if found else None

    def leave(self, key: str | None) -> None:
        """Stops all that a visitor has asked for, and removes their files."""
        with self._lock:
            visitor = self._known.pop(key or "", None)
        if visitor is not None:
            self._remove(visitor)

    def _remove(self, visitor: Visitor) -> None:
        self._worker.cancel(visitor.name)
        remove = partial(shutil.rmtree, visitor.folder, ignore_errors=True)
        self._worker.afterwards(visitor.name, remove)
