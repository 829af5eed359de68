"""The tables: all methods on all tasks with the same budget, measured against the truth."""

from mgp_jax.tables.budget import Budget, parse_budget
from mgp_jax.tables.grid import GRID_TASKS, run_grid
from mgp_jax.tables.images import example_images, read_images
from mgp_jax.tables.run import Comparison, make_case, run_tables
from mgp_jax.tables.write import write_tables

__all__ = [
    "GRID_TASKS",
    "Budget",
    "Comparison",
    "example_images",
    "make_case",
    "parse_budget",
    "read_images",
    "run_grid",
    "run_tables",
    "write_tables",
]
