"""The command that runs the published benchmark of robust restoration."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import tyro

from mgp_jax.cli.comparing import Comparing


@dataclass(frozen=True, kw_only=True)
class Robust(Comparing):
    """Compare methods on the benchmark of robust restoration: tasks, strengths, and their chains.

    Upsampling, noise, JPEG and masks at five strengths each, and eleven chains of them at the
    middle one. Images are degraded by codecs and filters of others, restored by every method with
    the same budget, and measured against themselves. Tasks are upsampling, noise, jpeg, mask, and
    chains such as noise+jpeg.

    Example: mgp bench robust --images photos/ --out robust --lpips-vgg vgg.safetensors --budget 60s
    """

    name: ClassVar[str] = "robust"

    strengths: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N...")] = (1, 2, 3, 4, 5)
    """Strengths of the four tasks, 1 to 5."""

    def run(self, argv: Sequence[str]) -> int:
        """Runs what has no record yet and writes tables and plots."""
        from mgp_jax.tables import run_tables, write_tables
        from mgp_jax.tables.robust import SHOWN, robust_tasks

        tasks = tuple(robust_tasks(self.tasks, self.strengths))
        comparison = self.comparison(tasks=tasks, table=robust_tasks(), true=True)
        records = run_tables(comparison, self.out, self.show)
        return self.conclude(comparison, records, argv, partial(write_tables, metrics=SHOWN))
