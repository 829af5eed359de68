"""Shows how far a run is: a bar on a terminal, plain lines in a pipe."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from mgp_jax.batch import Event

SECONDS_BETWEEN_LINES = 5.0


class Reporter:
    """Takes the events of a run and shows them.

    Args:
        console: where to write.
        label: what is running.
    """

    def __init__(self, console: Console, label: str):
        self.console, self.label = console, label
        self._last_line = time.monotonic()
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[state]}"),
                TimeRemainingColumn(compact=True),
                console=console,
                transient=True,
            )
            self._task = self._bar.add_task(label, total=1.0, state="compiling")

    def __call__(self, event: Event) -> None:
        """Shows an event."""
        for record in event.records:
            if record["status"] == "failed":
                self._print(f"failed: {record['error']}")
            elif record["status"] == "diverged":
                self._print(f"diverged, best iterate kept: {record['input']}")
        batch = event.progress
        share = 0.0 if batch is None else batch.step / batch.steps
        state = f"{event.done}/{event.total} images"
        if batch is not None:
            state += f", step {batch.step}/{batch.steps}, loss {batch.loss:.4g}"
            state += f", PSNR {batch.psnr:.1f} dB"
        if self._bar is not None:
            running = 0 if batch is None else batch.state.step.shape[0]
            running = min(running, event.total - event.done)
            done = (event.done + share * running) / event.total
            self._bar.update(self._task, completed=done, state=state)
        elif batch is None or time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            self._print(f"{self.label}: {state}")

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
