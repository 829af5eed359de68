"""The engine: optimises codes and importances until the rendering matches the observation.

`start`, `begin`, `advance` and `finish` are pure and work on batches: every image has its own
optimiser, best iterate and stopping, so that a result depends neither on the other images nor on
how many steps run at a time. `invert` is the loop around them. No function here reads or writes
files.
"""

from mgp_jax.inversion.configuration import (
    Execution,
    InversionConfig,
    Setting,
    code_count,
    cut_of,
    default_cut,
    settings,
)
from mgp_jax.inversion.loop import Progress, Result, invert, outline, report
from mgp_jax.inversion.phases import advance, begin, draw, evaluate, finish, select
from mgp_jax.inversion.problem import Problem, pose
from mgp_jax.inversion.starts import image_keys, start
from mgp_jax.inversion.state import Snapshot, State, Status
from mgp_jax.inversion.updates import moving, within_ball

__all__ = [
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
    "code_count",
    "cut_of",
    "default_cut",
    "draw",
    "evaluate",
    "finish",
    "image_keys",
    "invert",
    "moving",
    "outline",
    "pose",
    "report",
    "select",
    "settings",
    "start",
    "within_ball",
]
