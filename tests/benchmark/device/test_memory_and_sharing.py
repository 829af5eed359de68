"""A run is held against its limit, and processes beside this one are told apart."""

import pytest

from mgp_jax.benchmark.device import memory
from mgp_jax.benchmark.device.setting import Setting


@pytest.mark.parametrize(
    ("images", "used", "ok"), [(2, 100, True), (2, 106, False), (3, 100, False)]
)
def test_the_peak_counts_from_where_the_run_began(images: int, used: int, ok: bool):
    after = {"peak_bytes_in_use": 40 + used}
    before = {"bytes_in_use": 40, "peak_bytes_in_use": 1000}
    facts = {"limit": 100, "images": images, "slices": 0, "before": before, "after": after}
    check = memory.judged(facts)
    assert check.ok == ok and check.facts == facts and f"{images} of 8" in check.found
    without = memory.judged(facts | {"after": {}})
    assert without.ok == (images == 2) and "no statistics" in without.found


def test_a_backend_with_statistics_is_judged_by_the_second_process(monkeypatch: pytest.MonkeyPatch):
    known = {"limit": 100.0, "images": 2, "slices": 0, "before": {"bytes_in_use": 0}}
    answers = iter(
        ['{"after": {"peak_bytes_in_use": 900}}', '{"after": {"peak_bytes_in_use": 90}}']
    )
    caches = []

    def apart(program: str, setting: Setting, variables: dict[str, str]) -> list[str]:
        caches.append(variables["JAX_COMPILATION_CACHE_DIR"])
        assert "fitted(True)" in program
        return ["a warning", next(answers)]

    monkeypatch.setattr(memory, "statistics", lambda: {"bytes_in_use": 1})
    monkeypatch.setattr(memory, "_apart", apart)
    original = memory.judged
    monkeypatch.setattr(memory, "judged", lambda facts: original(known | facts))
    (check,) = memory.limit(Setting(quick=True))
    assert check.ok and len(caches) == 2 and len(set(caches)) == 1
    monkeypatch.setattr(memory, "_apart", lambda *_: "not ready after 1 s")
    (check,) = memory.limit(Setting(quick=True))
    assert not check.ok and check.found == "not ready after 1 s"


def test_processes_beside_this_one():
    assert memory._apart("print('one'); print(2)", Setting(), {}) == ["one", "2"]
    program = "import os, sys; sys.exit(os.environ['WORD'])"
    assert memory._apart(program, Setting(), {"WORD": "broken"}) == "broken"
    wait = "import time; time.sleep(60)"
    assert memory._apart(wait, Setting(seconds=1), {}) == "not ready after 1 s"
