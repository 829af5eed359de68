"""How precisely arrays are computed: in 32 bits, and what multiplies in fewer."""

from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import jax

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")

# JAX's name for products of matrices rounded to bfloat16; sums are of float32 here.
HALVES = "bfloat16"
# Of AMD from Zen 4 and of Intel from Cooper Lake on.
INSTRUCTIONS = frozenset({"avx512_bf16", "amx_bf16"})


@cache
def halves_pay(processor: Path = Path("/proc/cpuinfo")) -> bool:
    """Returns whether the processor says that it has instructions for products of bfloat16."""
    try:
        lines = processor.read_text().splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return not INSTRUCTIONS.isdisjoint(flags.split())


def single_precision(function: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """Lets a function compute in 32 bits with JAX's standard promotion of types.

    `jax_enable_x64` would make some of a loop's variables wider than the others, and optax does not
    know `jax_numpy_dtype_promotion=strict`. Other threads and what comes behind are not touched.
    """

    @wraps(function)
    def run(*arguments: Arguments.args, **named: Arguments.kwargs) -> Value:
        with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
            return function(*arguments, **named)

    return run
