"""How a solution is computed."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from mgp_jax.errors import SettingError
from mgp_jax.precision import halves_pay

PRECISIONS = ("auto", "float32", "mixed", "bfloat16")


@dataclass(frozen=True)
class Execution:
    """How a solution is computed; nothing but rounding depends on it.

    Attributes:
        mesh: devices over which the batch is split (`sharding.batch_mesh`); None for one.
        precision: of what the networks compute while codes are optimised; variables, optimiser,
            losses and final images are float32 in any case. `float32`; `bfloat16`; `mixed`, on CPU:
            matrices rounded to bfloat16, their products and all else float32 (on GPU and TPU JAX's
            default for float32 is like it, TF32 or bfloat16); `auto`: `mixed` where the processor
            has instructions for it and JAX has not been told a precision, else `float32`.
        slices: 0 to keep everything for the gradient; otherwise the codes run through the head in
            so many equal slices, and heads and tails are computed again instead of kept.
        chunk: number of steps between two reports of progress.
        chunk_seconds: report more often where so many steps take longer than this; None for never.
            Reports after a multiple of `chunk` steps remain.

    Raises:
        SettingError: a setting is out of range.
    """

    mesh: Mesh | None = None
    precision: str = "auto"
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

    @property
    def dtype(self) -> jnp.dtype:
        """Type of the networks' parameters, and with them of all that they compute."""
        return jnp.dtype("bfloat16" if self.precision == "bfloat16" else "float32")

    @property
    def mixed(self) -> bool:
        """Whether matrices are rounded to bfloat16 on this machine, and all else is float32."""
        if jax.default_backend() != "cpu" or self.precision not in ("auto", "mixed"):
            return False
        told = jax.config.values["jax_default_matmul_precision"]
        return self.precision == "mixed" or (told is None and halves_pay())
