"""How much is examined, and what the parts ask of the machine."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

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
        networks: of the generators whose steps are timed these alone; all if empty.
        batches: the same of the batch sizes.
        began: when, on the clock of `time.perf_counter`.
    """

    seconds: float = SECONDS
    quick: bool = False
    networks: tuple[str, ...] = ()
    batches: tuple[int, ...] = ()
    began: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise SettingError(f"seconds: {self.seconds}, must be positive")

    def times(self, network: str, batch: int) -> bool:
        """Says whether a generator is to be timed at a batch size."""
        named = not self.networks or network in self.networks
        return named and (not self.batches or batch in self.batches)

    def chosen(self, workloads: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
        """Returns those generators and batch sizes that are to be timed."""
        return [workload for workload in workloads if self.times(*workload)]

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.began + self.seconds - time.perf_counter()


# Where a checkout or an installation is, for processes that a part starts.
ROOT = Path(__file__).parents[3]


def on_cpu() -> bool:
    """Whether the device to examine is the CPU itself."""
    return jax.default_backend() == "cpu"
