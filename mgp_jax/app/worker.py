"""One worker owns the device: what visitors ask for waits in line, and can be cancelled.

A task is a function of its `Ticket`. It tells the ticket how far it is, and is stopped there once
the ticket has been cancelled. What takes a moment (a slider that is pulled) is done between two
reports of what takes minutes.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from mgp_jax.errors import MGPError

# More would wait for an hour.
MOST_WAITING = 20
# As often as who waits learns how many are before.
SECONDS_BETWEEN_LOOKS = 1.0


class CancelledError(Exception):
    """The task is no longer wanted."""


class Ticket:
    """A task, from the moment it waits in line until it has ended.

    Args:
        task: what to do; it returns the result.
        owner: whose it is.
        quick: whether it takes a moment.
        worker: who does it.
    """

    def __init__(self, task: Callable[["Ticket"], Any], owner: str, quick: bool, worker: "Worker"):
        self.owner, self.quick = owner, quick
        self._task, self._worker = task, worker
        self._changed = threading.Condition()
        self._told: list[Any] = []
        self._cancelled = self._ended = False
        self._result: Any = None
        self._error: BaseException | None = None

    def tell(self, news: Any) -> None:
        """Reports how far the task is; a report that nobody has seen yet is replaced.

        Called by the task itself. What takes a moment is done before it returns.

        Raises:
            CancelledError: the task is no longer wanted.
        """
        with self._changed:
            self._told = [news]
            self._changed.notify_all()
        if not self.quick:
            self._worker.do_quick()
        if self._cancelled:
            raise CancelledError

    def cancel(self) -> None:
        """Says that the task is no longer wanted; it ends at its next report, or never begins."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def watch(self) -> Iterator[Any]:
        """Yields the number of tasks before this one while it waits, then what it tells.

        Who stops watching cancels it.

        Raises:
            CancelledError: it has been cancelled.
            Exception: what the task has raised.
        """
        try:
            while True:
                with self._changed:
                    if not self._told and not self._ended and not self._cancelled:
                        self._changed.wait(SECONDS_BETWEEN_LOOKS)
                    told, self._told = self._told, []
                    ended = self._ended or self._cancelled
                if told:
                    yield told[0]
                elif not ended and (before := self._worker.before(self)) is not None:
                    yield before
                if ended:
                    break
        finally:
            self.cancel()
        if self._error is not None:
            raise self._error
        if not self._ended:
            raise CancelledError

    def result(self) -> Any:
        """Waits for the end and returns the result; raises what `watch` does."""
        for _ in self.watch():
            pass
        return self._result

    def run(self) -> None:
        """Does the task; what it raises is kept for who watches."""
        try:
            if self._cancelled:
                raise CancelledError
            self._result = self._task(self)
        except BaseException as error:  # The worker goes on, whatever a task runs into.
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class Worker:
    """The thread that owns the device, and the line before it."""

    def __init__(self) -> None:
        self._line: deque[Ticket] = deque()
        self._running: list[Ticket] = []
        self._afterwards: dict[str, Callable[[], None]] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="mgp device", daemon=True)
        self._thread.start()

    def submit(self, task: Callable[[Ticket], Any], owner: str, quick: bool = False) -> Ticket:
        """Puts a task in line, in place of another of its owner that takes as long.

        Raises:
            MGPError: too many are waiting.
        """
        ticket = Ticket(task, owner, quick, self)
        with self._changed:
            self._cancel(lambda other: (other.owner, other.quick) == (owner, quick))
            if self._closed or len(self._line) >= MOST_WAITING:
                raise MGPError(f"{len(self._line)} others are waiting, please try again later")
            self._line.append(ticket)
            self._changed.notify_all()
        return ticket

    def before(self, ticket: Ticket) -> int | None:
        """Returns how many tasks come before a waiting one, None if it does not wait."""
        with self._changed:
            if ticket not in self._line:
                return None
            long = [other for other in self._running if not other.quick]
            return self._line.index(ticket) + len(long)

    def cancel(self, owner: str) -> None:
        """Cancels all that somebody has asked for."""
        with self._changed:
            self._cancel(lambda ticket: ticket.owner == owner)

    def afterwards(self, owner: str, then: Callable[[], None]) -> None:
        """Does something once nothing of an owner's runs: what is cancelled may still write."""
        with self._changed:
            runs = self._runs(owner)
            if runs:
                self._afterwards[owner] = then
        if not runs:
            then()

    def do_quick(self) -> None:
        """Does what is waiting and takes a moment; called by a task that does not."""
        while ticket := self._next(quick_only=True):
            self._do(ticket)

    def close(self) -> None:
        """Cancels everything, and waits until the running task has ended."""
        with self._changed:
            self._closed = True
            self._cancel(lambda _: True)
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while not self._closed:
            with self._changed:
                self._changed.wait_for(lambda: self._line or self._closed)
            if ticket := self._next():
                self._do(ticket)

    def _next(self, quick_only: bool = False) -> Ticket | None:
        """Takes the next ticket out of the line: what takes a moment comes first."""
        with self._changed:
            quick = [ticket for ticket in self._line if ticket.quick]
            chosen = next(iter(quick or (() if quick_only else self._line)), None)
            if chosen is not None:
                self._line.remove(chosen)
                self._running.append(chosen)
            return chosen

    def _do(self, ticket: Ticket) -> None:
        ticket.run()
        with self._changed:
            self._running.remove(ticket)
            last = not self._runs(ticket.owner)
            then = self._afterwards.pop(ticket.owner, None) if last else None
        if then is not None:
            then()

    def _cancel(self, wanted: Callable[[Ticket], bool]) -> None:
        """Cancels tasks; those that wait leave the line. The caller holds the lock."""
        for ticket in (*self._line, *self._running):
            if wanted(ticket):
                ticket.cancel()
        self._line = deque(ticket for ticket in self._line if not ticket._cancelled)

    def _runs(self, owner: str) -> bool:
        return any(ticket.owner == owner for ticket in self._running)
