"""The engine: optimises codes and importances until the rendering matches the observation.

`start`, `begin`, `advance` and `finish` are pure and work on batches: every image has its own
optimiser, best iterate and stopping, so that a result depends neither on the other images nor on
how many steps run at a time. `invert` is the loop around them. No function here reads or writes
files.
"""

from mgp_jax.inversion.configuration import (
    PRECISIONS,
    Execution,
    InversionConfig,
    Setting,
    code_count,
    cut_of,
    default_cut,
    settings,
)
from mgp_jax.inversion.loop import Progress, Result, chunks, invert, outline, record, report
from mgp_jax.inversion.phases import advance, begin, draw, evaluate, finish, select, step
from mgp_jax.inversion.problem import PROBLEM, Problem, check_observations, observe, pose
from mgp_jax.inversion.starts import image_keys, start
from mgp_jax.inversion.state import Snapshot, State, Status
from mgp_jax.inversion.updates import direction, make_optimizer, moving, within_ball

__all__ = [
    "PRECISIONS",
    "PROBLEM",
    "Execution",
    "InversionConfig",
    "Problem",
    "Progress",
    "Result",
    "Setting",
    "Snapshot",
    "State",
    "Status",
    "advance",
    "begin",
    "check_observations",
    "chunks",
    "code_count",
    "cut_of",
    "default_cut",
    "direction",
    "draw",
    "evaluate",
    "finish",
    "image_keys",
    "invert",
    "make_optimizer",
    "moving",
    "observe",
    "outline",
    "pose",
    "record",
    "report",
    "select",
    "settings",
    "start",
    "step",
    "within_ball",
]
