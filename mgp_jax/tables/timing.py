"""Measures how long something takes, the time of compilation apart."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from jax import monitoring

COMPILING = "/jax/core/compile/"


class Stopwatch:
    """What `timed` has measured.

    Attributes:
        seconds: time that passed, without compilation.
        compilation: time in which something was traced, lowered or compiled.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.compilation = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    """Measures the body; the numbers are there when it has ended."""
    watch, spans = Stopwatch(), []

    def listen(event: str, duration_secs: float, **kwargs: str | int) -> None:
        del kwargs
        if event.startswith(COMPILING):
            now = time.perf_counter()
            spans.append((now - duration_secs, now))

    monitoring.register_event_duration_secs_listener(listen)
    began = time.perf_counter()
    try:
        yield watch
    finally:
        total = time.perf_counter() - began
        monitoring.unregister_event_duration_listener(listen)
        watch.compilation = min(covered(spans), total)
        watch.seconds = total - watch.compilation


def covered(spans: list[tuple[float, float]]) -> float:
    """Returns how much time some spans cover together; they may overlap, as nested traces do."""
    total, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total
