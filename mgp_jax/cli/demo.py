"""The command that shows all tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from mgp_jax.cli.common import Command


@dataclass(frozen=True, kw_only=True)
class Demo(Command):
    """Run all tasks on the bundled photograph and write a page to look at.

    Example: mgp demo --out demo
    """

    name: ClassVar[str] = "demo"

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("demo")
    """Folder for the results."""

    def run(self, argv: Sequence[str]) -> int:
        """Runs the tasks."""
        from mgp_jax.demo import run_demo

        return run_demo(self.out)
