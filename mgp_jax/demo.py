"""The demonstration: tasks on the public portraits, and a page with the results."""

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from mgp_jax.batch import Event, Job, Record, load_codes, run
from mgp_jax.batch.records import RESULTS, write_records
from mgp_jax.degradations import Degradation, Mask, parse
from mgp_jax.editing import default_carry, find_direction, render_edits
from mgp_jax.generators import Generator, load_generator
from mgp_jax.images import to_uint8, write_image
from mgp_jax.inversion import draw_progress, resolve
from mgp_jax.inversion.resolve import DEFAULT_RECIPE
from mgp_jax.planning import Plan, make_plan
from mgp_jax.progress import Reporter
from mgp_jax.report import contact_sheet, write_contact_sheet, write_demo_page

GENERATOR = "faces1024"
COLLINS, HOPPER = "eileen_collins_aligned.png", "grace_hopper.png"
# Of the left eye in a face that is cut as FFHQ is, and of the hole over it: parts of the side.
EYE, HOLE = (0.47, 0.38), 3 / 16
# What the portrait is moved along, and how far, in standard deviations.
DIRECTIONS = ("smile", "age", "yaw")
STRENGTHS = (-2.0, -1.0, 0.0, 1.0, 2.0)
SECONDS_BETWEEN_PREVIEWS = 5.0


@dataclass(frozen=True)
class Shown:
    """One part of the demonstration.

    Attributes:
        command: the command that does it.
        photograph: the portrait.
        spec: the degradation in its text form; empty for the hole over an eye.
        recipe: the recipe's name.
    """

    command: str
    photograph: str
    spec: str
    recipe: str = DEFAULT_RECIPE


# The quickest first, so that there is soon something to look at.
PARTS = (
    Shown("colorize", HOPPER, "gray"),
    Shown("super-resolve", COLLINS, "down:16"),
    Shown("inpaint", COLLINS, ""),
)
REST = (
    Shown("invert", HOPPER, "identity"),
    Shown("denoise", COLLINS, "noise:0.1"),
    Shown("edit", COLLINS, "identity", "edit"),
)


def run_demo(
    out: Path, reporter_for: Callable[[str], Reporter], everything: bool = False
) -> Iterator[tuple[str, Record]]:
    """Restores the portraits and writes `out`/index.html, anew after every part.

    Meanwhile `out`/preview.png shows how far the running one is.

    Args:
        out: folder for the results; a finished or stopped demo in it is continued.
        reporter_for: makes what shows the progress of a part.
        everything: inversion, noise and edits too.

    Yields: every command with its record as soon as it has been run.
    """
    done = []
    with ExitStack() as files:
        for part, job in jobs(out, everything):
            reporter = reporter_for(part.command)
            preview = Preview(out / "preview.png", reporter)
            with reporter.shown():
                (record,) = run(job, [portrait(files, part)], out / part.command, preview)
            preview.path.unlink(missing_ok=True)
            write_contact_sheet(out / part.command)
            done.append((part.command, out / part.command))
            if part.command == "edit" and record["status"] == "ok":
                done.append(("directions", draw_edits(job, record, out / part.command)))
            write_demo_page(out, done)
            yield part.command, record


def draw_edits(job: Job, record: Record, folder: Path) -> Path:
    """Moves an inverted portrait along some directions, and draws a strip of each.

    Args:
        job: how it was inverted.
        record: of the inversion.
        folder: of the inversion.

    Returns: the folder with the strips, and with a record of each; they are not drawn again.
    """
    split, strips = job.inversion.split, folder / "edits"
    if (strips / RESULTS).exists():
        return strips
    codes = load_codes(folder / record["codes"], split)
    captions = [f"{strength:+g}" for strength in STRENGTHS]
    strips.mkdir(exist_ok=True)
    records = []
    for name in DIRECTIONS:
        direction = find_direction(name, split.generator, split.cut)
        frames = to_uint8(
            render_edits(split, codes, direction, STRENGTHS, residual=default_carry())
        )
        strip = contact_sheet([list(frames)], [name], headings=captions)
        write_image(strips / f"{direction.name}.png", strip)
        records.append({"input": name, "status": "ok", "output": f"{direction.name}.png"})
    write_records(strips / RESULTS, records)
    return strips


class Preview:
    """Takes the events of a run, and keeps the current rendering in a file.

    Args:
        path: the file; it is replaced every few seconds.
        reporter: takes the events too.
    """

    def __init__(self, path: Path, reporter: Reporter):
        self.path, self.reporter = path, reporter
        self._last = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Shows an event."""
        self.reporter(event)
        progress, inversion = event.progress, event.inversion
        if progress is None or inversion is None:
            return
        if time.monotonic() - self._last < SECONDS_BETWEEN_PREVIEWS:
            return
        image = np.asarray(draw_progress(inversion, progress))[0]
        write_image(self.path, np.clip(image, -1, 1))
        self._last = time.monotonic()


def plan_demo(out: Path, everything: bool = False) -> list[Plan]:
    """Returns the plans of what `run_demo` would do; writes nothing."""
    with ExitStack() as files:
        return [
            make_plan(job, [portrait(files, part)], out / part.command)
            for part, job in jobs(out, everything)
        ]


def jobs(out: Path, everything: bool) -> Iterator[tuple[Shown, Job]]:
    """Yields the parts of the demonstration, each with its job."""
    generator = load_generator(GENERATOR)
    command = ["mgp", "demo", "--out", str(out), *["--all"] * everything]
    for part in PARTS + REST * everything:
        degradation = degradation_of(part, generator)
        yield (
            part,
            Job(
                task=part.command,
                inversion=resolve(generator, degradation, part.recipe),
                degradation=degradation,
                blend=isinstance(degradation, Mask),
                simulate=True,
                batch_size=1,
                note={"command": shlex.join(command)},
            ),
        )


def degradation_of(part: Shown, generator: Generator) -> Degradation:
    """Returns what is done to a portrait before it is restored."""
    side = generator.resolution
    if part.spec:
        return parse(part.spec, side)
    known = np.ones((side, side), np.float32)
    rows, columns = (slice(round((c - HOLE / 2) * side), round((c + HOLE / 2) * side)) for c in EYE)
    known[rows, columns] = 0
    return Mask.from_array(known, "mask:eye")


def portrait(files: ExitStack, part: Shown) -> Path:
    """Opens a bundled portrait as a file."""
    return files.enter_context(
        resources.as_file(resources.files("mgp_jax.assets") / part.photograph)
    )
