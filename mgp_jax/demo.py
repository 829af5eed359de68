"""The demonstration: every task on the bundled photograph, and a page with the results."""

from importlib import resources
from pathlib import Path

from rich.console import Console

from mgp_jax.batch import Job, Record, run, summary
from mgp_jax.degradations import parse
from mgp_jax.generators import load_generator
from mgp_jax.inversion import InversionConfig
from mgp_jax.progress import Reporter
from mgp_jax.recipes import recipe_for
from mgp_jax.report import write_contact_sheet, write_demo_page

TASKS = (
    ("invert", "identity"),
    ("colorize", "gray"),
    ("super-resolve", "down:4"),
    ("inpaint", "mask:center:16"),
    ("denoise", "noise:0.1"),
)


def run_demo(out: Path) -> int:
    """Runs all tasks on the bundled photograph and writes `out`/index.html.

    Args:
        out: folder for the results; a finished or stopped demo in it is continued.

    Returns: exit status 0, or 1 if a task failed.
    """
    console = Console(stderr=True)
    generator = load_generator("faces64")
    folders: list[tuple[str, Path]] = []
    records: list[Record] = []
    with resources.as_file(resources.files("mgp_jax.assets") / "eileen_collins.png") as photograph:
        for task, spec in TASKS:
            degradation = parse(spec, generator.resolution)
            job = Job(
                task=task,
                generator=generator,
                degradation=degradation,
                config=InversionConfig(recipe=recipe_for("fast", degradation, generator.family)),
                simulate=True,
                batch_size=1,
            )
            reporter = Reporter(console, task)
            with reporter.shown():
                new = run(job, [photograph], out / task, reporter)
            write_contact_sheet(out / task)
            print(f"{task}: {summary(new)}")
            records += new
            folders.append((task, out / task))
    print(write_demo_page(out, folders))
    return 0 if all(record["status"] == "ok" for record in records) else 1
