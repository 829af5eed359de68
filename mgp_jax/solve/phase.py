"""A phase as the solver sees it: functions of variables, and how long they are improved."""

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import jax
import optax
from jax.sharding import Mesh

from mgp_jax.sharding import over_images
from mgp_jax.solve.state import Losses


@dataclass(frozen=True)
class ResolvedPhase:
    """What is fixed while a phase runs; static under `jax.jit`, so everything in it is hashable.

    The functions work on one image. They are handed the phase itself last, whose `settings` hold
    what they want to know. `given` is what all images share, `target` what belongs to this one.

    Attributes:
        steps: number of iterations.
        moves: which of the variables are optimised; those that are None are left out.
        enter: `enter(given, variables, phase)` returns the variables that the phase begins with
            and what it holds fixed.
        objective: `objective(given, target, variables, held, phase)` returns the losses.
        transform: `transform(held, phase)` returns the optax transform of the moving variables, a
            dictionary.
        project: `project(moved, held, phase)` returns the nearest moving variables that are
            allowed; None where all are.
        patience: stop an image when its objective has not fallen by a thousandth for so many
            steps; None to always use up all steps.
        one_by_one: run the images one after another instead of vmapped: for variables that are the
            weights of a network, which images cannot share.
        mesh: devices over which the batch is split.
        products: what JAX is told of matrix products while the phase is computed
            (`jax.default_matmul_precision`); None for nothing.
        settings: what the functions want to know.
    """

    steps: int
    moves: tuple[str, ...]
    enter: Callable[[Any, Any, "ResolvedPhase"], tuple[Any, Any]]
    objective: Callable[[Any, Any, Any, Any, "ResolvedPhase"], Losses]
    transform: Callable[[Any, "ResolvedPhase"], optax.GradientTransformation]
    project: Callable[[dict[str, Any], Any, "ResolvedPhase"], dict[str, Any]] | None = None
    patience: int | None = None
    one_by_one: bool = False
    mesh: Mesh | None = None
    products: str | None = None
    settings: Hashable = None

    def over_images(self, function: Callable, *specs: Any) -> Callable:
        """Lets every device run a function of batches on its part of them."""
        return over_images(function, self.mesh, *specs)

    def computing(self) -> AbstractContextManager[Any]:
        """Has what is traced within, gradients included, computed with the phase's products."""
        if self.products is None:
            return nullcontext()
        return jax.default_matmul_precision(self.products)


def fields_of(variables: Any) -> dict[str, Any]:
    """Returns variables, a named tuple or a dictionary, by name."""
    return dict(variables) if isinstance(variables, dict) else variables._asdict()


def with_fields(variables: Any, changes: dict[str, Any]) -> Any:
    """Returns variables with some of them replaced."""
    if isinstance(variables, dict):
        return {**variables, **changes}
    return variables._replace(**changes)


def moving(variables: Any, phase: ResolvedPhase) -> dict[str, Any]:
    """Returns the variables that a phase moves, by name; those that are None are left out."""
    fields = fields_of(variables)
    return {name: fields[name] for name in phase.moves if fields.get(name) is not None}
