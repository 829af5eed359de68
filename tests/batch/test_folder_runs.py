"""Runs over folders: what is written, and what a failure costs."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_runs import RECIPE, files_of, good, picture, records_of, timeless
from jobs import changed, make_job
from PIL import Image

from mgp_jax.batch import Event, Input, Job, load, load_codes, run, summary
from mgp_jax.codes import Codes, render
from mgp_jax.degradations import parse
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator
from mgp_jax.inversion import Inversion, Result
from mgp_jax.report import write_page
from mgp_jax.solve import Status

FIELDS = {"input", "output", "status", "error", "psnr", "ssim", "lpips", "steps", "seconds"}


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


@pytest.mark.parametrize("quality", [100, 80])
def test_results_as_webp(job: Job, inputs: Path, tmp_path: Path, quality: int):
    """What is restored is; what was observed stays as exact as it was."""
    out, photograph = tmp_path / "out", inputs / "a.png"
    several = changed(job, recipe={"samples": 2}, batch_size=1, webp=quality)
    run(several, [photograph], out)
    assert json.loads((out / "settings.json").read_text())["webp"] == quality
    (record,) = good(out)
    assert (record["output"], record["observation"]) == ("images/a.webp", "observations/a.png")
    assert sorted(path.name for path in (out / "samples").iterdir()) == ["a-1.webp", "a-2.webp"]
    with Image.open(out / "images" / "a.webp") as picture:
        assert (picture.format, picture.size) == ("WEBP", (16, 16))
    write_page(out)
    own = out / "images" / "mine.webp"
    own.write_bytes(b"not written by the run")
    run(job, [photograph], out, overwrite=True)
    assert {path.name for path in (out / "images").iterdir()} == {"a.png", "mine.webp"}
    assert not (out / "samples").exists()


def test_what_webp_cannot_hold_is_png(
    job: Job, inputs: Path, tmp_path: Path, instant: Instant, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("mgp_jax.images.WEBP_SIDE", 15)
    run(changed(job, webp=80), [inputs], tmp_path / "out")
    assert {Path(record["output"]).suffix for record in good(tmp_path / "out")} == {".png"}


@pytest.mark.parametrize("quality", [0, 101])
def test_impossible_qualities_are_refused(job: Job, inputs: Path, tmp_path: Path, quality: int):
    with pytest.raises(SettingError, match=f"webp: quality {quality}, 1 to 100 is possible"):
        run(changed(job, webp=quality), [inputs], tmp_path / "out")
    assert not (tmp_path / "out").exists()


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


def test_summary():
    record = {"status": "ok", "psnr": 20.0, "lpips": None}
    assert summary([record, record | {"psnr": 30.0}]) == "2 images: 2 ok; mean PSNR 25.00 dB"
    mixed = [record, record | {"status": "failed", "psnr": None}, record | {"status": "diverged"}]
    assert summary(mixed) == "3 images: 1 ok, 1 diverged, 1 failed; mean PSNR 20.00 dB"
    assert summary([record | {"psnr": None, "lpips": 0.25}]) == "1 image: 1 ok; mean LPIPS 0.250"
    several = [record | {"coverage": share, "correlation": None} for share in (0.8, 0.9)]
    assert summary([record, *several]).endswith("; mean PSNR 20.00 dB; mean 90 % coverage 85.0 %")
