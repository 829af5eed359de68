"""The run itself: reads ahead, restores batch by batch, writes behind; memory stays bounded."""

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
from jax.experimental.multihost_utils import sync_global_devices

from mgp_jax.batch import folder as run_folder
from mgp_jax.batch.inputs import Input, find_inputs
from mgp_jax.batch.job import Job, Loaded, check, check_mask
from mgp_jax.batch.outputs import Record, empty_record, write_outputs, write_trajectory
from mgp_jax.batch.photos import Done, LoadedPhoto, load_input, write_photo
from mgp_jax.batch.records import Journal, conclude, records_by_name
from mgp_jax.batch.settings import checksum, settings_of
from mgp_jax.checkpoint import Checkpoints
from mgp_jax.errors import ImageError
from mgp_jax.faces import ALL, LARGEST
from mgp_jax.files import path_of
from mgp_jax.images import to_uint8
from mgp_jax.inversion import Inversion, draw_progress, outline
from mgp_jax.memory import at_a_time, device_limit, fit
from mgp_jax.portraits import batches_of as batches_of_faces
from mgp_jax.restoration import Restoration, run_restoration
from mgp_jax.sharding import batch_mesh
from mgp_jax.solve import Progress

# Images that are read at the same time, and that are measured and written.
THREADS = max(4, min(16, os.cpu_count() or 1))
STEPS_BETWEEN_FRAMES = 10
# As long as progress and Ctrl-C have to wait, at most, unless a single step takes longer.
SECONDS_BETWEEN_REPORTS = 2.0
SECONDS_BETWEEN_LOOKS = 1.0

Task = TypeVar("Task")
Value = TypeVar("Value")


class Event(NamedTuple):
    """A report of `run` on its progress.

    Attributes:
        done: images that have been restored or have failed.
        total: images in all.
        progress: of the running batch, or None when the results of a batch have been written.
        records: new records.
        notes: what is left out and what is gone, before the first batch.
        inversion: how the running batch is restored, which draws its progress.
    """

    done: int
    total: int
    progress: Progress | None
    records: Sequence[Record] = ()
    notes: Sequence[str] = ()
    inversion: Inversion | None = None


def run(
    job: Job,
    inputs: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    on_event: Callable[[Event], None] = lambda event: None,
    overwrite: bool = False,
) -> list[Record]:
    """Restores all images and writes the results as they come.

    All local devices share each batch. With P processes (`jax.distributed`) each takes every P-th
    batch and returns when all have finished.

    Args:
        job: what to do.
        inputs: image files and folders.
        out: the output folder, made if needed; the same for all processes.
        on_event: called while it works.
        overwrite: start anew, whatever run the folder holds.

    Returns: the records of all inputs, in input order.

    Raises:
        ImageError: an input does not exist, or a folder has no images.
        SettingError: a setting is out of range, or the output folder cannot be written or holds a
            run with other settings.
        OutputError: a result cannot be written. What has been written is complete, and the same
            run continues from there.
    """
    check(job)
    folder, process, processes = path_of(out), jax.process_index(), jax.process_count()
    entries, _, notes = find_inputs(inputs, folder, overwrite)
    check_mask(job, entries)
    job = fitted(job, len(entries))
    settings = settings_of(job, entries)
    run_folder.require_own(folder, settings, overwrite)
    _together("all processes accept the folder")
    if process == 0:
        run_folder.claim(folder, settings, overwrite)
    _together("the folder is ready")
    journal = Journal(folder, process)
    records = records_by_name(folder)
    if notes:
        on_event(Event(len(records), len(entries), None, notes=notes))
    kind = Work if job.faces is None else FaceWork
    identity = checksum(run_folder.lasting(settings))
    work = kind(job, folder, journal, identity, records, len(entries), on_event)
    size = job.batch_size * jax.local_device_count()
    batches = batches_of(job, entries, size)
    work.restore_all(batches[process::processes], size)
    names = [entry.stem for entry in entries]
    while len(records) < len(names):
        # Other processes are still at work.
        time.sleep(SECONDS_BETWEEN_LOOKS)
        records = records_by_name(folder)
    if process == 0:
        run_folder.remove_checkpoints(folder)
        conclude(folder, names)
    return [records[name] for name in names]


def batches_of(job: Job, entries: Sequence[Input], size: int) -> list[Sequence[Input]]:
    """Divides inputs into batches of one degradation each; the faces of a photograph have many."""
    step = 1 if job.one_by_one else size
    return [entries[start : start + step] for start in range(0, len(entries), step)]


def fitted(job: Job, count: int) -> Job:
    """Returns the job over all local devices, with no more images at a time than fit into memory.

    Args:
        job: the job.
        count: the images that there are, for all devices of all processes.

    Raises:
        SettingError: not even one image fits.
    """
    images = min(job.batch_size, math.ceil(count / jax.device_count()))
    if job.faces is not None:
        images = job.batch_size if job.faces == ALL else 1 if job.faces == LARGEST else job.faces
        images = min(int(images), job.batch_size)
    elif job.one_by_one:
        images = 1
    execution = replace(job.inversion.execution, mesh=batch_mesh())
    limit = job.memory_limit or device_limit()
    if limit is None:
        images = at_a_time(min(job.inversion.image_shape[:2]), images)
    else:
        images, slices = fit(job.inversion, images, job.samples * job.restarts, limit)
        execution = replace(execution, slices=slices)
    return replace(job, batch_size=images, inversion=job.inversion.executed(execution))


class Work:
    """The share of a run that one process does.

    Args:
        job: what to do.
        folder: the output folder.
        journal: where this process writes its records.
        identity: what tells the run apart from others, for its checkpoints.
        records: all records, by name; new ones are added.
        total: images of all processes.
        on_event: see `run`.
    """

    def __init__(
        self,
        job: Job,
        folder: Path,
        journal: Journal,
        identity: str,
        records: dict[str, Record],
        total: int,
        on_event: Callable[[Event], None],
    ):
        self.job, self.folder, self.records = job, folder, records
        self.journal, self.identity = journal, identity
        self.total, self.on_event = total, on_event
        self.done = len(records)
        self._writing: tuple[int, Future[list[Record]]] | None = None

    def restore_all(self, batches: Sequence[Sequence[Input]], size: int) -> None:
        """Restores all images without a record, `size` at a time.

        While a batch is optimised, the next one is read and the one before is written.
        """
        # A batch is the same however much of it has been done: rounding might depend on an image's
        # place in it.
        batches = [b for b in batches if any(entry.stem not in self.records for entry in b)]
        with ThreadPoolExecutor(THREADS) as readers, ThreadPoolExecutor(1) as writer:
            try:
                items = ahead(readers, self.load, chain.from_iterable(batches), 2 * size)
                for batch in batches:
                    began = time.perf_counter()
                    loaded = list(islice(items, len(batch)))
                    write = self.restored(loaded, size)
                    seconds = (time.perf_counter() - began) / len(batch)
                    self.done += sum(entry.stem not in self.records for entry in batch)
                    self.wait()
                    self._writing = self.done, writer.submit(write, seconds)
                self.wait()
            except BaseException:
                # What is being written is finished; nothing else is waited for.
                readers.shutdown(wait=False, cancel_futures=True)
                raise

    def load(self, entry: Input) -> Loaded | LoadedPhoto | Record:
        """Reads an input, or returns the record that says why that is not possible."""
        try:
            return load_input(self.job, entry)
        except ImageError as error:
            return empty_record(entry, str(error))

    def restored(self, loaded: Sequence[Any], size: int) -> Callable[[float], list[Record]]:
        """Restores a batch, and returns what writes it, given the seconds that an image took."""
        checkpoints, restoration, frames = self.restore(loaded, size)
        return lambda seconds: self.write(loaded, restoration, frames, seconds, checkpoints)

    def restore(
        self, loaded: Sequence[Loaded | Record], size: int
    ) -> tuple[Checkpoints | None, Restoration | None, list[np.ndarray]]:
        """Restores a batch, from its checkpoint if there is one, and returns its frames too.

        It is filled up to `size` with repetitions, so that all batches share one compiled program.
        """
        job = self.job
        good = [item for item in loaded if isinstance(item, Loaded)]
        if not good:
            return None, None, []
        filled = [good[i % len(good)] for i in range(size)]
        numbers = [item.input.number for item in filled]
        starts = job.samples * job.restarts
        inversion = job.inversion_of(good[0])
        checkpoints, snapshot = None, None
        execution = inversion.execution
        if execution.chunk_seconds is None:
            execution = replace(execution, chunk_seconds=SECONDS_BETWEEN_REPORTS)
        # Orbax saves with all processes at once, but these go each at its own pace.
        if job.checkpoint_every and jax.process_count() == 1 and job.trajectory is None:
            execution = replace(execution, chunk=min(execution.chunk, job.checkpoint_every))
            place = run_folder.checkpoints_of(self.folder) / str(numbers[0])
            identity = {
                "images": numbers,
                "starts": starts,
                "settings": self.identity,
                "observations": checksum("", [item.observation for item in filled]),
            }
            checkpoints = Checkpoints(place, job.checkpoint_every, identity)
            rows = size * starts
            snapshot = checkpoints.load(lambda: outline(inversion, rows)[1])

        if job.trajectory is not None:
            execution = replace(execution, chunk=STEPS_BETWEEN_FRAMES, chunk_seconds=None)
        frames: list[np.ndarray] = []

        def on_progress(progress: Progress) -> None:
            if job.trajectory is not None:
                frames.append(to_uint8(np.asarray(draw_progress(inversion, progress, starts))))
            if checkpoints is not None:
                checkpoints.save(progress)
            if self._writing is not None and self._writing[1].done():
                self.wait()
            self.on_event(Event(self.done, self.total, progress, inversion=inversion))

        restoration = run_restoration(
            inversion.executed(execution),
            np.stack([item.observation for item in filled]),
            good[0].degradation,
            restarts=job.restarts,
            blend=job.blend,
            frame=good[0].frame,
            indices=numbers,
            codes=job.start,
            on_progress=on_progress,
            resume=snapshot,
        )
        return checkpoints, restoration, frames

    def write(
        self,
        loaded: Sequence[Loaded | Record],
        restoration: Restoration | None,
        frames: Sequence[np.ndarray],
        seconds: float,
        checkpoints: Checkpoints | None,
    ) -> list[Record]:
        """Writes what is new in a batch, its records last, and returns these."""

        def written(item: Loaded | Record, position: int) -> Record:
            if not isinstance(item, Loaded) or restoration is None:
                return item if isinstance(item, dict) else empty_record(item.input, None)
            record = write_outputs(self.job, item, restoration, position, self.folder)
            if frames and record["status"] != "failed":
                stack = [frame[position] for frame in frames]
                record |= write_trajectory(self.job, item, stack, self.folder)
            return record

        pending, position = [], 0
        with ThreadPoolExecutor(THREADS) as writers:
            for item in loaded:
                name = item["name"] if isinstance(item, dict) else item.input.stem
                if name not in self.records:
                    pending.append(writers.submit(written, item, position))
                position += isinstance(item, Loaded)
        new = [record.result() | {"seconds": round(seconds, 3)} for record in pending]
        self.journal.append(new)
        if checkpoints is not None:
            checkpoints.remove()
        return new

    def wait(self) -> None:
        """Waits until the results of the last batch are written, and reports them.

        Raises:
            OutputError: they cannot be written.
        """
        if self._writing is not None:
            (done, future), self._writing = self._writing, None
            new = future.result()
            self.records |= {record["name"]: record for record in new}
            self.on_event(Event(done, self.total, None, new))


class FaceWork(Work):
    """A run over photographs of which the faces are restored, one photograph after another."""

    def restored(self, loaded: Sequence[Any], size: int) -> Callable[[float], list[Record]]:
        """Restores the faces of a photograph, those of one size at a time."""
        (photo,) = loaded
        if not isinstance(photo, LoadedPhoto):
            return lambda seconds: self.recorded(photo, seconds)
        done: dict[int, Done] = {}
        all_checkpoints = []
        devices = jax.local_device_count()
        for group in batches_of_faces(photo.items, size):
            filled = math.ceil(len(group) / devices) * devices
            items = [photo.items[k] for k in group]
            checkpoints, restoration, frames = self.restore(items, filled)
            assert restoration is not None
            all_checkpoints.append(checkpoints)
            for row, k in enumerate(group):
                done[k] = Done(restoration, row, [frame[row] for frame in frames])

        def write(seconds: float) -> list[Record]:
            faces = [done[k] for k in range(len(done))]
            record = write_photo(self.job, photo, faces, self.folder)
            records = self.recorded(record, seconds)
            for checkpoints in filter(None, all_checkpoints):
                checkpoints.remove()
            return records

        return write

    def recorded(self, record: Record, seconds: float) -> list[Record]:
        """Appends the record of a photograph."""
        records = [record | {"seconds": round(seconds, 3)}]
        self.journal.append(records)
        return records


def ahead(
    executor: Executor, function: Callable[[Task], Value], tasks: Iterable[Task], depth: int
) -> Iterator[Value]:
    """Maps a function over tasks in the background, at most `depth` of them ahead of the reader."""
    waiting = iter(tasks)
    running = deque(executor.submit(function, task) for task in islice(waiting, depth))
    while running:
        value = running.popleft().result()
        running.extend(executor.submit(function, task) for task in islice(waiting, 1))
        yield value


def _together(what: str) -> None:
    """Waits for the other processes, if there are any."""
    if jax.process_count() > 1:
        sync_global_devices(what)
