"""The command that serves the application."""

import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from mgp_jax.cli.common import DEFAULT_GENERATOR, OK, Command, Flag


@dataclass(frozen=True, kw_only=True)
class App(Command):
    """Restore and edit photographs on a page in the browser, on this computer alone.

    Needs the extra `app`: pip install 'mgp_jax[app]'. Ctrl-C ends it, and removes what visitors
    have uploaded.

    Example: mgp app --generator faces1024 faces64 --open
    """

    name: ClassVar[str] = "app"

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN...")] = ()
    """Folders of runs whose reports are shown."""
    generator: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME|FILE...")] = (
        DEFAULT_GENERATOR,
    )
    """Generators to choose from: bundled ones (faces1024, faces64), files written by mgp-convert.
    No others are read."""
    port: int = 7860
    """Where to listen, on 127.0.0.1; 0 takes any free port."""
    open: Flag = False
    """Open the page in the browser."""

    def run(self, argv: Sequence[str]) -> int:
        """Serves the page until it is interrupted."""
        from mgp_jax.app import serve

        def started(address: str) -> None:
            self.telling.answer({"address": address}, address)
            if self.open:
                webbrowser.open(address)

        with suppress(KeyboardInterrupt):  # That is how it ends.
            serve(self.generator, self.runs, self.port, started)
        return OK
