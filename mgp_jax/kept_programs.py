"""Compiled programs are kept, but not without end: every kind of run has some of its own."""

import ctypes
import gc
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax

# So many belong to ten kinds of runs or so, which take half a gigabyte, of `faces1024` twice that.
MOST_PROGRAMS = 200
# Share of the areas of memory that Linux allows a process. Every program takes some, those of large
# images a thousand; beyond the limit the process ends. One method may take a third.
MOST_AREAS = 0.4
COMPILED = "/jax/core/compile/backend_compile_duration"


class Programs:
    """Counts the programs that are compiled, and lets go of all when there are many.

    JAX says neither which program belongs to which run nor which has not been used for long. Those
    on the disk stay, so that what is needed again is soon there.
    """

    def __init__(self) -> None:
        self._kept = 0
        jax.monitoring.register_event_duration_secs_listener(self._heard)

    def make_room(self) -> bool:
        """Makes room for the programs of a run that is about to begin, if there is little.

        Returns: whether all programs were let go of.
        """
        if self._kept <= MOST_PROGRAMS and areas_taken() <= MOST_AREAS:
            return False
        jax.clear_caches()
        self._kept = 0
        return_memory()
        return True

    def close(self) -> None:
        """Counts no longer."""
        jax.monitoring.unregister_event_duration_listener(self._heard)

    def _heard(self, event: str, duration_secs: float, **kwargs: Any) -> None:
        del duration_secs, kwargs
        self._kept += event == COMPILED


def areas_taken(
    taken: Path = Path("/proc/self/maps"), limit: Path = Path("/proc/sys/vm/max_map_count")
) -> float:
    """Returns what share it has of the areas of memory allowed to this process; 0 if unknown."""
    try:
        with taken.open("rb") as lines:
            return sum(1 for _ in lines) / int(limit.read_text())
    except OSError:
        return 0.0


def return_memory() -> None:
    """Gives memory that has been freed back to the system, which the C library of Linux does not.

    Compilers ask for it in pieces of all sizes, so that of what is free little would fit again.
    """
    gc.collect()
    # Other systems have no such function.
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
