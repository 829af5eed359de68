"""Runs that are interrupted, fail or are started anew, and what of the folder they touch."""

import dataclasses
import errno
import json
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import pytest
from jobs import changed, make_job
from networks import untrained
from PIL import Image
from separate import contents, make_inputs

from mgp_jax.batch import Event, Job, run
from mgp_jax.batch.records import records_by_name
from mgp_jax.batch.running import ahead
from mgp_jax.degradations import parse
from mgp_jax.errors import OutputError, SettingError
from mgp_jax.generators import DCGANConfig
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import Execution

COUNT, BATCH = 7, 2
COMPILATION = "/jax/core/compile/backend_compile_duration"


class Stop(BaseException):
    """Ends a run from within, as an interrupt does."""


@pytest.fixture(scope="module")
def job() -> Job:
    generator = untrained(DCGANConfig(8, (8, 4)), seed=1, name="small")
    phases = (Phase(3), Phase(3, moves=("residual",), tether=0.1))
    recipe, execution = Recipe("test", phases, codes=2), Execution(chunk=1)
    return make_job(generator, recipe, execution=execution, batch_size=BATCH, checkpoint_every=2)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven files, of which the fourth is no image: four batches of two."""
    return make_inputs(tmp_path_factory.mktemp("resuming") / "inputs", COUNT)


class Compilations:
    """Counts what is compiled while it is switched on."""

    def __init__(self) -> None:
        self.count: int | None = None
        jax.monitoring.register_event_duration_secs_listener(self)

    def __call__(self, event: str, duration: float, **_: Any) -> None:
        if self.count is not None and event == COMPILATION:
            self.count += 1


@pytest.fixture(scope="module")
def first(
    job: Job, inputs: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[int, int]]:
    """The folder of a run, and how much had been compiled when each batch was written."""
    out, compilations = tmp_path_factory.mktemp("first"), Compilations()
    jax.clear_caches()
    compilations.count, counts = 0, {}

    def on_event(event: Event) -> None:
        if event.progress is not None:
            counts[event.done] = compilations.count

    run(job, [inputs], out, on_event)
    counts[COUNT] = compilations.count
    compilations.count = None
    return out, counts


@pytest.fixture(scope="module")
def whole(first: tuple[Path, dict[int, int]]) -> dict[str, Any]:
    return contents(first[0])


def test_one_compilation_serves_all_batches(first: tuple[Path, dict[int, int]]):
    """The second one has a broken input, the last one a single image."""
    _, counts = first
    assert list(counts) == [0, 2, 4, 6, 7]
    assert counts[0] > 0
    # Results of the first batch are measured and written while the second one runs.
    assert counts[4] == counts[6] == counts[7]
    programs = counts[2]
    assert counts[7] - programs < programs


@pytest.mark.parametrize(("batch", "step"), [(0, 1), (0, 5), (1, 3), (3, 5)])
def test_an_interrupted_batch_goes_on(
    job: Job, inputs: Path, whole: dict[str, Any], tmp_path: Path, batch: int, step: int
):
    done, steps = min(batch * BATCH, COUNT), []

    def stop(event: Event) -> None:
        if event.progress is not None and (event.done, event.progress.step) == (done, step):
            raise Stop

    with pytest.raises(Stop):
        run(job, [inputs], tmp_path, stop)
    # What had been restored has been written.
    assert len(records_by_name(tmp_path)) == done

    def note(event: Event) -> None:
        if event.progress is not None:
            steps.append((event.done, event.progress.step))

    run(job, [inputs], tmp_path, note)
    assert steps[0] == (done, step // 2 * 2 + 1)
    assert contents(tmp_path) == whole


def fail_at(calls: int) -> Callable[..., None]:
    """Saves images until the disk is full."""
    save, left = Image.Image.save, [calls]

    def saving(self: Image.Image, file: Any, *arguments: Any, **options: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            file.write(b"half of")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(self, file, *arguments, **options)

    return saving


@pytest.mark.parametrize("calls", [0, 8])
def test_a_full_disk_stops_a_run_that_can_go_on(
    job: Job,
    inputs: Path,
    whole: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    calls: int,
):
    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", fail_at(calls))
        with pytest.raises(OutputError) as caught:
            run(job, [inputs], tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/")
    assert str(caught.value).endswith("cannot be written: No space left on device")
    records = records_by_name(tmp_path)
    assert len(records) == calls // 6 * 2
    run(job, [inputs], tmp_path)
    assert contents(tmp_path) == whole


def test_records_cut_off_by_a_full_disk(
    job: Job, inputs: Path, whole: dict[str, Any], first: tuple[Path, Any], tmp_path: Path
):
    """One record of a batch is there and half of the other."""
    out = Path(shutil.copytree(first[0], tmp_path / "out"))
    lines = (out / "results.jsonl").read_bytes().splitlines(keepends=True)
    (out / "results.jsonl").write_bytes(b"".join(lines[:5]) + lines[5][:30])
    (out / "images" / ".mgp-0123.tmp").write_bytes(b"left by a killed process")
    (out / ".mgp-4567.tmp").touch()
    run(job, [inputs], out)
    assert contents(out) == whole


def test_a_folder_that_was_only_begun(
    job: Job, inputs: Path, whole: dict[str, Any], tmp_path: Path
):
    (tmp_path / ".mgp-4567.tmp").write_text('{"task": "inv')
    run(job, [inputs], tmp_path)
    assert contents(tmp_path) == whole


def test_records_of_several_processes_become_one_file(
    job: Job, inputs: Path, whole: dict[str, Any], first: tuple[Path, Any], tmp_path: Path
):
    """Two processes had done three batches; a single one goes on."""
    out = Path(shutil.copytree(first[0], tmp_path / "out"))
    lines = (out / "results.jsonl").read_bytes().splitlines(keepends=True)
    (out / "results.jsonl").write_bytes(b"".join(lines[:2]))
    (out / "results-1.jsonl").write_bytes(b"".join(lines[2:4]) + lines[6] + b'{"input": "a.pn')
    events: list[Event] = []
    run(job, [inputs], out, events.append)
    assert sum(len(event.records) for event in events) == 2
    assert contents(out) == whole


def test_a_changed_input_is_named(job: Job, inputs: Path, tmp_path: Path):
    mine = Path(shutil.copytree(inputs, tmp_path / "inputs"))
    run(dataclasses.replace(job, batch_size=8), [mine / "003.png"], tmp_path / "out")
    (mine / "003.png").write_text("This is another letter.")
    with pytest.raises(SettingError, match=r"the file .*003\.png has changed"):
        run(dataclasses.replace(job, batch_size=8), [mine / "003.png"], tmp_path / "out")


def test_another_library_is_named(job: Job, inputs: Path, tmp_path: Path):
    run(job, [inputs / "003.png"], tmp_path)
    settings = json.loads((tmp_path / "settings.json").read_text())
    settings["versions"]["optax"] = "0.0.1"
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(SettingError, match=r'versions: optax was "0\.0\.1", is "'):
        run(job, [inputs / "003.png"], tmp_path)


def test_overwriting_removes_what_the_run_wrote(
    job: Job, inputs: Path, whole: dict[str, Any], tmp_path: Path
):
    """Another run with more files, half done, and files of somebody else among them."""
    several = changed(
        job,
        task="restore",
        degradation=parse("mask:center:4", 16),
        recipe={"samples": 2},
        batch_size=1,
    )

    def stop(event: Event) -> None:
        if event.progress is not None and (event.done, event.progress.step) == (1, 3):
            raise Stop

    with pytest.raises(Stop):
        run(several, [inputs], tmp_path, stop)
    kinds = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    kept = {"images", "observations", "samples", "deviations", "masks", "codes", "checkpoints"}
    assert kinds == kept
    (tmp_path / "index.html").touch()
    (tmp_path / "thumbnails/images").mkdir(parents=True)
    (tmp_path / "thumbnails/images/000.png.jpg").touch()
    own = {"letter.txt": b"dear", "images/mine.png": b"me", "samples/000-3.png": b"mine too"}
    for name, text in own.items():
        (tmp_path / name).write_bytes(text)
    with pytest.raises(SettingError, match="task was"):
        run(job, [inputs], tmp_path)
    run(job, [inputs], tmp_path, overwrite=True)
    assert contents(tmp_path) == whole | own


def test_overwriting_that_was_interrupted(
    job: Job, inputs: Path, whole: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The folder is still known to be a run's, whenever that was."""
    run(dataclasses.replace(job, batch_size=8), [inputs / "000.png"], tmp_path)
    rmtree = shutil.rmtree

    def stop(place: Path, *arguments: Any, **named: Any) -> None:
        rmtree(place, *arguments, **named)
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", stop)
        with pytest.raises(Stop):
            run(job, [inputs], tmp_path, overwrite=True)
    assert not (tmp_path / "results.jsonl").exists()
    run(job, [inputs], tmp_path, overwrite=True)
    assert contents(tmp_path) == whole


def test_overwriting_spares_what_is_no_run(job: Job, inputs: Path, tmp_path: Path):
    (tmp_path / "letter.txt").write_text("keep me")
    with pytest.raises(SettingError, match="not empty"):
        run(job, [inputs], tmp_path, overwrite=True)
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


def test_files_do_not_tell_when_they_were_written(
    job: Job, inputs: Path, whole: dict[str, Any], tmp_path: Path
):
    time.sleep(2)  # The resolution of times in archives.
    run(job, [inputs], tmp_path)
    assert contents(tmp_path) == whole


def test_no_more_is_read_than_is_needed_soon():
    begun, lock = [], threading.Lock()

    def read(number: int) -> int:
        with lock:
            begun.append(number)
        return number * number

    with ThreadPoolExecutor(4) as pool:
        values = ahead(pool, read, range(50), 6)
        for number, value in enumerate(values):
            assert value == number * number
            assert len(begun) <= number + 1 + 6
    assert sorted(begun) == list(range(50))


def test_what_is_read_in_the_background_may_fail():
    def read(number: int) -> int:
        return 1 // (3 - number)

    with ThreadPoolExecutor(2) as pool:
        values = ahead(pool, read, range(9), 4)
        assert [next(values) for _ in range(3)] == [0, 0, 1]
        with pytest.raises(ZeroDivisionError):
            next(values)


def test_precision_is_a_setting(job: Job, inputs: Path, first: tuple[Path, Any]):
    execution = dataclasses.replace(job.inversion.execution, precision="bfloat16")
    with pytest.raises(SettingError, match='precision was "auto", is "bfloat16"'):
        run(changed(job, execution=execution), [inputs], first[0])


def test_settings_that_cannot_work(job: Job, inputs: Path, tmp_path: Path):
    out = tmp_path / "out"
    for change, message in (
        ({"checkpoint_every": -1}, "checkpoint every: -1"),
        ({"memory_limit": 1000.0}, "memory limit: .* one image takes"),
    ):
        with pytest.raises(SettingError, match=message):
            run(dataclasses.replace(job, **change), [inputs], out)
    assert not out.exists()
