"""A first-order solver for one image, vmapped over images. It knows no generator.

`begin`, `advance` and `finish` are pure and work on batches: every image has its own optimiser,
best iterate and stopping, so that a result depends neither on the other images nor on how many
steps run at a time. `solve` is the loop around them. No function here reads or writes files.
"""

from mgp_jax.solve.execution import Execution
from mgp_jax.solve.loop import Progress, Solution, outline, report, solve
from mgp_jax.solve.phase import ResolvedPhase
from mgp_jax.solve.programs import Program, compile_program, compile_steps, measure_seconds
from mgp_jax.solve.state import Losses, Problem, Snapshot, State, Status
from mgp_jax.solve.steps import advance, begin, finish, select
from mgp_jax.solve.transforms import make_transform, within_ball

__all__ = [
    "Execution",
    "Losses",
    "Problem",
    "Program",
    "Progress",
    "ResolvedPhase",
    "Snapshot",
    "Solution",
    "State",
    "Status",
    "advance",
    "begin",
    "compile_program",
    "compile_steps",
    "finish",
    "make_transform",
    "measure_seconds",
    "outline",
    "report",
    "select",
    "solve",
    "within_ball",
]
