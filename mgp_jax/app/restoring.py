"""Restores what a visitor wants: a run in a folder of its own, with a picture of how far it is."""

import json
import shlex
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mgp_jax.app.wishes import Prepared, Wish, command, job_of, prepare
from mgp_jax.app.worker import Ticket
from mgp_jax.batch import Event, Job, Record, run
from mgp_jax.errors import MGPError
from mgp_jax.files import replacing
from mgp_jax.generators import Generator
from mgp_jax.images import Reading, picture_url
from mgp_jax.inversion import draw_progress
from mgp_jax.report import write_contact_sheet, write_page

# Of the picture that becomes sharper.
LONGEST_PREVIEW = 512
# Drawing it may take this part of the time, but nobody waits longer for the next one.
SHARE_OF_DRAWING, LONGEST_PAUSE = 1 / 3, 5.0


@dataclass(frozen=True)
class Step:
    """How far a restoration is.

    Attributes:
        step: steps done.
        steps: steps in all; 0 while faces are looked for and programs compiled.
        seconds_left: as it looks; None while nothing is known.
        picture: the current rendering, as a URL; empty for none yet.
    """

    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
    picture: str = ""


@dataclass(frozen=True)
class Restored:
    """A restoration that is done.

    Attributes:
        wish: what was wanted.
        prepared: the files that were read.
        folder: the run's folder, as the command writes it.
        record: its record.
        command: the command that does the same.
    """

    wish: Wish
    prepared: Prepared
    folder: Path
    record: Record = field(repr=False)
    command: str

    @property
    def codes(self) -> list[Path]:
        """The codes: one file, or one for each face."""
        faces = self.record.get("faces") or [self.record]
        return [self.folder / face["codes"] for face in faces if face.get("codes")]

    @property
    def answers(self) -> list[Path]:
        """The single answers, where several were wanted: of the image, or of each face."""
        return sorted((self.folder / "samples").glob("*.png"))


class Watching:
    """Takes the events of a run, and tells the ticket with a picture of the current rendering.

    Args:
        job: what runs, with one photograph.
        ticket: whose it is.
    """

    def __init__(self, job: Job, ticket: Ticket):
        self.ticket = ticket
        self._starts = job.samples * job.restarts
        self._cost: float | None = None
        self._drawn = self._last = time.monotonic()
        self._picture, self._done, self._phase = "", 0, -1
        self._pace: float | None = None

    def __call__(self, event: Event) -> None:
        """Tells how far it is."""
        progress, inversion = event.progress, event.inversion
        if progress is None or inversion is None:
            return
        now = time.monotonic()
        steps = progress.step - self._done
        # The first report of a phase holds its compilation.
        if steps > 0 and progress.phase == self._phase:
            pace = (now - self._last) / steps
            self._pace = pace if self._pace is None else (self._pace + pace) / 2
        self._last, self._done, self._phase = now, progress.step, progress.phase
        pause = min((self._cost or 0) / SHARE_OF_DRAWING, LONGEST_PAUSE)
        if not self._picture or now - self._drawn >= pause:
            again = bool(self._picture)
            image = np.asarray(draw_progress(inversion, progress, self._starts))[0]
            self._picture = picture_url(np.clip(image, -1, 1), LONGEST_PREVIEW)
            self._drawn = time.monotonic()
            if again:
                took = self._drawn - now
                self._cost = took if self._cost is None else min(self._cost, took)
            else:  # The first time it is compiled, which the next report holds.
                self._phase = -1
        left = None if self._pace is None else self._pace * (progress.steps - progress.step)
        self.ticket.tell(Step(progress.step, progress.steps, left, self._picture))


def restore(
    wish: Wish, what: Generator, folder: Path, reading: Reading, ticket: Ticket
) -> Restored:
    """Restores a photograph.

    Args:
        wish: what is wanted.
        what: the generator.
        folder: where the photograph is and the run's files go; if it fails or is stopped, all that
            is there is removed.
        reading: how image files are read.
        ticket: is told how far it is.

    Raises:
        MGPError: the photograph or a setting cannot be used.
        CancelledError: it is no longer wanted.
    """
    try:
        ticket.tell(Step())
        prepared = prepare(wish, what, folder, reading)
        told = shlex.join(command(wish, prepared, folder))
        job = job_of(wish, what, prepared, reading, told)
        out = folder / f"{wish.input.stem}-restored"
        (record,) = run(job, [prepared.input], out, Watching(job, ticket))
        if record["status"] == "failed":
            raise MGPError(record["error"])
        forget_folder(out, folder)
        write_contact_sheet(out)
        write_page(out)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Restored(wish, prepared, out, record, told)


def forget_folder(out: Path, folder: Path) -> None:
    """Takes a folder of the server out of what a run has written about itself."""
    for file in (out / "settings.json", out / "results.jsonl"):
        text = file.read_text().replace(json.dumps(f"{folder}/")[1:-1], "")
        with replacing(file) as stream:
            stream.write(text.encode())
