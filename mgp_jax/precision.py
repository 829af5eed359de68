"""How arrays are computed whatever the rest of the process has told JAX."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import jax

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


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
