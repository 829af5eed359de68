"""The loop around the phases, on the host: chunks of steps, and reports of them."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.sharding import SPLIT, place
from mgp_jax.solve.execution import Execution
from mgp_jax.solve.phase import ResolvedPhase
from mgp_jax.solve.state import Losses, Problem, Snapshot, State, Status
from mgp_jax.solve.steps import advance, begin, finish


class Progress(NamedTuple):
    """What `solve` reports after each chunk.

    Attributes:
        phase: index of the phase.
        step: steps done, of all phases.
        steps: steps of all phases.
        running: how many images are still optimised.
        loss: mean objective of the last step.
        psnr: mean PSNR in dB that the errors stand for, those of values in [-1, 1].
        snapshot: where the solver stands.
    """

    phase: int
    step: int
    steps: int
    running: int
    loss: float
    psnr: float
    snapshot: Snapshot

    @property
    def state(self) -> State:
        """The batch's state."""
        return self.snapshot.state


class Solution(NamedTuple):
    """What was found for B images.

    Attributes:
        variables: the best ones, leaves with a leading axis B.
        loss: float[B], the objective of the last phase there.
        losses: float[B, steps], the objective of every step; NaN where a step was not done.
        errors: float[B, steps], the errors.
        status: int[B], see `Status`.
        steps: int[B], number of steps done.
    """

    variables: Any
    loss: np.ndarray
    losses: np.ndarray
    errors: np.ndarray
    status: np.ndarray
    steps: np.ndarray


def solve(
    problem: Problem,
    start: Callable[[], Any],
    phases: Sequence[ResolvedPhase],
    execution: Execution = Execution(),
    *,
    on_progress: Callable[[Progress], None] | None = None,
    resume: Snapshot | None = None,
) -> Solution:
    """Runs all phases, each from the best iterate of the one before.

    Args:
        problem: what stays the same.
        start: makes the variables to begin with, a batch; not called when resuming.
        phases: the phases.
        execution: how it is computed.
        on_progress: called after each chunk of steps.
        resume: where the same run was stopped, from `Progress.snapshot`; it ends as if it had not
            been.
    """
    mesh, count = execution.mesh, len(problem.target.tolerance)
    if resume is None:
        variables, status = place((start(), jnp.zeros(count, jnp.int32)), mesh, SPLIT)
        state = begin(problem, variables, status, phases[0])
        nothing: Any = np.full((count, sum(p.steps for p in phases)), np.nan, np.float32)
        resume = Snapshot(np.int32(0), state, np.zeros(count, np.int32), Losses(nothing, nothing))
    number, state, steps, past = resume
    state = place(jax.tree.map(jnp.asarray, state), mesh, SPLIT)
    while True:
        phase = phases[number]
        for current in chunks(problem, state, phase, execution.chunk, execution.chunk_seconds):
            state = current
            if on_progress is not None:
                snapshot = Snapshot(np.int32(number), state, steps, past)
                on_progress(report(snapshot, phases))
        variables, loss = finish(problem, state, phase)
        steps = steps + np.asarray(state.step)
        past = record(past, state, sum(p.steps for p in phases[:number]))
        number += 1
        if number == len(phases):
            break
        state = begin(problem, variables, state.status, phases[number])
    return Solution(
        variables=variables,
        loss=np.asarray(loss),
        losses=np.asarray(past.total),
        errors=np.asarray(past.error),
        status=np.asarray(state.status),
        steps=steps,
    )


def outline(
    problem: Problem, start: Callable[[], Any], phases: Sequence[ResolvedPhase]
) -> list[Snapshot]:
    """Returns what a snapshot looks like in every phase; to be called by `jax.eval_shape`.

    Args:
        problem: what stays the same.
        start: makes the variables to begin with.
        phases: the phases.
    """
    count = len(problem.target.tolerance)
    status = jnp.zeros(count, jnp.int32)
    past = jnp.zeros((count, sum(phase.steps for phase in phases)), jnp.float32)
    variables, snapshots = start(), []
    for number, phase in enumerate(phases):
        state = begin(problem, variables, status, phase)
        snapshots.append(Snapshot(jnp.int32(number), state, status, Losses(past, past)))
        variables, _ = finish(problem, state, phase)
    return snapshots


def chunks(
    problem: Problem,
    state: State,
    phase: ResolvedPhase,
    length: int,
    seconds: float | None = None,
) -> Iterator[State]:
    """Runs a phase to its end, `length` steps at a time, and yields the state behind each chunk.

    The next chunk is already dispatched when a state is yielded, so that looking at it does not
    leave the device idle. One dispatched after the last image has stopped does nothing.

    Args:
        problem: what stays the same.
        state: where to start.
        phase: the phase.
        length: steps of a chunk.
        seconds: divide chunks that would take longer than this; None for never.
    """
    done = int(np.max(np.asarray(state.step)))
    # The first steps show how fast it goes.
    size = length if seconds is None else 1

    def dispatch(state: State) -> tuple[State, int]:
        steps = min(size, length - done % length)
        return advance(problem, state, steps, phase), steps

    current, steps = dispatch(state)
    began = time.perf_counter()
    while done + steps < phase.steps:
        done += steps
        following, next_steps = dispatch(current)
        yield current
        if not np.any(np.asarray(current.status) == Status.RUNNING):
            return
        if seconds is not None:
            now = time.perf_counter()
            # Doubled at most: how long the first one took may be hidden by its compilation.
            wanted = min(2 * steps, int(steps * seconds / (now - began)))
            size, began = max(1, min(length, wanted)), now
        current, steps = following, next_steps
    yield current


def record(past: Losses, state: State, start: int) -> Losses:
    """Returns the losses of all phases so far: those of a phase join those of the phases before."""
    done = np.arange(state.history.total.shape[1]) < np.asarray(state.step)[:, None]

    def join(old: np.ndarray, new: jax.Array) -> np.ndarray:
        joined = np.array(old)
        joined[:, start : start + new.shape[1]] = np.where(done, new, np.nan)
        return joined

    return jax.tree.map(join, past, state.history)


def report(snapshot: Snapshot, phases: Sequence[ResolvedPhase]) -> Progress:
    """Sums up a state: mean of each image's last step, over the images that have one."""
    number, state = int(snapshot.phase), snapshot.state
    steps = np.asarray(state.step)
    last = np.maximum(steps - 1, 0)[:, None]
    # A phase without steps has no losses either.
    nothing = np.full((len(steps), 1), np.nan)
    losses, errors = (
        np.take_along_axis(np.concatenate([np.asarray(history), nothing], axis=1), last, axis=1)
        for history in state.history
    )
    # An image that rests in this phase, or has diverged, has none.
    finite = np.isfinite(losses)
    losses, errors = (x[finite] if finite.any() else nothing for x in (losses, errors))
    before = sum(phase.steps for phase in phases[:number])
    return Progress(
        phase=number,
        step=before + int(np.max(steps)),
        steps=sum(phase.steps for phase in phases),
        running=int(np.sum(np.asarray(state.status) == Status.RUNNING)),
        loss=float(np.mean(losses)),
        psnr=float(np.mean(10 * np.log10(4 / np.maximum(errors, 1e-12)))),
        snapshot=snapshot,
    )
