"""Which generators and batch sizes are timed."""

import pytest

from mgp_jax.benchmark.cost import Case
from mgp_jax.benchmark.device import curves, speed, variants
from mgp_jax.benchmark.device.setting import Setting

CASES = [
    ((), (), True),
    (("faces64",), (), True),
    (("faces1024",), (), False),
    ((), (4,), True),
    ((), (1, 16), False),
    (("faces64",), (16,), False),
]


@pytest.mark.parametrize(("networks", "batches", "expected"), CASES)
def test_names_and_sizes_choose(networks: tuple, batches: tuple, expected: bool):
    assert Setting(networks=networks, batches=batches).times("faces64", 4) is expected


def test_parts_time_what_is_chosen(monkeypatch: pytest.MonkeyPatch):
    setting = Setting(networks=("faces1024", "pggan:1024"), batches=(1, 64))
    monkeypatch.setattr(speed, "on_cpu", lambda: True)
    assert speed.workloads(setting) == [("faces1024", 1)]
    for module in (speed, curves, variants):
        monkeypatch.setattr(module, "on_cpu", lambda: False)
    pairs = [("faces1024", 1), ("pggan:1024", 1), ("faces1024", 64), ("pggan:1024", 64)]
    assert speed.workloads(setting) == pairs
    asked = []

    def no_measure(case: Case) -> dict:
        asked.append((case.generator, case.batch))
        return {"seconds": 1.0}

    monkeypatch.setattr(curves, "measure", no_measure)
    monkeypatch.setattr(curves, "run_reference", lambda *_: [])
    monkeypatch.setattr(curves, "find_spec", lambda _: True)
    assert list(curves.pytorch(setting)) == []
    assert asked == [("faces1024", 1), ("pggan:1024", 1)]
    assert list(variants.formulations(setting)) == []
