"""Runs over folders: what is written, what a failure costs, and going on where a run stopped."""

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jobs import changed, make_job
from networks import untrained
from PIL import Image

from mgp_jax.batch import Event, Input, Job, load, load_codes, run, summary
from mgp_jax.codes import Codes, render
from mgp_jax.degradations import parse
from mgp_jax.errors import ImageError, MGPError, SettingError
from mgp_jax.generators import DCGANConfig, Generator
from mgp_jax.inversion import Inversion, Result
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import Status

FIELDS = {"input", "output", "status", "error", "psnr", "ssim", "lpips", "steps", "seconds"}
RECIPE = Recipe("test", (Phase(6),), codes=2)

Folder = dict[str, bytes]


@pytest.fixture(scope="module")
def generator() -> Generator:
    """16 pixels: no LPIPS, which would take most of the time."""
    return untrained(DCGANConfig(8, (8, 4)), seed=1, name="small")


@pytest.fixture(scope="module")
def job(generator: Generator) -> Job:
    return make_job(generator, RECIPE, batch_size=2)


def picture(size: int, shade: int) -> Image.Image:
    y, x = np.mgrid[:size, :size]
    planes = [40 * shade + 5 * x, 200 - 6 * y - 20 * shade, 90 + 3 * x + 2 * y]
    return Image.fromarray(np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six files in the order of their names, of which b, d and e are broken."""
    folder = tmp_path_factory.mktemp("inputs")
    picture(20, 0).save(folder / "a.png")
    (folder / "b.png").write_text("This is a letter, not a photograph.")
    picture(16, 1).save(folder / "c.png")
    picture(300, 2).save(folder / "d.png")
    whole = (folder / "d.png").read_bytes()
    (folder / "d.png").write_bytes(whole[: len(whole) // 2])
    picture(1, 3).save(folder / "e.png")
    picture(33, 4).save(folder / "f.png")
    return folder


@pytest.fixture(scope="module")
def first(job: Job, inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a complete run."""
    out = tmp_path_factory.mktemp("first")
    run(job, [inputs], out)
    return out


def records_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def timeless(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records]


def good(folder: Path) -> list[dict[str, Any]]:
    return [record for record in records_of(folder) if record["status"] == "ok"]


def files_of(folder: Path) -> Folder:
    """All results but the records, byte by byte."""
    names = ("settings.json", "results.jsonl")
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in names]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_every_input_has_its_record(first: Path, inputs: Path):
    records = records_of(first)
    assert [Path(record["input"]).name for record in records] == [f"{x}.png" for x in "abcdef"]
    statuses = "".join(record["status"][0] for record in records)
    assert statuses == "ofoffo"
    for record in records:
        assert set(record) >= FIELDS
        assert isinstance(record["seconds"], float) and record["seconds"] >= 0
        if record["status"] == "failed":
            # One line that names the file.
            assert record["error"].startswith(record["input"]) and "\n" not in record["error"]
            assert record["output"] is None and record["psnr"] is None and record["steps"] == 0
        else:
            stem = Path(record["input"]).stem
            assert record["error"] is None and record["steps"] == 6
            assert record["output"] == f"images/{stem}.png"
            assert 5 < record["psnr"] < 40 and 0 < record["ssim"] < 1
            assert record["lpips"] is None  # Too small for it.
    assert "small" in records[4]["error"] and "not an image" in records[1]["error"]
    assert {str(inputs / f"{x}.png") for x in "abcdef"} == {r["input"] for r in records}


def test_what_is_written_can_be_read(first: Path):
    kinds = {"images", "codes", "truths", "observations"}
    assert {path.split("/")[0] for path in files_of(first)} == kinds
    for record in good(first):
        with Image.open(first / record["output"]) as image:
            assert image.size == (16, 16) and image.mode == "RGB"
        with np.load(first / record["codes"]) as arrays:
            assert arrays["z"].shape == (2, 8) and arrays["alpha"].shape == (2, 4)
            assert arrays["loss"].shape == arrays["error"].shape == (6,)
    assert "settings.json" in {file.name for file in first.iterdir()}
    assert not [path for path in files_of(first) if "partial" in path or "tmp" in path]


def test_the_metric_is_that_of_the_written_image(first: Path):
    for record in good(first):
        files = (first / record[kind] for kind in ("output", "truth"))
        image, truth = (np.asarray(Image.open(file)) / 255 for file in files)
        psnr = -10 * np.log10(np.mean((image - truth) ** 2))
        np.testing.assert_allclose(record["psnr"], psnr, atol=0.1)


@pytest.fixture
def copy(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "copy"))


def cut(folder: Path, lines: int, beyond: int = 0) -> None:
    """Keeps some lines of the records, and so many bytes of the next."""
    file = folder / "results.jsonl"
    whole = file.read_bytes()
    kept = b"".join(whole.splitlines(keepends=True)[:lines])
    file.write_bytes(whole[: len(kept) + beyond])


@pytest.mark.parametrize("lines", [0, 1, 3, 4, 5, 6])
def test_a_stopped_run_goes_on(job: Job, inputs: Path, first: Path, copy: Path, lines: int):
    cut(copy, lines, beyond=40 if lines < 6 else 0)
    for record in records_of(first)[lines:]:
        if record["output"] is not None:
            (copy / record["output"]).unlink()
            (copy / record["codes"]).unlink()
    events: list[Event] = []
    records = run(job, [inputs], copy, events.append)
    assert timeless(records) == timeless(records_of(copy)) == timeless(records_of(first))
    assert records[:lines] == records_of(first)[:lines]
    assert sum(len(event.records) for event in events) == 6 - lines
    assert files_of(copy) == files_of(first)


def test_a_finished_run_does_nothing(job: Job, inputs: Path, first: Path, copy: Path):
    before = {file: file.stat().st_mtime_ns for file in copy.rglob("*") if file.is_file()}
    assert run(job, [inputs], copy) == records_of(first)
    assert before == {file: file.stat().st_mtime_ns for file in copy.rglob("*") if file.is_file()}


def with_(**change: Any) -> Callable[[Job], Job]:
    return lambda job: changed(job, **change)


OTHERS: Mapping[str, tuple[Callable[[Job], Job], str]] = {
    "seed": (with_(seed=1), "seed was 0, is 1"),
    "codes": (with_(recipe={"codes": 3}), "codes was 2, is 3"),
    "layer": (with_(recipe={"layer": 1}), "layer was null, is 1"),
    "patience": (with_(patience=3), "patience was null, is 3"),
    "target": (with_(target_psnr=20.0), "target_psnr was null, is 20.0"),
    "steps": (with_(recipe={"steps": 7}), "steps was 6, is 7"),
    "recipe": (with_(recipe={"name": "other"}), 'recipe was "test", is "other"'),
    "task": (with_(task="colorize"), 'task was "invert", is "colorize"'),
    "samples": (with_(recipe={"samples": 2}), "samples was 1, is 2"),
    "restarts": (with_(restarts=2), "restarts was 1, is 2"),
    "simulate": (with_(simulate=True), "simulate was false, is true"),
    "degradation": (
        with_(degradation=parse("gray", 16)),
        'degradation was "identity", is "gray"',
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_settings_are_refused(job: Job, inputs: Path, copy: Path, name: str):
    change, message = OTHERS[name]
    before = files_of(copy), records_of(copy)
    with pytest.raises(SettingError) as caught:
        run(change(job), [inputs], copy)
    assert str(caught.value).startswith(f"{copy}: ") and message in str(caught.value)
    assert (files_of(copy), records_of(copy)) == before


def test_another_generator_of_the_same_name_is_refused(job: Job, inputs: Path, copy: Path):
    other = untrained(DCGANConfig(8, (8, 4)), seed=2, name="small")
    with pytest.raises(SettingError, match=r"checksums: generator was"):
        run(changed(job, generator=other), [inputs], copy)


def test_another_recipe_of_the_same_name_is_refused(job: Job, inputs: Path, copy: Path):
    with pytest.raises(SettingError, match="checksums: recipe was"):
        run(changed(job, recipe={"phases": (Phase(6, z_rate=0.5),)}), [inputs], copy)


def test_another_mask_in_the_same_file_is_refused(job: Job, inputs: Path, tmp_path: Path):
    mask = np.zeros((16, 16), np.uint8)
    mask[2:5, 2:5] = 255
    for number, levels in enumerate((mask, mask, mask[::-1])):
        Image.fromarray(levels).save(tmp_path / "mask.png")
        masked = changed(job, degradation=parse(f"mask:{tmp_path / 'mask.png'}", 16))
        if number < 2:
            run(masked, [inputs / "b.png"], tmp_path / "out")
        else:
            with pytest.raises(SettingError, match="checksums: degradation was"):
                run(masked, [inputs / "b.png"], tmp_path / "out")


def test_more_inputs_come_behind_those_that_are_done(
    job: Job, inputs: Path, first: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
):
    """Named relatively, from a folder of the same stems, one of the earlier ones being gone."""
    more, before = copy.parent / "more", files_of(copy)
    more.mkdir()
    picture(16, 6).save(more / "a.png")
    picture(16, 7).save(more / "0.png")
    monkeypatch.chdir(more.parent)
    events: list[Event] = []
    records = run(job, [Path("more")], copy, events.append)
    assert [Path(record["input"]).name for record in records[6:]] == ["0.png", "a.png"]
    assert [record["output"] for record in records[6:]] == ["images/0.png", "images/a-2.png"]
    assert records[:6] == records_of(first)
    assert sum(len(event.records) for event in events) == 2
    assert before.items() <= files_of(copy).items()
    # All at once they come out the same.
    together = run(job, [inputs, more], copy.parent / "together")
    assert timeless(together) == [
        record | {"input": str(more / Path(record["input"]).name)} if number > 5 else record
        for number, record in enumerate(timeless(records))
    ]
    assert files_of(copy.parent / "together") == files_of(copy)
    # Nothing is left to do for any of them, however they are called.
    assert run(job, [more.absolute()], copy) == records
    assert run(job, [inputs], copy) == records


def test_another_batch_size_may_go_on(job: Job, inputs: Path, first: Path, copy: Path):
    cut(copy, 2)
    records = run(dataclasses.replace(job, batch_size=3), [inputs], copy)
    for mine, before in zip(records, records_of(first), strict=True):
        assert mine["status"] == before["status"]
        if mine["psnr"] is not None:
            # Only the rounding depends on the batch.
            np.testing.assert_allclose(mine["psnr"], before["psnr"], atol=0.01)


def test_the_last_batch_is_filled_up(job: Job, inputs: Path, first: Path, tmp_path: Path):
    """Three images at batch size 2; the third one must come out as if it had company."""
    given = [inputs / f"{x}.png" for x in "acf"]
    events: list[Event] = []
    records = run(job, given, tmp_path / "two", events.append)
    assert [record["status"] for record in records] == ["ok"] * 3
    sizes = {event.progress.state.step.shape for event in events if event.progress is not None}
    assert sizes == {(2,)}
    ended = [event for event in events if event.progress is None]
    assert [(event.done, len(event.records)) for event in ended] == [(2, 2), (3, 1)]
    assert {event.total for event in events} == {3}
    # How many reports a batch makes depends on how long its steps take.
    running = [event.done for event in events if event.progress is not None]
    assert list(dict.fromkeys(running)) == [0, 2]
    together = run(dataclasses.replace(job, batch_size=3), given, tmp_path / "three")
    for mine, other in zip(records, together, strict=True):
        np.testing.assert_allclose(mine["psnr"], other["psnr"], atol=0.01)
    assert len(list((tmp_path / "two" / "images").iterdir())) == 3


def test_a_broken_input_does_not_change_the_others(
    job: Job, inputs: Path, first: Path, tmp_path: Path
):
    """An image is seeded by its place, whatever became of those before it."""
    mended = tmp_path / "mended"
    shutil.copytree(inputs, mended)
    picture(16, 5).save(mended / "b.png")
    run(job, [mended], tmp_path / "out")
    for stem in "acf":
        for path in (f"images/{stem}.png", f"codes/{stem}.npz"):
            assert (tmp_path / "out" / path).read_bytes() == (first / path).read_bytes()


def test_equal_names_do_not_overwrite_each_other(job: Job, inputs: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    picture(16, 6).save(other / "a.jpg")
    records = run(job, [inputs / "a.png", other], tmp_path / "out")
    assert [record["output"] for record in records] == ["images/a.png", "images/a-2.png"]
    first, second = (np.asarray(Image.open(tmp_path / "out" / r["truth"])) for r in records)
    assert np.abs(first.astype(int) - second).max() > 20


def test_nothing_readable_is_no_reason_to_stop(job: Job, inputs: Path, tmp_path: Path):
    records = run(job, [inputs / "b.png", inputs / "e.png"], tmp_path / "out")
    assert [record["status"] for record in records] == ["failed", "failed"]
    assert timeless(records) == timeless(records_of(tmp_path / "out"))


class Instant:
    """Stands for `inversion.run`: gray renderings at once, so that nothing is compiled."""

    status = Status.FINISHED

    def __call__(self, inversion: Inversion, observations: Any, **_: Any) -> Result:
        count = len(observations)
        zeros = np.zeros((count, 6), np.float32)
        return Result(
            images=np.zeros((count, *inversion.image_shape), np.float32),
            codes=Codes(zeros, zeros),
            loss=zeros[:, 0],
            losses=zeros,
            errors=zeros,
            status=np.full(count, self.status),
            steps=np.full(count, 2),
            split=inversion.split,
        )


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> Instant:
    made = Instant()
    monkeypatch.setattr("mgp_jax.restoration.run", made)
    return made


def test_divergence_is_said_and_the_best_iterate_kept(
    job: Job, inputs: Path, tmp_path: Path, instant: Instant
):
    instant.status = Status.DIVERGED
    (record,) = run(job, [inputs / "a.png"], tmp_path / "out")
    assert record["status"] == "diverged" and record["error"]
    assert record["steps"] == 2
    assert np.isfinite(record["psnr"])
    assert (tmp_path / "out" / record["output"]).exists()
    json.dumps(record, allow_nan=False)


def test_samples_and_their_deviation(job: Job, inputs: Path, tmp_path: Path):
    several = changed(job, recipe={"samples": 2}, batch_size=1)
    (record,) = run(several, [inputs / "a.png"], tmp_path / "out")
    names = ("images/a.png", "samples/a-1.png", "samples/a-2.png", "deviations/a.png")
    mean, one, two, deviation = (np.asarray(Image.open(tmp_path / "out" / name)) for name in names)
    np.testing.assert_allclose(mean, (one.astype(float) + two) / 2, atol=1.01)
    assert record["deviation"] == names[3] and deviation.shape == (16, 16)
    # White is a deviation of half the range. That of two samples is half their difference, in which
    # a third is expected the root of 3 times as far away.
    expected = 3**0.5 * np.abs(one.astype(float) - two).mean(-1)
    np.testing.assert_allclose(deviation, np.minimum(expected, 255), atol=3)
    points = np.array(record["calibration"])
    assert points.shape == (10, 2) and (np.diff(points[:, 0]) >= 0).all()
    # The mean of the deviation picture, whose white is a half.
    np.testing.assert_allclose(points[:, 0].mean(), deviation.mean() / 510, rtol=0.2)
    assert 0 < record["coverage"] < 1 and abs(record["correlation"]) < 1
    assert record["temperature"] > 0
    with np.load(tmp_path / "out" / record["codes"]) as arrays:
        assert arrays["z"].shape == (2, 2, 8)


@pytest.mark.parametrize("samples", [1, 2])
def test_codes_of_every_image_of_a_batch_render_it(
    job: Job, inputs: Path, tmp_path: Path, samples: int
):
    several = changed(job, recipe={"samples": samples})
    records = run(several, [inputs / "a.png", inputs / "c.png"], tmp_path / "out")
    split = job.inversion.split

    def shown(name: str) -> np.ndarray:
        return np.asarray(Image.open(tmp_path / "out" / name)).astype(float)

    def close(codes: Codes, name: str) -> bool:
        levels = (np.clip(render(split, codes), -1, 1) + 1) * 127.5
        return np.abs(levels - shown(name)).max() < 1.01

    for record, other in zip(records, records[::-1], strict=True):
        file = tmp_path / "out" / record["codes"]
        if samples == 1:
            codes = load_codes(file, split)
            assert close(codes, record["output"]) and not close(codes, other["output"])
            continue
        with np.load(file) as arrays:
            each = [Codes(arrays["z"][k], arrays["alpha"][k]) for k in range(samples)]
            assert arrays["loss"].shape == (samples, 6)
        for number, codes in enumerate(each, 1):
            assert close(codes, f"samples/{record['name']}-{number}.png")
            assert not close(codes, f"samples/{other['name']}-{number}.png")
        with pytest.raises(SettingError, match="these codes are not of small"):
            load_codes(file, split)


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_trajectories(job: Job, inputs: Path, tmp_path: Path, kind: str):
    job = changed(job, recipe={"steps": 25})
    moving = dataclasses.replace(job, trajectory=kind)
    (record,) = run(moving, [inputs / "a.png"], tmp_path / "out")
    with Image.open(tmp_path / "out" / record["trajectory"]) as animation:
        assert animation.format == kind.upper()
        # A frame every ten steps, and the last.
        assert getattr(animation, "n_frames", 1) == 3
        assert animation.size == (16, 16)
    again = run(moving, [inputs / "a.png"], tmp_path / "out")
    assert again == [record]
    run(job, [inputs / "a.png"], tmp_path / "out", overwrite=True)
    assert not (tmp_path / "out" / "trajectories").exists()


def test_simulated_degradation_is_measured(tiny: Generator, tmp_path: Path, instant: Instant):
    picture(40, 1).save(tmp_path / "a.png")
    job = make_job(tiny, RECIPE, parse("gray|down:2", 32), "restore", simulate=True)
    (record,) = run(job, [tmp_path / "a.png"], tmp_path / "out")
    assert record["status"] == "ok"
    for name in ("psnr", "ssim", "lpips"):
        assert isinstance(record[name], float) and np.isfinite(record[name])
    shapes = {
        kind: np.asarray(Image.open(tmp_path / "out" / record[kind])).shape
        for kind in ("output", "truth", "observation")
    }
    assert shapes == {"output": (32, 32, 3), "truth": (32, 32, 3), "observation": (16, 16)}
    assert record["psnr"] > 10


def test_simulated_noise_follows_seed_and_place(job: Job, inputs: Path):
    def observe(number: int, seed: int) -> np.ndarray:
        noisy = changed(job, degradation=parse("noise:0.1", 16), simulate=True, seed=seed)
        return load(noisy, Input(number, inputs / "a.png", "a")).observation

    first = observe(0, 0)
    np.testing.assert_array_equal(observe(0, 0), first)
    truth = load(job, Input(0, inputs / "a.png", "a")).observation
    noises = [observe(*which) - truth for which in ((0, 0), (1, 0), (0, 1))]
    for noise in noises:
        np.testing.assert_allclose(np.std(noise), 0.2, rtol=0.1)
    assert (
        np.abs(np.corrcoef([noise.ravel() for noise in noises])[np.triu_indices(3, 1)]).max() < 0.2
    )


@pytest.mark.parametrize(
    ("spec", "size", "problem"),
    [
        ("gray", 40, None),
        ("down:2", 8, None),
        ("down:2", 9, "9x9 pixels, but the observation must have exactly 8x8"),
        ("mask:center:4", 40, None),
    ],
)
def test_without_simulation_the_input_is_the_observation(
    job: Job, tmp_path: Path, instant: Instant, spec: str, size: int, problem: str | None
):
    picture(size, 1).save(tmp_path / "a.png")
    real = changed(job, task="restore", degradation=parse(spec, 16), batch_size=1)
    if problem is not None:
        (record,) = run(real, [tmp_path / "a.png"], tmp_path / "out")
        assert record["status"] == "failed" and problem in record["error"]
        return
    (record,) = run(real, [tmp_path / "a.png"], tmp_path / "out")
    assert record["status"] == "ok"
    assert record["psnr"] is None and "truth" not in record
    with Image.open(tmp_path / "out" / record["observation"]) as observation:
        assert observation.mode == ("L" if spec == "gray" else "RGB")
        seen = np.asarray(observation)
    image = np.asarray(Image.open(tmp_path / "out" / record["output"]))
    assert image.shape == (16, 16, 3)
    # The rendering is gray, so what is in the result comes from the observation.
    expected = np.repeat(seen[..., None], 3, 2) if spec == "gray" else seen
    if spec == "down:2":
        blocks = image.reshape(8, 2, 8, 2, 3).astype(float)
        np.testing.assert_allclose(blocks.mean((1, 3)), expected, atol=1)
    else:
        np.testing.assert_allclose(image.astype(int), expected, atol=1)


def spoil_settings(folder: Path) -> None:
    (folder / "settings.json").write_text("{")


def spoil_records(folder: Path) -> None:
    file = folder / "results.jsonl"
    first, *rest = file.read_text().splitlines(keepends=True)
    file.write_text("".join([first[: len(first) // 2] + "\n", *rest]))


@pytest.mark.parametrize("spoil", [spoil_settings, spoil_records])
def test_a_spoilt_folder_is_refused(
    job: Job, inputs: Path, copy: Path, spoil: Callable[[Path], None]
):
    spoil(copy)
    with pytest.raises(MGPError) as caught:
        run(job, [inputs], copy)
    assert str(caught.value).startswith(str(copy)) and "\n" not in str(caught.value)


def test_a_foreign_folder_is_left_alone(job: Job, inputs: Path, tmp_path: Path):
    (tmp_path / "letter.txt").write_text("keep me")
    with pytest.raises(SettingError, match="not empty"):
        run(job, [inputs], tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_that_cannot_be_written_is_refused(job: Job, inputs: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(SettingError, match="cannot be written"):
            run(job, [inputs], out)


def test_measurements_are_no_image_file(job: Job, inputs: Path, tmp_path: Path):
    real = changed(job, task="restore", degradation=parse("cs:0.1", 16))
    with pytest.raises(SettingError, match="no image file can hold; --simulate"):
        run(real, [inputs / "a.png"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


IMPOSSIBLE: Mapping[str, tuple[Callable[[Job], Job], str]] = {
    "batch size": (with_(batch_size=0), "batch size: 0"),
    "codes": (with_(recipe={"codes": 0}), "codes: 0"),
    "layer": (with_(recipe={"layer": "layer9"}), "layer layer9"),
    "samples": (with_(recipe={"samples": 0}), "samples: 0"),
    "restarts": (with_(restarts=-1), "restarts -1"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_settings_do_not_claim_the_folder(
    job: Job, inputs: Path, tmp_path: Path, name: str
):
    """The corrected command must work on the same folder."""
    change, message = IMPOSSIBLE[name]
    out = tmp_path / "out"
    with pytest.raises(SettingError, match=message):
        run(change(job), [inputs], out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("names", "message"),
    [(["nothing.png"], "there is no such file"), (["."], "there are no images"), ([], "no input")],
)
def test_missing_inputs_are_refused(job: Job, tmp_path: Path, names: list[str], message: str):
    with pytest.raises(ImageError, match=message):
        run(job, [tmp_path / name for name in names], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_summary():
    record = {"status": "ok", "psnr": 20.0, "lpips": None}
    assert summary([record, record | {"psnr": 30.0}]) == "2 images: 2 ok; mean PSNR 25.00 dB"
    mixed = [record, record | {"status": "failed", "psnr": None}, record | {"status": "diverged"}]
    assert summary(mixed) == "3 images: 1 ok, 1 diverged, 1 failed; mean PSNR 20.00 dB"
    assert summary([record | {"psnr": None, "lpips": 0.25}]) == "1 image: 1 ok; mean LPIPS 0.250"
    several = [record | {"coverage": share, "correlation": None} for share in (0.8, 0.9)]
    assert summary([record, *several]).endswith("; mean PSNR 20.00 dB; mean 90 % coverage 85.0 %")
