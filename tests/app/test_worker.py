"""The line before the device: order, cancelling, what takes a moment, who leaves."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mgp_jax.app import worker as worker_module
from mgp_jax.app.worker import CancelledError, Ticket, Worker
from mgp_jax.errors import MGPError, SettingError


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(worker_module, "SECONDS_BETWEEN_LOOKS", 0.02)
    worker = Worker()
    yield worker
    worker.close()


class Gate:
    """A task that goes one step whenever it is let."""

    def __init__(self) -> None:
        self.began, self.steps, self.done = threading.Event(), threading.Semaphore(0), []

    def __call__(self, ticket: Ticket) -> str:
        self.began.set()
        while True:
            assert self.steps.acquire(timeout=10)
            ticket.tell(len(self.done))
            self.done.append(1)
            if len(self.done) == 3:
                return "result"


def started(worker: Worker, owner: str) -> tuple[Gate, Ticket]:
    gate = Gate()
    ticket = worker.submit(gate, owner)
    assert gate.began.wait(10)
    return gate, ticket


def test_news_and_result(worker: Worker):
    gate, ticket = started(worker, "a")
    news = ticket.watch()
    for number in range(3):
        gate.steps.release()
        assert next(news) == number
    assert list(news) == []
    assert ticket.result() == "result"


def test_one_after_another_in_the_order_in_which_they_came(worker: Worker):
    order: list[str] = []
    gate, first = started(worker, "a")
    others = [worker.submit(lambda _, name=name: order.append(name), name) for name in "bcd"]
    assert [next(ticket.watch()) for ticket in others[:1]] == [1]
    gate.steps.release(3)
    assert first.result() == "result"
    for ticket in others[1:]:
        ticket.result()
    # Who stopped watching did not want it any more.
    assert order == ["c", "d"]


def test_who_waits_learns_how_many_are_before(worker: Worker):
    gate, _ = started(worker, "a")
    tickets = [worker.submit(lambda _: None, name) for name in "bc"]
    assert [worker.before(ticket) for ticket in tickets] == [1, 2]
    gate.steps.release(3)
    tickets[1].result()
    assert worker.before(tickets[1]) is None


def test_what_takes_a_moment_does_not_wait_for_what_takes_minutes(worker: Worker):
    gate, slow = started(worker, "a")
    quick = worker.submit(lambda _: threading.current_thread(), "b", quick=True)
    gate.steps.release()
    # On the same thread: one at a time has the device.
    assert quick.result() is worker._thread
    assert len(gate.done) <= 1
    gate.steps.release(2)
    assert slow.result() == "result"


def test_cancelled_at_its_next_report(worker: Worker):
    gate, ticket = started(worker, "a")
    ticket.cancel()
    with pytest.raises(CancelledError):
        ticket.result()
    gate.steps.release(3)
    assert worker.submit(lambda _: "next", "b").result() == "next"
    assert gate.done == []


def test_who_leaves_frees_the_slot_and_leaves_others_alone(worker: Worker):
    gate, ticket = started(worker, "a")
    mine, theirs = (worker.submit(lambda _, n=name: n, name, quick=False) for name in ("a2", "b"))
    worker.cancel("a")
    worker.cancel("a2")
    gate.steps.release(3)
    assert theirs.result() == "b"
    for gone in (ticket, mine):
        with pytest.raises(CancelledError):
            gone.result()


def test_what_is_done_afterwards_waits_for_what_runs(worker: Worker):
    did: list[str] = []
    began, go, done = threading.Event(), threading.Event(), threading.Event()

    def long(ticket: Ticket) -> None:
        began.set()
        assert go.wait(10)
        try:
            ticket.tell("how far")
        finally:
            did.append("long")

    worker.submit(long, "a")
    assert began.wait(10)
    worker.cancel("a")
    worker.afterwards("a", lambda: (did.append("afterwards"), done.set()))
    worker.afterwards("b", lambda: did.append("at once"))
    # Of the same owner, and done before the other one ends.
    worker.submit(lambda _: did.append("quick"), "a", quick=True)
    go.set()
    assert done.wait(10)
    assert did == ["at once", "quick", "long", "afterwards"]


def test_a_new_wish_takes_the_place_of_the_one_before(worker: Worker):
    gate, old = started(worker, "a")
    waiting = worker.submit(lambda _: "older", "b")
    new = worker.submit(lambda _: "newer", "b")
    again = worker.submit(lambda _: "again", "a")
    gate.steps.release(3)
    assert (new.result(), again.result()) == ("newer", "again")
    for replaced in (old, waiting):
        with pytest.raises(CancelledError):
            replaced.result()


def test_what_a_task_raises_reaches_who_watches_and_the_worker_goes_on(worker: Worker):
    def fails(ticket: Ticket) -> Any:
        raise SettingError("no")

    with pytest.raises(SettingError, match="no"):
        worker.submit(fails, "a").result()
    assert worker.submit(lambda _: 1, "a").result() == 1


def test_a_line_that_is_too_long_is_refused(worker: Worker, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker_module, "MOST_WAITING", 2)
    gate, _ = started(worker, "a")
    for name in "bc":
        worker.submit(lambda _: None, name)
    with pytest.raises(MGPError, match="2 others are waiting"):
        worker.submit(lambda _: None, "d")
    gate.steps.release(3)


def test_closing_ends_what_runs():
    worker = Worker()
    gate, _ = started(worker, "a")
    gate.steps.release(3)
    worker.close()
    assert not worker._thread.is_alive()
    with pytest.raises(MGPError):
        worker.submit(lambda _: None, "b")
