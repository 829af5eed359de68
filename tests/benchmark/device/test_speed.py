"""What is measured at which size, and what is not even compiled."""

import pytest

from mgp_jax.benchmark.device import speed
from mgp_jax.benchmark.device.facts import Peak
from mgp_jax.benchmark.device.setting import Setting
from mgp_jax.doctor import Check


def test_what_cannot_fit_is_not_compiled(monkeypatch: pytest.MonkeyPatch):
    measured = []

    def workload(name: str, batch: int, peak: Peak, setting: Setting) -> Check:
        measured.append((name, batch))
        if name == "broken":
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return Check(name, True, "fast", {"program_bytes": [None, 10 * batch]})

    pairs = [("large", 1), ("broken", 1), ("large", 4), ("large", 16)]
    monkeypatch.setattr(speed, "workloads", lambda _: pairs)
    monkeypatch.setattr(speed, "workload", workload)
    monkeypatch.setattr(speed, "device_limit", lambda: 100.0)
    monkeypatch.setattr(speed, "measured_peak", lambda _: Peak(1.0, 1.0))
    found = [check.found for check in speed.speed(Setting())]
    assert found == ["fast", "does not fit", "fast", "does not fit"]
    assert measured == pairs[:3]
