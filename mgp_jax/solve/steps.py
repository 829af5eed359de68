"""One phase on a batch: entered with variables, advanced by steps, finished with the best ones."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from mgp_jax.sharding import SPLIT, WHOLE
from mgp_jax.solve.phase import ResolvedPhase, moving, with_fields
from mgp_jax.solve.state import PROBLEM, Losses, Problem, State, Status


@partial(jax.jit, static_argnames=("phase",))
def begin(problem: Problem, variables: Any, status: jax.Array, phase: ResolvedPhase) -> State:
    """Enters a phase.

    Args:
        problem: what stays the same.
        variables: where to start, a batch.
        status: int32[B], how the phase before ended; an image that has reached its target or has
            diverged rests.
        phase: the phase.
    """
    begun = Status.RUNNING if phase.steps else Status.FINISHED

    def enter(given: Any, variables: Any, status: jax.Array) -> State:
        variables, held = phase.enter(given, variables, phase)
        rests = (status == Status.TARGET) | (status == Status.DIVERGED)
        # Not NaN: whoever debugs with jax_debug_nans must find theirs, not ours.
        history = jnp.full(phase.steps, jnp.inf, jnp.float32)
        return State(
            variables=variables,
            best=variables,
            best_loss=jnp.asarray(jnp.inf, jnp.float32),
            optimizer=phase.transform(held, phase).init(moving(variables, phase)),
            held=held,
            step=jnp.asarray(0, jnp.int32),
            status=jnp.where(rests, status, begun).astype(jnp.int32),
            watched_loss=jnp.asarray(jnp.inf, jnp.float32),
            watched_step=jnp.asarray(0, jnp.int32),
            history=Losses(history, history),
        )

    run = phase.over_images(_each(phase, enter), WHOLE, SPLIT, SPLIT)
    return run(problem.given, variables, status)


@partial(jax.jit, static_argnames=("phase",))
def advance(problem: Problem, state: State, steps: int | jax.Array, phase: ResolvedPhase) -> State:
    """Runs up to `steps` further steps of a phase on a batch; fewer if all images have stopped.

    The number of steps is a traced argument, so all chunks share one compiled program and their
    lengths cannot change a result.
    """
    if not phase.steps:
        return state

    def loop(target: Any, state: State, one: Callable[[Any, State], State], end: Any) -> State:
        def unfinished(state: State) -> jax.Array:
            return jnp.any((state.status == Status.RUNNING) & (state.step < end))

        return lax.while_loop(unfinished, lambda state: one(target, state), state)

    def run(problem: Problem, state: State, steps: jax.Array) -> State:
        end = jnp.max(state.step) + steps

        def one(target: Any, state: State) -> State:
            return step(problem.given, target, state, phase)

        if phase.one_by_one:
            pairs = (problem.target, state)
            return lax.map(lambda pair: loop(pair[0], pair[1], one, end), pairs)
        return loop(problem.target, state, jax.vmap(one), end)

    return phase.over_images(run, PROBLEM, SPLIT, WHOLE)(problem, state, steps)


def step(given: Any, target: Any, state: State, phase: ResolvedPhase) -> State:
    """Does one step for one image: loss and gradient, bookkeeping, update; nothing once stopped."""
    variables = moving(state.variables, phase)

    def objective(variables: dict[str, Any]) -> tuple[jax.Array, Losses]:
        moved = with_fields(state.variables, variables)
        losses = phase.objective(given, target, moved, state.held, phase)
        return losses.total, losses

    with phase.computing():
        gradients, losses = jax.grad(objective, has_aux=True)(variables)
    update: Any = phase.transform(state.held, phase).update
    updates, optimizer = update(gradients, state.optimizer, variables)
    updated: Any = optax.apply_updates(variables, updates)
    if phase.project is not None:
        updated = phase.project(updated, state.held, phase)

    improved = losses.total < state.best_loss
    undercut = losses.total < state.watched_loss * 0.999
    watched_step = jnp.where(undercut, state.step, state.watched_step)
    done = state.step + 1
    status = jnp.where(done >= phase.steps, Status.FINISHED, Status.RUNNING)
    if phase.patience is not None:
        waited = done - watched_step > phase.patience
        status = jnp.where(waited, Status.PLATEAU, status)
    status = jnp.where(losses.error < target.tolerance, Status.TARGET, status)
    status = jnp.where(jnp.isfinite(losses.total), status, Status.DIVERGED)

    new = State(
        variables=with_fields(state.variables, updated),
        best=select(improved, state.variables, state.best),
        best_loss=jnp.where(improved, losses.total, state.best_loss),
        optimizer=optimizer,
        held=state.held,
        step=done,
        status=status.astype(jnp.int32),
        watched_loss=jnp.where(undercut, losses.total, state.watched_loss),
        watched_step=watched_step,
        history=jax.tree.map(lambda h, x: h.at[state.step].set(x), state.history, losses),
    )
    return select(state.status == Status.RUNNING, new, state)


@partial(jax.jit, static_argnames=("phase",))
def finish(problem: Problem, state: State, phase: ResolvedPhase) -> tuple[Any, jax.Array]:
    """Returns each image's best variables and their objectives float[B].

    The iterate behind the last step has not been looked at yet; it counts too.
    """

    def run(problem: Problem, state: State) -> tuple[Any, jax.Array]:
        def conclude(given: Any, target: Any, state: State) -> tuple[Any, jax.Array]:
            with phase.computing():
                loss = phase.objective(given, target, state.variables, state.held, phase).total
            variables = select(loss < state.best_loss, state.variables, state.best)
            return variables, jnp.fmin(loss, state.best_loss)

        return _each(phase, conclude)(problem.given, problem.target, state)

    return phase.over_images(run, PROBLEM, SPLIT)(problem, state)


def select(condition: jax.Array, yes: Any, no: Any) -> Any:
    """Chooses between two pytrees by a boolean scalar."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def _each(phase: ResolvedPhase, function: Callable) -> Callable:
    """Maps a function of what is given and of one image's values over the images of a batch."""

    def run(given: Any, *batches: Any) -> Any:
        if phase.one_by_one:
            return lax.map(lambda items: function(given, *items), batches)
        return jax.vmap(function, in_axes=(None, *[0] * len(batches)))(given, *batches)

    return run
