"""What is said of a compiled program."""

import time
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import pytest
import toy
from runs import assert_equal

from mgp_jax.errors import SettingError
from mgp_jax.solve import advance, begin, compile_program, compile_steps, measure_seconds

SIZES = {
    "argument_size_in_bytes": 1000,
    "output_size_in_bytes": 200,
    "temp_size_in_bytes": 30,
    "alias_size_in_bytes": 4,
}


def lowered(analysis: Any) -> Any:
    compiled = SimpleNamespace(memory_analysis=lambda: analysis, text="runs")

    def compile_slowly() -> Any:
        time.sleep(0.05)
        return compiled

    return SimpleNamespace(compile=compile_slowly)


def test_the_memory_is_what_lies_there_at_once():
    """What results share with arguments is there only once."""
    program = compile_program(lowered(SimpleNamespace(**SIZES)))
    assert program.memory == program.required_memory == 1000 + 200 + 30 - 4
    assert program.run.text == "runs"  # pyright: ignore[reportAttributeAccessIssue]
    assert 0.05 <= program.compile_seconds < 5


def test_a_backend_that_does_not_say():
    program = compile_program(lowered(None))
    assert program.memory is None
    with pytest.raises(SettingError, match="memory limit: this backend does not say"):
        _ = program.required_memory


def test_the_steps_of_a_phase():
    phase, problem = toy.phase_of(7), toy.problem()
    state = begin(problem, toy.start(), jnp.zeros(toy.COUNT, jnp.int32), phase)
    program = compile_steps(problem, state, phase)
    assert_equal(
        toy.bits(program.run(problem, state, 3)), toy.bits(advance(problem, state, 3, phase))
    )
    # Arguments, results, and hardly more.
    size = sum(leaf.nbytes for leaf in jax.tree.leaves((problem, state)))
    assert program.memory is not None and size <= program.memory < 20 * size
    # Shapes are enough to compile.
    shapes = jax.eval_shape(lambda: problem), jax.eval_shape(lambda: state)
    assert compile_steps(shapes[0], shapes[1], phase).memory == program.memory


def test_seconds_are_those_until_all_is_there():
    def work() -> jax.Array:
        time.sleep(0.05)
        return jnp.ones(3)

    result, seconds = measure_seconds(work)
    assert result.tolist() == [1, 1, 1] and 0.05 <= seconds < 5
