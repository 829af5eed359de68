"""What a solver works on: the problem, which stays as it is, and the state, which changes."""

from enum import IntEnum
from typing import Any, NamedTuple

import jax

from mgp_jax.sharding import SPLIT, WHOLE


class Status(IntEnum):
    """Why the optimisation of an image stopped."""

    RUNNING = 0
    FINISHED = 1
    """All steps were done."""
    PLATEAU = 2
    """The objective had stopped falling."""
    TARGET = 3
    """The wanted error was reached."""
    DIVERGED = 4
    """The objective was not finite; the best iterate before that is kept."""


class Losses(NamedTuple):
    """What an iteration reports: the whole objective and the error that may end it."""

    total: jax.Array
    error: jax.Array


class Problem(NamedTuple):
    """What stays the same while a solver runs; a pytree.

    Attributes:
        given: what all images share.
        target: what belongs to each image, leaves with a leading axis. It has an attribute
            `tolerance`, float[B], the error at which an image stops.
    """

    given: Any
    target: Any


# How the parts of a problem lie on several devices.
PROBLEM = Problem(WHOLE, SPLIT)


class State(NamedTuple):
    """The state of a phase for one image (with a leading axis: for a batch); a pytree.

    Attributes:
        variables: the current iterate.
        best: the iterate with the lowest objective of the phase.
        best_loss: its objective.
        optimizer: state of the optimiser.
        held: what the phase has computed of the variables when it began, and holds fixed.
        step: number of steps done in the phase, int32.
        status: a `Status`, int32.
        watched_loss: the objective that must be undercut for the plateau test.
        watched_step: when it was last undercut.
        history: the losses of all steps of the phase, infinite where not done.
    """

    variables: Any
    best: Any
    best_loss: jax.Array
    optimizer: Any
    held: Any
    step: jax.Array
    status: jax.Array
    watched_loss: jax.Array
    watched_step: jax.Array
    history: Losses


class Snapshot(NamedTuple):
    """Where a solver stands between two chunks: all that is needed to go on; a pytree.

    Attributes:
        phase: index of the running phase, int32.
        state: the batch's state.
        steps: int32[B], number of steps done in the phases before.
        past: the losses of the phases before, float[B, steps of all phases]; NaN elsewhere.
    """

    phase: Any
    state: State
    steps: Any
    past: Losses
