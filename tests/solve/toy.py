"""A problem that is no generator: a quadratic over a dictionary, and the same in numpy."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from mgp_jax.solve import Losses, Problem, ResolvedPhase, Status, make_transform

STRETCH = np.array([1.0, 2.0, 0.5], np.float32)
POINTS = np.array([[1, 2, 3], [-1, 0.5, 0.2], [0.3, -2, 1]], np.float32)
COUNT = len(POINTS)


class Goal(NamedTuple):
    """What belongs to one image."""

    point: Any
    tolerance: Any


def problem(points: np.ndarray = POINTS, tolerance: float = 0.0) -> Problem:
    tolerances = np.full(len(points), tolerance, np.float32)
    return Problem({"stretch": jnp.asarray(STRETCH)}, Goal(jnp.asarray(points), tolerances))


def start(count: int = COUNT) -> dict[str, Any]:
    """What moves, what is only looked at, and what there is not."""
    number = jnp.arange(1.0, count + 1)
    far = number[:, None] * jnp.array([0.2, -0.4, 0.7])
    spread = number[:, None, None] * jnp.ones((2, 2)) / 4
    return {"far": far, "spread": spread, "absent": None, "still": number}


def objective(given: Any, target: Goal, variables: Any, held: Any, phase: Any) -> Losses:
    """Weighted squares around a point, plus the squares of the others, above a floor."""
    error = jnp.mean(jnp.square(given["stretch"] * variables["far"] - target.point))
    return Losses(error + held["weight"] * jnp.mean(1 + jnp.square(variables["spread"])), error)


def enter(given: Any, variables: Any, phase: ResolvedPhase) -> tuple[Any, Any]:
    """Holds a weight, and what the phase begins with."""
    return variables, {"weight": jnp.asarray(0.25), "far": variables["far"]}


def descend(rates: dict[str, float]) -> Callable[[Any, ResolvedPhase], Any]:
    def transform(held: Any, phase: ResolvedPhase) -> optax.GradientTransformation:
        return make_transform("sgd", "constant", phase.steps, rates)

    return transform


def adapt(held: Any, phase: ResolvedPhase) -> optax.GradientTransformation:
    return make_transform("adam", "cosine", phase.steps, {"far": 0.3, "spread": 0.1})


SLOW = descend({"far": 0.2, "spread": 0.5})
WILD = descend({"far": 1.0, "spread": 0.5})
ABSURD = descend({"far": 1e30, "spread": 0.5})


def phase_of(steps: int, transform: Any = SLOW, **settings: Any) -> ResolvedPhase:
    moves = settings.pop("moves", ("far", "spread", "absent"))
    return ResolvedPhase(steps, moves, enter, objective, transform, **settings)


class Expected(NamedTuple):
    """What numpy finds for one image."""

    far: np.ndarray
    spread: np.ndarray
    loss: float
    losses: np.ndarray
    errors: np.ndarray
    status: Status
    steps: int


def descended(
    number: int,
    steps: int,
    rate: float,
    tolerance: float = 0.0,
    patience: int | None = None,
    point: Any = None,
) -> Expected:
    """Plain gradient descent of one image with the rules of the solver written out."""
    point = POINTS[number] if point is None else np.asarray(point)
    far, spread = (np.asarray(start()[name][number], np.float64) for name in ("far", "spread"))
    losses, errors = np.full((2, steps), np.nan)
    best, status, done = (np.inf, far, spread), Status.FINISHED, 0
    lowest, since = np.inf, 0

    def look(far: np.ndarray, spread: np.ndarray) -> tuple[float, float]:
        error = float(np.mean((STRETCH * far - point) ** 2))
        return error + 0.25 * float(np.mean(1 + spread**2)), error

    for step in range(steps):
        losses[step], errors[step] = loss, error = look(far, spread)
        done = step + 1
        if loss < best[0]:
            best = loss, far, spread
        if loss < 0.999 * lowest:
            lowest, since = loss, step
        far = far - rate * 2 / 3 * STRETCH * (STRETCH * far - point)
        spread = spread - 0.5 * 0.25 * 2 / 4 * spread
        if not np.isfinite(np.float32(loss)):
            status = Status.DIVERGED
        elif error < tolerance:
            status = Status.TARGET
        elif patience is not None and done - since > patience:
            status = Status.PLATEAU
        else:
            continue
        break
    # What the last step led to counts too.
    loss, _ = look(far, spread)
    if loss < best[0]:
        best = loss, far, spread
    return Expected(best[1], best[2], best[0], losses, errors, status, done)


def bits(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)
