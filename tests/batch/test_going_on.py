"""Runs over folders: going on where a run stopped, and what is refused."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_runs import cut, files_of, picture, records_of, timeless
from jobs import changed
from networks import untrained
from PIL import Image

from mgp_jax.batch import Event, Job, run
from mgp_jax.batch.running import fitted
from mgp_jax.degradations import parse
from mgp_jax.errors import ImageError, MGPError, SettingError
from mgp_jax.generators import DCGANConfig
from mgp_jax.recipes import Phase


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


def test_large_images_go_one_at_a_time_where_nothing_says_what_memory_there_is(
    job: Job, monkeypatch: pytest.MonkeyPatch
):
    assert fitted(job, 6).batch_size == job.batch_size == 2
    monkeypatch.setattr("mgp_jax.memory.LARGE", 16)
    assert fitted(job, 6).batch_size == 1
    assert fitted(dataclasses.replace(job, memory_limit=2.0**40), 6).batch_size == 2


def test_another_batch_size_may_go_on(job: Job, inputs: Path, first: Path, copy: Path):
    cut(copy, 2)
    records = run(dataclasses.replace(job, batch_size=3), [inputs], copy)
    for mine, before in zip(records, records_of(first), strict=True):
        assert mine["status"] == before["status"]
        if mine["psnr"] is not None:
            # Only the rounding depends on the batch.
            np.testing.assert_allclose(mine["psnr"], before["psnr"], atol=0.01)


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
