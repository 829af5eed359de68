"""What all tabs share: the worker, the generators named at the start, the visitors."""

import logging
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from mgp_jax.app.editing import OpenFaces
from mgp_jax.app.restoring import Restored, Step, restore
from mgp_jax.app.uploads import READING, without_paths
from mgp_jax.app.visitors import Visitor, Visitors
from mgp_jax.app.wishes import Wish
from mgp_jax.app.worker import CancelledError, Ticket, Worker
from mgp_jax.errors import MGPError, SettingError
from mgp_jax.generators import Generator, load_generator
from mgp_jax.kept_programs import Programs

LOG = logging.getLogger("mgp_jax.app")
# What messages advise to those who write commands.
OPTION = re.compile(r"; (?:say )?--[^;]*")


class Service:
    """The state behind the page; `close` ends it and removes its files.

    Args:
        generators: names and files of generators, as the commands take them; no others are read.
        runs: folders of runs whose reports are shown.

    Raises:
        MGPError: there is no such generator or folder.
    """

    def __init__(self, generators: Sequence[str], runs: Sequence[Path] = ()):
        if not generators:
            raise SettingError("no generator is named")
        for folder in runs:
            if not (folder / "index.html").is_file():
                raise SettingError(f"{folder}: holds no report page of a run")
        self.runs = tuple(folder.resolve() for folder in runs)
        # Loaded before anybody comes, so that a file that is no generator ends the start.
        self.generators = {name: load_generator(name) for name in generators}
        self._temporary = tempfile.TemporaryDirectory(prefix="mgp-app-", ignore_cleanup_errors=True)
        self.folder = Path(self._temporary.name)
        self.worker = Worker()
        self.visitors = Visitors(self.folder / "visitors", self.worker)
        self.faces = OpenFaces()
        self._programs = Programs()

    def generator(self, name: str) -> Generator:
        """Returns one of the generators that were named at the start.

        Raises:
            SettingError: it is another one.
        """
        if name not in self.generators:
            raise SettingError("there is no such generator here")
        return self.generators[name]

    def restoring(self, visitor: Visitor, wish: Wish) -> Iterator[int | Step | Restored]:
        """Restores a photograph; the visitor keeps the result.

        Yields: how many are before while it waits, then how far it is, in the end the result. Who
        stops listening cancels it.

        Raises:
            MGPError: too many are waiting, or something that is asked for cannot be used.
            CancelledError: it is no longer wanted.
        """
        what = self.generator(wish.generator)
        folder = visitor.new_folder(wish.input.stem)
        try:
            # Its own: another one may be brought while this waits.
            copy = shutil.copy(wish.input, folder)
            wish = replace(wish, input=Path(copy))

            def task(ticket: Ticket) -> Restored:
                self._programs.make_room()
                return restore(wish, what, folder, READING, ticket)

            ticket = self.worker.submit(task, visitor.name)
            yield from ticket.watch()
            restored = ticket.result()
            visitor.keep(folder.name, restored)
            yield restored
        finally:
            if folder.name not in visitor.runs:
                shutil.rmtree(folder, ignore_errors=True)

    def said(self, error: BaseException, visitor: Visitor | None = None) -> str:
        """Returns what the page says of an error, in one sentence; the log keeps the rest."""
        if isinstance(error, CancelledError):
            return "Stopped."
        if not isinstance(error, MGPError):
            LOG.error("unexpected", exc_info=error)
            return "Something went wrong here that should not; the log of the program says what."
        LOG.info("%s", error)
        folders = [] if visitor is None else sorted(visitor.folder.rglob("*/"), reverse=True)
        text = without_paths(error, {f"{folder}/": "" for folder in folders})
        text = without_paths(MGPError(text), {f"{self.folder}/": ""})
        text = text.replace("--faces none takes", "choose none under Faces, which takes")
        return OPTION.sub("", text)

    def close(self) -> None:
        """Stops what runs and removes all files of visitors."""
        self.worker.close()
        self._programs.close()
        self._temporary.cleanup()
