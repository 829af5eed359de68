"""Shows how far a run is: a bar on a terminal, plain lines in a pipe."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from mgp_jax.batch import Event
from mgp_jax.metrics import describe

SECONDS_BETWEEN_LINES = 5.0
# A narrower terminal has no room for the bar beside the text.
NARROW = 76


class Reporter:
    """Takes the events of a run and shows them.

    Args:
        console: where to write.
        label: what is running.
        quiet: show what went wrong and nothing else.
        verbose: show every chunk of steps with its phase and losses, and every record.
    """

    def __init__(self, console: Console, label: str, *, quiet: bool = False, verbose: bool = False):
        self.console, self.label = console, label
        self.quiet, self.verbose = quiet, verbose
        self._last_line = time.monotonic()
        self._bar: Progress | None = None
        # Not on a terminal that cannot move its cursor: every refresh would be a new line.
        if console.is_terminal and not console.is_dumb_terminal and not quiet:
            self._bar = Progress(*_columns(console.width), console=console, transient=True)
            self._task = self._bar.add_task(label, total=1.0, state="compiling")

    def __call__(self, event: Event) -> None:
        """Shows an event."""
        for note in () if self.quiet else event.notes:
            self._print(f"note: {note}")
        for record in event.records:
            if record["status"] == "failed":
                self._print(f"failed: {record['error']}")
            elif record["status"] == "diverged":
                self._print(f"diverged, best iterate kept: {record['input']}")
            elif self.verbose:
                self._print(f"{record['input']}: {_numbers(record)}")
            for note in () if self.quiet else record.get("notes", ()):
                self._print(f"note: {record['input']}: {note}")
        if self.quiet:
            return
        # A method without steps has nothing to tell before it is done.
        batch = event.progress if event.progress and event.progress.steps else None
        share = 0.0 if batch is None else batch.step / batch.steps
        state = f"{event.done}/{event.total} images"
        if batch is not None:
            state += f", step {batch.step}/{batch.steps}, loss {batch.loss:.4g}"
            state += f", PSNR {batch.psnr:.1f} dB"
            if self.verbose:
                state += f", phase {batch.phase + 1}, {batch.running} running"
        if self._bar is not None:
            running = 0 if batch is None else batch.state.step.shape[0]
            running = min(running, event.total - event.done)
            done = (event.done + share * running) / event.total
            self._bar.update(self._task, completed=done, state=state)
        if self.verbose or (self._bar is None and (batch is None or self._is_time())):
            self._last_line = time.monotonic()
            self._print(f"{self.label}: {state}")

    def _is_time(self) -> bool:
        return time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES

    def _print(self, text: str) -> None:
        # Not as markup: file names may hold square brackets.
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Shows the bar while the body runs."""
        if self._bar is None:
            yield
        else:
            with self._bar:
                yield


def _columns(width: int) -> list:
    """Returns the columns; the text is cut where a terminal is too narrow."""
    cut = Column(no_wrap=True, overflow="ellipsis")
    state = TextColumn("{task.fields[state]}", table_column=cut)
    if width < NARROW:
        return [state]
    label = TextColumn("{task.description}", table_column=Column(no_wrap=True))
    return [label, BarColumn(bar_width=None), state, TimeRemainingColumn(compact=True)]


def _numbers(record: dict) -> str:
    """Returns what is known of a restored image."""
    cost = f"{record['steps']} steps, {record['seconds']:.1f} s"
    return ", ".join([*describe(record), cost])
