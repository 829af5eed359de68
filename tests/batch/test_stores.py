"""Runs whose inputs and results are in an object store, which fsspec imitates in memory."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from jobs import changed, make_job
from networks import untrained
from PIL import Image
from separate import make_inputs
from stores import contents_at, copied, files_at, with_names

from mgp_jax.batch import Event, Job, MaskFolder, run
from mgp_jax.batch import records as run_records
from mgp_jax.batch.folder import checkpoints_of, holds_run
from mgp_jax.batch.records import Journal, conclude, read_records, records_by_name
from mgp_jax.errors import AddressError, ImageError, OutputError, SettingError
from mgp_jax.files import path_of, replacing
from mgp_jax.generators import DCGANConfig
from mgp_jax.images import read_image
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import Execution

OUT = "memory://bucket/inverted"


class Stop(BaseException):
    """Ends a run from within, as an interrupt does."""


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    memory = fsspec.filesystem("memory")
    yield memory
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


@pytest.fixture(scope="module")
def job() -> Job:
    generator = untrained(DCGANConfig(8, (8, 4)), seed=1, name="small")
    phases = (Phase(3), Phase(3, moves=("residual",), tether=0.1))
    recipe, execution = Recipe("test", phases, codes=2), Execution(chunk=1)
    return make_job(generator, recipe, execution=execution, batch_size=2, checkpoint_every=2)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five files, of which the fourth is no image: three batches of two."""
    return make_inputs(tmp_path_factory.mktemp("stores") / "photos", 5)


@pytest.fixture
def inputs(photographs: Path) -> str:
    return copied(photographs, "memory://bucket/photos")


@pytest.fixture(scope="module")
def whole(job: Job, photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run leaves on the disk, but for its settings, which name the inputs."""
    out = tmp_path_factory.mktemp("disk") / "out"
    run(job, [photographs], out)
    files = {str(f.relative_to(out)): f.read_bytes() for f in out.rglob("*") if f.is_file()}
    del files["settings.json"]
    return files | {"records": with_names(files.pop("results.jsonl"))}


def test_a_store_receives_what_a_disk_does(job: Job, inputs: str, whole: dict[str, Any]):
    records = run(job, [inputs], OUT)
    found = contents_at(OUT)
    assert json.loads(found.pop("settings.json"))["inputs"][0] == f"{inputs}/000.png"
    assert found == whole
    assert records[3]["status"] == "failed"
    assert records[3]["error"].startswith(f"{inputs}/003.png: is not an image")
    assert records == list(read_records(path_of(OUT) / "results.jsonl"))


@pytest.mark.parametrize(("done", "step"), [(0, 3), (4, 5)])
def test_a_killed_run_goes_on(
    job: Job,
    inputs: str,
    whole: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    done: int,
    step: int,
):
    monkeypatch.setattr(run_records, "MOST_RECORDS", 2)
    steps = []

    def stop(event: Event) -> None:
        if event.progress is not None and (event.done, event.progress.step) == (done, step):
            raise Stop

    def note(event: Event) -> None:
        if event.progress is not None:
            steps.append((event.done, event.progress.step))

    with pytest.raises(Stop):
        run(job, [inputs], OUT, stop)
    # Each object has a batch: none has been written a second time.
    assert len([name for name in files_at(OUT) if name.startswith("results-")]) == done // 2
    assert len(records_by_name(path_of(OUT))) == done
    run(job, [inputs], OUT, note)
    # The running batch went on from this host's disk.
    assert steps[0] == (done, step // 2 * 2 + 1)
    assert not checkpoints_of(path_of(OUT)).exists()
    found = contents_at(OUT)
    del found["settings.json"]
    assert found == whole


def test_a_running_batch_of_other_photographs_is_not_taken_up(
    job: Job, inputs: str, whole: dict[str, Any], store: Any
):
    """The store has been emptied and filled anew; this host remembers."""

    def stop(event: Event) -> None:
        if event.progress is not None and event.progress.step == 3:
            raise Stop

    store.mv("/bucket/photos/000.png", "/bucket/aside.png")
    store.cp_file("/bucket/photos/004.png", "/bucket/photos/000.png")
    with pytest.raises(Stop):
        run(job, [inputs], OUT, stop)
    assert checkpoints_of(path_of(OUT)).exists()
    store.mv("/bucket/aside.png", "/bucket/photos/000.png")
    store.rm("/bucket/inverted", recursive=True)
    run(job, [inputs], OUT)
    found = contents_at(OUT)
    del found["settings.json"]
    assert found == whole


def test_photographs_may_be_added_and_changed_ones_are_refused(job: Job, inputs: str, store: Any):
    single = f"{inputs}/000.png"
    run(job, [single], OUT)
    before = files_at(OUT)["images/000.png"]
    assert len(run(job, [single, f"{inputs}/001.png"], OUT)) == 2
    assert files_at(OUT)["images/000.png"] == before
    store.cp_file("/bucket/photos/002.png", "/bucket/photos/000.png")
    with pytest.raises(SettingError, match=f"the file {single} has changed"):
        run(job, [single], OUT)


def test_several_hosts_write_beside_each_other(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run_records, "MOST_RECORDS", 2)
    folder = path_of(OUT)
    first, second = Journal(folder, 0), Journal(folder, 1)
    for number in range(5):
        (first, second)[number % 2].append([{"name": f"{number}", "of": number}])
    # A host that was killed begins anew, and takes nothing from what it had written.
    Journal(folder, 0).append([{"name": "5", "of": 5}])
    assert len(files_at(OUT)) == 4
    assert sorted(records_by_name(folder)) == list("012345")
    names = list("543210")
    for _ in range(2):
        conclude(folder, names)
        assert list(files_at(OUT)) == ["results.jsonl"]
        assert [record["name"] for record in read_records(folder / "results.jsonl")] == names


def test_what_the_run_did_not_write_stays(job: Job, inputs: str, store: Any):
    store.pipe("/bucket/inverted/notes.txt", b"mine")
    with pytest.raises(SettingError, match="is not empty and holds no run"):
        run(job, [inputs], OUT)
    store.rm("/bucket/inverted/notes.txt")
    run(job, [f"{inputs}/000.png"], OUT)
    mine = ("notes.txt", "images/mine.png", "codes/mine.npz")
    for name in mine:
        store.pipe(f"/bucket/inverted/{name}", b"mine")
    other = changed(job, seed=1)
    with pytest.raises(SettingError, match="seed was 0, is 1"):
        run(other, [f"{inputs}/001.png"], OUT)
    run(other, [f"{inputs}/001.png"], OUT, overwrite=True)
    found = files_at(OUT)
    assert [found[name] for name in mine] == [b"mine"] * 3
    assert "images/001.png" in found and "images/000.png" not in found


def test_an_object_appears_complete_or_not_at_all(store: Any):
    store.pipe("/bucket/old", b"old")
    with pytest.raises(Stop), replacing("memory://bucket/old") as file:
        file.write(b"half of")
        raise Stop
    assert store.cat("/bucket/old") == b"old"


def test_masks_in_a_store(photographs: Path):
    (photographs.parent / "masks").mkdir(exist_ok=True)
    mask = Image.new("L", (16, 16))
    mask.paste(255, (2, 2, 6, 6))
    mask.save(photographs.parent / "masks" / "000.png")
    address = copied(photographs.parent / "masks", "memory://bucket/masks")
    masks = MaskFolder.open(path_of(address))
    found = masks.mask_of(path_of("memory://bucket/photos/000.png"), 16)
    assert str(found) == f"mask:{address}/000.png" and found.missing == 16 / 256


def refuse(error: Exception) -> Any:
    def refuse(*_: Any, **__: Any) -> Any:
        raise error

    return refuse


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (PermissionError("Access Denied"), "Access Denied"),
        (FileNotFoundError("The specified bucket does not exist"), "bucket does not exist"),
        (RuntimeError("Unable to locate\ncredentials"), "Unable to locate credentials"),
    ],
)
def test_a_store_that_refuses(
    job: Job, inputs: str, monkeypatch: pytest.MonkeyPatch, error: Exception, why: str
):
    memory = fsspec.get_filesystem_class("memory")
    with monkeypatch.context() as patch:
        patch.setattr(memory, "_open", refuse(error))
        with pytest.raises((OutputError, SettingError), match=f"^{OUT}.*: cannot .*{why}") as told:
            run(job, [inputs], OUT)
        assert "\n" not in str(told.value)
        # One photograph that cannot be fetched is that photograph's matter.
        with pytest.raises(ImageError, match=f"^{inputs}/000.png: cannot be read: .*{why}"):
            read_image(f"{inputs}/000.png")
    with monkeypatch.context() as patch:
        patch.setattr(memory, "ls", refuse(error))
        with pytest.raises(ImageError, match=f"^{inputs}: cannot be read: .*{why}"):
            run(job, [inputs], OUT)
    with monkeypatch.context() as patch:
        patch.setattr(memory, "exists", refuse(error))
        with pytest.raises(OutputError, match=f"^{OUT}: cannot be reached: .*{why}"):
            holds_run(path_of(OUT))
    # On a disk nothing is renamed.
    monkeypatch.setattr(Path, "exists", refuse(error))
    with pytest.raises(type(error)):
        holds_run(Path("out"))


def test_addresses(monkeypatch: pytest.MonkeyPatch):
    assert path_of("file:///tmp/photos") == Path("/tmp/photos")
    assert path_of("photos/a:b") == Path("photos/a:b")
    assert path_of(path_of(OUT)) == path_of(OUT)
    with pytest.raises(AddressError, match=r"^paint://a: paint:// is no kind"):
        path_of("paint://a")
    monkeypatch.setattr("fsspec.get_filesystem_class", refuse(ImportError("Install it")))
    for kind, how in (
        ("s3", "mgp_jax[s3]"),
        ("gs", "mgp_jax[gcs]"),
        ("abfs", "Install it"),
    ):
        with pytest.raises(AddressError) as told:
            path_of(f"{kind}://a")
        assert how in str(told.value) and "\n" not in str(told.value)
