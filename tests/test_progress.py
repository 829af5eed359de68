"""What a run says while it works: lines in a pipe, a bar on a terminal."""

import io
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from mgp_jax import progress
from mgp_jax.batch import Event
from mgp_jax.progress import Reporter
from mgp_jax.solve import Progress


def running(step: int, batch: int = 2) -> Progress:
    state: Any = SimpleNamespace(state=SimpleNamespace(step=np.full(batch, step)))
    return Progress(0, step, steps=40, running=batch, loss=0.0123456, psnr=21.97, snapshot=state)


def record(status: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "input": "photos/[b]a[/b].png", "error": None} | more


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def reporter(terminal: bool) -> tuple[Reporter, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=100, color_system=None)
    return Reporter(console, "invert"), stream


def test_a_pipe_gets_a_line_now_and_then(clock: SimpleNamespace):
    report, stream = reporter(terminal=False)
    with report.shown():
        for step in (10, 20, 30):
            report(Event(2, 5, running(step)))
            clock.seconds += 3
        assert stream.getvalue() == "invert: 2/5 images, step 30/40, loss 0.01235, PSNR 22.0 dB\n"
        # The end of a batch is always said.
        report(Event(4, 5, None, [record("ok"), record("ok")]))
    assert stream.getvalue().splitlines()[1:] == ["invert: 4/5 images"]


@pytest.mark.parametrize("terminal", [False, True])
def test_a_method_without_steps_says_what_is_done(clock: SimpleNamespace, terminal: bool):
    report, stream = reporter(terminal)
    with report.shown():
        report(Event(0, 2, running(0)._replace(steps=0, loss=np.nan, psnr=np.nan)))
        report(Event(2, 2, None, [record("ok"), record("ok")]))
    assert "invert: 2/2 images" in stream.getvalue() or terminal
    assert "step" not in stream.getvalue() and "nan" not in stream.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_what_went_wrong_is_named(clock: SimpleNamespace, terminal: bool):
    report, stream = reporter(terminal)
    name = "photos/" + "very-" * 40 + "long[red].png"
    failed = record("failed", input=name, error=f"{name}: is not an image")
    with report.shown():
        report(Event(3, 3, None, [record("ok"), failed, record("diverged", error="not finite")]))
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    lines = [line.strip() for line in plain.replace("\r", "\n").splitlines()]
    # Neither wrapped nor taken for markup.
    assert f"failed: {name}: is not an image" in lines
    assert "diverged, best iterate kept: photos/[b]a[/b].png" in lines


def test_a_terminal_gets_a_bar(clock: SimpleNamespace):
    report, stream = reporter(terminal=True)
    assert report._bar is not None
    (task,) = report._bar.tasks
    seen = []
    with report.shown():
        events = [
            Event(0, 5, running(20)),
            Event(2, 5, None, [record("ok"), record("ok")]),
            # One of the two in the last batch is a repetition.
            Event(4, 5, running(20)),
            Event(5, 5, None, [record("ok")]),
        ]
        for event in events:
            report(event)
            report._bar.refresh()
            seen.append(task.completed)
    np.testing.assert_allclose(seen, [0.2, 0.4, 0.9, 1.0])
    assert "0/5 images, step 20/40, loss 0.01235, PSNR 22.0 dB" in stream.getvalue()
    assert "5/5 images" in stream.getvalue()
