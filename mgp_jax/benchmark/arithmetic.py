"""Counts the arithmetic and the traffic of a step, and measures how fast the machine does such."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from mgp_jax.generators.formulations import AS_DEFINED, formulated
from mgp_jax.inversion import Inversion, outline
from mgp_jax.solve import Program


def count_flops(function: Callable[..., Any], *arguments: Any) -> float:
    """Counts the floating-point operations of all matrix products and convolutions of a function.

    Loops count with all their rounds. A multiplication and an addition are two operations.
    Convolutions count as they are defined, products with stuffed zeros left out, even where they
    are computed with fewer operations.

    Args:
        function: a function of pytrees of arrays that JAX can trace.
        *arguments: its arguments; their shapes are enough.
    """
    with formulated(AS_DEFINED):
        return _flops_of(jax.make_jaxpr(function)(*arguments).jaxpr)


def step_flops(inversion: Inversion, number: int = 0) -> float:
    """Returns the arithmetic of one step of one image: rendering, objective and their gradient.

    The gradient with respect to what goes through a frozen network takes as many operations as the
    network itself. The head counts only where a phase runs it in every step.

    Args:
        inversion: what is done.
        number: which of its phases.
    """
    problem, snapshots = outline(inversion, 1)
    phase = inversion.phases[number]
    target, state = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype),
        (problem.target, snapshots[number].state),
    )

    def objective(given: Any, target: Any, variables: Any, held: Any) -> jax.Array:
        return phase.objective(given, target, variables, held, phase).total

    return 2 * count_flops(objective, problem.given, target, state.variables, state.held)


def matrix_product_rate(size: int = 2048, repetitions: int = 5, dtype: Any = jnp.float32) -> float:
    """Measures how many operations a second the machine does in a matrix product of two squares.

    Args:
        size: length of a side.
        repetitions: the best of so many counts: what else runs on the machine only slows it down.
        dtype: type of the numbers.
    """
    a = jnp.ones((size, size), dtype)
    return 2 * size**3 / _shortest(lambda: product(a, a), repetitions)


def step_bytes(program: Program) -> float | None:
    """Returns how many bytes a step of a whole batch reads and writes, as the compiler counts.

    That is what goes in and out of all that it has merged into one pass; None where it does not
    say. The compiler counts the body of the loop once.
    """
    return (program.run.cost_analysis() or {}).get("bytes accessed")


def copy_rate(size: int = 2**25, repetitions: int = 5) -> float:
    """Measures how many bytes a second the machine reads and writes in the negation of an array.

    It is negated in place: memory that has never been touched would have to be found first, which
    a loop of steps does not do.

    Args:
        size: number of float32 elements, more than fit into its caches.
        repetitions: the best of so many counts.
    """
    x = jnp.ones(size, jnp.float32)

    def negate() -> jax.Array:
        nonlocal x
        x = negation(x)
        return x

    return 2 * x.nbytes / _shortest(negate, repetitions)


product, negation = jax.jit(jnp.matmul), jax.jit(jnp.negative, donate_argnums=0)


def _shortest(function: Callable[[], jax.Array], repetitions: int) -> float:
    best = math.inf
    for _ in range(repetitions + 1):  # The first one compiles.
        began = time.perf_counter()
        function().block_until_ready()
        best = min(best, time.perf_counter() - began)
    return best


def _flops_of(jaxpr: Any) -> float:
    total = 0.0
    for equation in jaxpr.eqns:
        name, parameters = equation.primitive.name, equation.params
        if name == "dot_general":
            (contracted, _), _ = parameters["dimension_numbers"]
            lengths = [equation.invars[0].aval.shape[axis] for axis in contracted]
            total += 2 * math.prod(equation.outvars[0].aval.shape) * math.prod(lengths)
        elif name == "conv_general_dilated":
            kernel = equation.invars[1].aval.shape
            outputs = kernel[parameters["dimension_numbers"].rhs_spec[0]]
            products = math.prod(equation.outvars[0].aval.shape) * math.prod(kernel) / outputs
            total += 2 * products / math.prod(parameters["lhs_dilation"])
        else:
            rounds = parameters["length"] if name == "scan" else 1
            total += rounds * sum(_flops_of(inner) for inner in _inner(parameters))
    return total


def _inner(parameters: dict[str, Any]) -> Iterator[Any]:
    """The programs within an operation: the body of a loop, what a jitted function does."""
    for value in parameters.values():
        inner = getattr(value, "jaxpr", value)
        if hasattr(inner, "eqns"):
            yield inner
