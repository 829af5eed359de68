"""The command that compares all methods on all tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

import tyro

from mgp_jax.cli.comparing import Comparing
from mgp_jax.errors import SettingError


@dataclass(frozen=True, kw_only=True)
class Tables(Comparing):
    """Compare all methods on all tasks: tables in Markdown and JSON, plots, pictures.

    Every image is degraded, restored by every method with the same budget, and measured against
    itself.

    Example: mgp bench tables --images photos/ --out tables --budget 3s
    """

    name: ClassVar[str] = "tables"

    grid: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N...")] = (1, 5, 20, 40)
    """Numbers of codes of the figure that shows them against the cut; without a number there is no
    such figure."""
    grid_steps: Annotated[int, tyro.conf.arg(metavar="K")] = 60
    """Steps of every point of this figure."""
    samples: Annotated[int | None, tyro.conf.arg(metavar="K")] = None
    """Restorations of each image by every method, all within its budget: their mean is the result,
    and how well their spread predicts its error is measured. The recipe says unless given."""

    def run(self, argv: Sequence[str]) -> int:
        """Runs what has no record yet and writes tables and plots."""
        from mgp_jax.tables import GRID_TASKS, make_case, run_grid, run_tables, write_tables

        if (self.grid and min(self.grid) < 1) or self.grid_steps < 1:
            raise SettingError("grid: numbers of codes and of steps must be at least 1")
        comparison = self.comparison(tasks=self.tasks, samples=self.samples)

        def show_point(record: dict[str, Any]) -> None:
            self.say(f"{record['task']}, {record['codes']} codes at the cut {record['layer']}")

        records, points = run_tables(comparison, self.out, self.show), []
        if self.grid:
            tasks = [task for task in GRID_TASKS if task in (self.tasks or GRID_TASKS)]
            cases = {task: make_case(comparison, task) for task in tasks}
            truths, place = comparison.images.truths, self.out / "grid"
            points = run_grid(cases, truths, self.grid, self.grid_steps, place, show_point)
        return self.conclude(comparison, records, argv, partial(write_tables, grid=points))
