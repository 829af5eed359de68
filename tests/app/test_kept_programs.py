"""How long compiled programs are kept."""

import jax
import pytest

from mgp_jax.app import programs
from mgp_jax.app.programs import Programs


def test_programs_are_kept_until_there_are_many(monkeypatch: pytest.MonkeyPatch):
    cleared: list[int] = []
    monkeypatch.setattr(jax, "clear_caches", lambda: cleared.append(1))
    monkeypatch.setattr(programs, "MOST_KINDS", 3)
    kept = Programs()
    for kind in "abcabcab":
        kept.make_room(kind)
    assert cleared == []
    kept.make_room("d")
    assert len(cleared) == 1
    for kind in "daef"[:3]:
        kept.make_room(kind)
    assert len(cleared) == 1
    kept.make_room("f")
    assert len(cleared) == 2
