"""The programs of a solver: lowered, compiled and measured in one place."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from mgp_jax.errors import SettingError
from mgp_jax.solve.phase import ResolvedPhase
from mgp_jax.solve.state import Problem, State
from mgp_jax.solve.steps import advance


class Program(NamedTuple):
    """A compiled program.

    Attributes:
        run: calls it, with the arguments that are not static.
        compile_seconds: how long compilation took.
        memory: bytes of its arguments, results and temporaries, as the compiler states them; None
            where the backend does not say.
    """

    run: jax.stages.Compiled
    compile_seconds: float
    memory: int | None

    @property
    def required_memory(self) -> int:
        """The memory.

        Raises:
            SettingError: the backend does not say.
        """
        if self.memory is None:
            raise SettingError("memory limit: this backend does not say how much a program takes")
        return self.memory


def compile_program(lowered: Any) -> Program:
    """Compiles what `jax.jit(...).lower(...)` has returned."""
    began = time.perf_counter()
    compiled = lowered.compile()
    seconds = time.perf_counter() - began
    analysis = compiled.memory_analysis()
    memory = None
    if analysis is not None:
        memory = (
            analysis.argument_size_in_bytes
            + analysis.output_size_in_bytes
            + analysis.temp_size_in_bytes
            - analysis.alias_size_in_bytes
        )
    return Program(compiled, seconds, memory)


def compile_steps(problem: Problem, state: State, phase: ResolvedPhase) -> Program:
    """Compiles the steps of a phase; `run(problem, state, steps)`. Shapes are enough."""
    return compile_program(advance.lower(problem, state, 1, phase))


def measure_seconds(function: Callable[[], Any]) -> tuple[Any, float]:
    """Returns what a function computes, and the seconds until all of it is there."""
    began = time.perf_counter()
    result = jax.block_until_ready(function())
    return result, time.perf_counter() - began
