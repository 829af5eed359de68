"""Visitors: own folders, bounded in number and in what is kept of them."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mgp_jax.app import visitors as visitors_module
from mgp_jax.app.visitors import Visitors
from mgp_jax.app.worker import CancelledError, Ticket, Worker
from mgp_jax.errors import SettingError


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


@pytest.fixture
def visitors(tmp_path: Path, worker: Worker) -> Visitors:
    return Visitors(tmp_path / "visitors", worker)


def test_one_tab_is_one_visitor(visitors: Visitors):
    one, two = visitors.find("one"), visitors.find("two")
    assert visitors.find("one") is one and one is not two
    assert one.folder != two.folder
    assert one.new_folder("photo").parent == one.folder
    # A session is called whatever a browser likes.
    hostile = visitors.find("../../../etc")
    assert hostile.folder.parent == visitors.folder
    for nobody in (None, ""):
        with pytest.raises(SettingError, match="no session"):
            visitors.find(nobody)


def test_leaving_removes_files(visitors: Visitors):
    one = visitors.find("one")
    (one.new_folder("photo") / "file").write_text("x")
    visitors.leave("one")
    assert not one.folder.exists()
    visitors.leave("one")
    visitors.leave(None)
    # As what still runs for a closed tab does.
    assert visitors.find("one") is not one
    assert list(visitors.folder.iterdir()) == []


def test_what_still_runs_leaves_nothing_either(visitors: Visitors, worker: Worker):
    one, began, left = visitors.find("one"), threading.Event(), threading.Event()

    def writes_late(ticket: Ticket) -> None:
        began.set()
        assert left.wait(10)
        (one.folder / "run" / "images").mkdir(parents=True)
        ticket.tell("late")

    ticket = worker.submit(writes_late, one.name)
    assert began.wait(10)
    visitors.leave("one")
    left.set()
    worker.close()
    with pytest.raises(CancelledError):
        ticket.result()
    assert not one.folder.exists()


def test_the_one_not_seen_for_longest_goes(visitors: Visitors, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(visitors_module, "MOST_VISITORS", 2)
    one, two = visitors.find("one"), visitors.find("two")
    for visitor in (one, two):
        visitor.new_folder("photo")
    visitors.find("one")
    visitors.find("three")
    assert one.folder.exists() and not two.folder.exists()


def test_the_latest_runs_are_kept(visitors: Visitors, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(visitors_module, "MOST_RUNS", 2)
    visitor, folders = visitors.find("one"), []
    for _ in range(4):
        folders.append(visitor.new_folder("photo"))
        visitor.keep(folders[-1].name, object())
    # No name comes back, under which something else has been shown.
    assert [folder.name for folder in folders] == ["photo", "photo-2", "photo-3", "photo-4"]
    assert [folder.exists() for folder in folders] == [False, False, True, True]
    assert list(visitor.runs) == ["photo-3", "photo-4"]


def test_a_run_does_not_take_the_place_of_the_upload(visitors: Visitors):
    assert visitors.find("one").new_folder("Photograph").name == "Photograph-2"
