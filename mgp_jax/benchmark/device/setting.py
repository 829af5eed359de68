"""How much is examined, and what the parts ask of the machine."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import jax

from mgp_jax.errors import SettingError

# Ten minutes with what starts and ends a process.
SECONDS = 570.0


@dataclass(frozen=True)
class Setting:
    """How much is examined.

    Attributes:
        seconds: all parts together.
        quick: the least that shows whether a part works: small networks, few steps.
        began: when, on the clock of `time.perf_counter`.
    """

    seconds: float = SECONDS
    quick: bool = False
    began: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise SettingError(f"seconds: {self.seconds}, must be positive")

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.began + self.seconds - time.perf_counter()


# Where a checkout or an installation is, for processes that a part starts.
ROOT = Path(__file__).parents[3]


Item = TypeVar("Item")
Found = TypeVar("Found")
MOST_THREADS = 8


def side_by_side(function: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[Found]:
    """Yields what a function returns for every item, in their order, computed in threads.

    Most of the time is that of compilers, each of which keeps one core busy.
    """
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        yield from pool.map(function, items)


def on_cpu() -> bool:
    """Whether the device to examine is the CPU itself."""
    return jax.default_backend() == "cpu"
