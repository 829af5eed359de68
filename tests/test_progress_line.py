"""Progress on one line: rewritten on a terminal, updated in a notebook."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from mgp_jax import ProgressLine
from mgp_jax.solve import Progress


def report(step: int, running: int = 1) -> Progress:
    return Progress(0, step, 20, running, 0.0123, 25.04, None)  # type: ignore[arg-type]


def test_on_a_terminal(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    line = ProgressLine("colorizing")
    for step in (5, 20):
        line(report(step))
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and told.err.endswith("s\n")
    first, second = told.err.strip("\r\n").split("\r")
    assert first.startswith("colorizing: step 5/20, loss 0.0123, PSNR 25.0 dB, ")
    assert second.startswith("colorizing: step 20/20, ")


def test_in_a_notebook_one_output_is_updated(monkeypatch: pytest.MonkeyPatch):
    shown: list[tuple[str, str]] = []

    def display(data: dict[str, str], **settings: Any) -> Any:
        assert settings == {"raw": True, "display_id": True}
        shown.append(("new", data["text/plain"]))
        return SimpleNamespace(
            update=lambda data, raw: shown.append(("update", data["text/plain"]))
        )

    ipython, inner = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=1)  # type: ignore[attr-defined]
    inner.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", inner)
    line = ProgressLine()
    for step in (5, 10, 20, 5):
        line(report(step))
    assert [kind for kind, _ in shown] == ["new", "update", "update", "new"]
    assert "step 10/20" in shown[1][1]


def test_it_ends_where_all_images_have_stopped(capsys: pytest.CaptureFixture):
    ProgressLine()(report(7, running=0))
    assert capsys.readouterr().err.endswith("\n")
