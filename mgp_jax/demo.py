"""The demonstration: every task on the bundled photograph, and a page with the results."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import resources
from pathlib import Path

from mgp_jax.batch import Job, Record, run
from mgp_jax.degradations import parse
from mgp_jax.generators import load_generator
from mgp_jax.inversion import resolve
from mgp_jax.planning import Plan, make_plan
from mgp_jax.progress import Reporter
from mgp_jax.report import write_contact_sheet, write_demo_page
from mgp_jax.tasks import tasks_for

# Its recipes are measured, and all tasks take a minute.
GENERATOR = "faces64"


def run_demo(out: Path, reporter_for: Callable[[str], Reporter]) -> Iterator[tuple[str, Record]]:
    """Runs all tasks on the bundled photograph and writes `out`/index.html.

    Args:
        out: folder for the results; a finished or stopped demo in it is continued.
        reporter_for: makes what shows the progress of a task.

    Yields: every task with its record as soon as it has been run.
    """
    with photograph() as path:
        for job in jobs(out):
            reporter = reporter_for(job.task)
            with reporter.shown():
                (record,) = run(job, [path], out / job.task, reporter)
            write_contact_sheet(out / job.task)
            yield job.task, record
    write_demo_page(out, [(t.command, out / t.command) for t in tasks_for("demo").values()])


def plan_demo(out: Path) -> list[Plan]:
    """Returns the plans of what `run_demo` would do; writes nothing."""
    with photograph() as path:
        return [make_plan(job, [path], out / job.task) for job in jobs(out)]


def jobs(out: Path) -> Iterator[Job]:
    """Yields the tasks of the demonstration with a given output folder."""
    generator = load_generator(GENERATOR)
    for task in tasks_for("demo").values():
        degradation = parse(task.spec(generator.resolution), generator.resolution)
        yield Job(
            task=task.command,
            inversion=resolve(generator, degradation),
            degradation=degradation,
            simulate=True,
            batch_size=1,
            note={"command": shlex.join(["mgp", "demo", "--out", str(out)])},
        )


def photograph() -> AbstractContextManager[Path]:
    """Opens the bundled photograph as a file."""
    return resources.as_file(resources.files("mgp_jax.assets") / "eileen_collins.png")
