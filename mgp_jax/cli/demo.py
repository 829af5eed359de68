"""The command that shows all tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from mgp_jax.cli.common import OK, SOME_FAILED, Command, DryRun


@dataclass(frozen=True, kw_only=True)
class Demo(Command):
    """Restore the bundled portraits at 1024 x 1024 pixels and write a page to look at.

    Example: mgp demo --out demo
    """

    name: ClassVar[str] = "demo"

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("demo")
    """Folder for the results."""

    everything: Annotated[bool, tyro.conf.arg(name="all")] = False
    """Inversion, noise and edits too, beside colours, super-resolution and a hole."""

    dry_run: DryRun = False
    """Write nothing: say what would run, and what time and memory it would take."""

    def run(self, argv: Sequence[str]) -> int:
        """Runs the tasks."""
        from mgp_jax.batch import summary
        from mgp_jax.demo import plan_demo, run_demo

        if self.dry_run:
            plans = plan_demo(self.out, self.everything)
            text = "\n\n".join(plan.text() for plan in plans)
            self.telling.answer([plan.as_json() for plan in plans], text)
            return OK
        records = {}
        for task, record in run_demo(self.out, self.telling.reporter, self.everything):
            records[task] = record
            self.telling.say(f"{task}: {summary([record])}")
        page = str(self.out / "index.html")
        self.telling.answer({"page": page, "records": records}, page)
        return OK if all(r["status"] == "ok" for r in records.values()) else SOME_FAILED
