"""How a solution is computed."""

from dataclasses import dataclass

from jax.sharding import Mesh

from mgp_jax.errors import SettingError

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Execution:
    """How a solution is computed; nothing but rounding depends on it.

    Attributes:
        mesh: devices over which the batch is split (`sharding.batch_mesh`); None for one.
        precision: `float32`, or `bfloat16` for what the networks compute; variables, optimiser and
            losses are float32 in any case.
        slices: 0 to keep everything for the gradient; otherwise the codes run through the head in
            so many equal slices, and heads and tails are computed again instead of kept.
        chunk: number of steps between two reports of progress.
        chunk_seconds: report more often where so many steps take longer than this; None for never.
            Reports after a multiple of `chunk` steps remain.

    Raises:
        SettingError: a setting is out of range.
    """

    mesh: Mesh | None = None
    precision: str = "float32"
    slices: int = 0
    chunk: int = 50
    chunk_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise SettingError(f"precision {self.precision}: there are {', '.join(PRECISIONS)}")
        if self.slices < 0:
            raise SettingError(f"slices: {self.slices}, must not be negative")
        if self.chunk < 1:
            raise SettingError(f"chunk: {self.chunk}, at least 1 is needed")
