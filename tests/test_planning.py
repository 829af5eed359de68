"""What a run would do and cost: the same as what it then does."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from mgp_jax.batch import Job, run
from mgp_jax.degradations import Identity
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator
from mgp_jax.inversion import resolve
from mgp_jax.planning import duration, make_plan
from mgp_jax.recipes import recipe_for


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(5):
        array = np.random.default_rng(index).integers(0, 255, (32, 32, 3), np.uint8)
        Image.fromarray(array).save(folder / f"{index}.png")
    (folder / "1.png").write_text("Dear all")
    return folder


def job(generator: Generator, size: int = 2) -> Job:
    recipe = recipe_for("fast", Identity()).with_(steps=6, codes=3)
    return Job("invert", resolve(generator, recipe=recipe), Identity(), batch_size=size)


def test_before_and_after_a_run(tiny: Generator, photos: Path, tmp_path: Path):
    out = tmp_path / "out"
    plan = make_plan(job(tiny), [photos], out)
    assert not out.exists()
    assert (plan.images, plan.done, plan.batches, plan.size) == (5, 0, 3, 2)
    reason = "is not an image, or of a kind that cannot be read"
    assert plan.unreadable == (f"{photos}/1.png: {reason}",)
    assert [phase.moves for phase in plan.phases] == [("z", "alpha"), ("residual",)]
    assert sum(phase.steps for phase in plan.phases) == plan.settings["steps"] == 6
    assert all(phase.seconds > 0 and phase.memory > 1000 for phase in plan.phases)
    # Weights, and the state of Adam for every code, are part of it.
    weights = sum(leaf.nbytes for leaf in jax.tree.leaves(tiny.params))
    assert plan.memory > weights
    expected = plan.start + sum(phase.steps * phase.seconds for phase in plan.phases)
    assert plan.start > 0 and plan.seconds == pytest.approx(3 * expected)
    assert plan.settings["layer"] in tiny.stages
    text = plan.text()
    assert "images: 5, 0 done, 4 to do, 1 unreadable; batches: 3 of 2" in text
    assert f"unreadable: {plan.unreadable[0]}" in text
    assert f"results would go to {out}" in text

    records = run(job(tiny), [photos], out)
    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    plan = make_plan(job(tiny), [photos], out)
    assert (plan.images, plan.done, plan.batches, plan.phases) == (5, 5, 0, ())
    assert "nothing is left to optimise" in plan.text()
    # A run that was killed while it wrote: the file is only read.
    results = out / "results.jsonl"
    lines = results.read_bytes().splitlines(keepends=True)
    results.write_bytes(b"".join(lines[:3]) + lines[3][:20])
    cut = results.read_bytes()
    plan = make_plan(job(tiny), [photos], out)
    # Batches are the same however much of them is done; two of them lack an image.
    assert (plan.done, plan.batches, plan.unreadable) == (3, 2, ())
    assert results.read_bytes() == cut
    assert {file for file in out.rglob("*") if file.is_file()} == set(before)
    assert [r["status"] for r in records] == ["ok", "failed", "ok", "ok", "ok"]

    other = dataclasses.replace(job(tiny), restarts=2)
    with pytest.raises(SettingError, match="another setting: restarts was 1, is 2"):
        make_plan(other, [photos], out)
    with pytest.raises(SettingError, match="is not empty"):
        make_plan(job(tiny), [photos], photos)
    # Starting anew: also a folder with damaged records is only looked at.
    results.write_bytes(b"Dear all\n")
    plan = make_plan(other, [photos], out, overwrite=True)
    assert (plan.replaces, plan.done, plan.batches) == (True, 0, 3)
    assert f"results would go to {out}, after removing those of the run there" in plan.text()
    assert results.read_bytes() == b"Dear all\n"
    assert not make_plan(job(tiny), [photos], tmp_path / "free", overwrite=True).replaces


def test_more_starts_cost_more_memory(tiny: Generator, photos: Path, tmp_path: Path):
    one, four = (
        make_plan(dataclasses.replace(job(tiny), restarts=n), [photos / "0.png"], tmp_path / "out")
        for n in (1, 4)
    )
    assert four.memory > 1.5 * one.memory


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.0 s"), (119, "119.0 s"), (150, "2.5 min"), (9000, "2.5 h")]
)
def test_durations(seconds: float, text: str):
    assert duration(seconds) == text
