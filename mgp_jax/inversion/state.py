"""What changes while an inversion runs: the state of a phase, and a snapshot of the whole."""

from enum import IntEnum
from typing import Any, NamedTuple

import jax

from mgp_jax.codes import Codes
from mgp_jax.objective import Losses


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


class State(NamedTuple):
    """The state of a phase for one image (with a leading axis: for a batch); a pytree.

    Attributes:
        codes: the current iterate.
        best: the iterate with the lowest objective of the phase.
        best_loss: its objective.
        optimizer: state of the optimiser.
        features: the feature maps of all codes, where the phase moves only their importances.
        whitening: coordinates of the importances, where the phase wants them.
        anchor: the composed map at the start of the phase, where the phase moves a residual on it
            or nothing in front of the cut.
        step: number of steps done in the phase, int32.
        status: a `Status`, int32.
        watched_loss: the objective that must be undercut for the plateau test.
        watched_step: when it was last undercut.
        history: the losses of all steps of the phase, infinite where not done.
    """

    codes: Codes
    best: Codes
    best_loss: jax.Array
    optimizer: Any
    features: Any
    whitening: jax.Array | None
    anchor: Any
    step: jax.Array
    status: jax.Array
    watched_loss: jax.Array
    watched_step: jax.Array
    history: Losses


class Snapshot(NamedTuple):
    """Where an inversion stands between two chunks: all that is needed to go on; a pytree.

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
