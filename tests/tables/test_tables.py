"""The comparison of all methods: what it keeps, how it goes on, what it writes."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mgp_jax.baselines.methods import METHODS
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator
from mgp_jax.images import read_image
from mgp_jax.tables import Budget, Comparison, example_images, parse_budget, run_tables
from mgp_jax.tables.budget import cost_key, steps_for
from mgp_jax.tables.run import make_case
from mgp_jax.tables.tasks import TASKS, Images, degradation_of
from mgp_jax.tables.timing import covered, timed
from mgp_jax.tables.write import summarise, table, write_tables

TASK_NAMES = ("reconstruction", "colorization")
NAMES = ("observation", "one-code", "feature-map")


@pytest.fixture(scope="module")
def comparison(tiny: Generator, photographs: np.ndarray) -> Comparison:
    images = Images(("one", "two"), photographs[:2])
    return Comparison(tiny, images, Budget(6, False), tasks=TASK_NAMES, methods=NAMES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables") / "out"


@pytest.fixture(scope="module")
def records(comparison: Comparison, folder: Path) -> list[dict]:
    return run_tables(comparison, folder)


def test_every_method_has_a_record_of_every_task(records: list[dict], folder: Path):
    places = [(record["task"], record["method"]) for record in records]
    assert places == [(task, name) for task in TASK_NAMES for name in NAMES]
    for record in records:
        assert record["error"] is None
        assert record["steps"] == (0 if record["method"] == "observation" else 6)
        assert record["seconds"] >= 0
        scores = record["scores"]
        colours = {"auc", "auc_balanced"} if record["task"] == "colorization" else set()
        # 32 pixels are too few for NIQE.
        assert set(scores) == {"psnr", "ssim", "lpips"} | colours
        assert all(len(values) == 2 for values in scores.values())
        image = read_image(folder / "images" / record["task"] / record["method"] / "two.png")
        assert image.shape == (32, 32, 3)
    # The observation of a reconstruction is the truth.
    assert records[0]["scores"]["psnr"] == [None, None]
    assert records[0]["scores"]["lpips"] == pytest.approx([0, 0], abs=1e-6)


def without_times(records: list[dict]) -> list[dict]:
    return [{**r, "seconds": None, "compilation": None} for r in records]


def test_the_same_seed_gives_the_same_table(
    comparison: Comparison, folder: Path, records: list[dict]
):
    file = folder / "results.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]) + lines[-1][:20])
    new: list[dict] = []
    again = run_tables(comparison, folder, new.append)
    # Only what was cut off is done again.
    assert len(new) == 1 and (new[0]["task"], new[0]["method"]) == ("colorization", "feature-map")
    assert without_times(again) == without_times(records)


def test_another_comparison_is_refused(comparison: Comparison, folder: Path, records: list[dict]):
    for change in (
        {"seed": 1},
        {"budget": Budget(7, False)},
        {"images": Images(("one", "two"), comparison.images.truths[::-1])},
    ):
        with pytest.raises(SettingError, match="another setting"):
            run_tables(dataclasses.replace(comparison, **change), folder)


def test_wrong_names(comparison: Comparison, tmp_path: Path):
    for change, message in (
        ({"tasks": ("painting",)}, "task painting: there are reconstruction"),
        ({"methods": ("magic",)}, "method magic: there are observation"),
        ({"methods": ("w",)}, "method w: needs a style-based generator"),
        ({"methods": ("encoder",)}, "method encoder: needs an encoder"),
    ):
        with pytest.raises(SettingError, match=message):
            run_tables(dataclasses.replace(comparison, **change), tmp_path / "new")


def test_the_files(folder: Path, records: list[dict]):
    about = {
        "command": "mgp bench tables",
        "generator": "tiny",
        "images": ["one", "two"],
        "budget": "6 steps",
        "seed": 0,
    }
    markdown = write_tables(folder, records, about).read_text()
    assert "## Reconstruction" in markdown and "## Colorization" in markdown
    assert "AuC balanced (%)" in markdown
    for record in records:
        assert f"| {METHODS[record['method']].title} |" in markdown
    data = json.loads((folder / "tables.json").read_text())
    values = records[1]["scores"]["psnr"]
    score = data["summary"]["reconstruction"]["one-code"]["psnr"]
    assert score["mean"] == pytest.approx(np.mean(values))
    assert score["error"] == pytest.approx(np.std(values, ddof=1) / 2**0.5)
    assert (folder / "reconstruction.png").stat().st_size > 1000


def test_the_best_method_with_a_generator_is_bold():
    def row(method: str, psnr: float, lpips: float) -> dict:
        scores = {"psnr": [psnr, psnr + 2], "ssim": [None, None], "lpips": [lpips]}
        return {"method": method, "error": None, "steps": 3, "seconds": 1.0, "scores": scores}

    failed = {"method": "ilo", "error": "it is broken"}
    rows = [row("dip", 40, 0.01), row("one-code", 20, 0.2), row("multi-code", 30, 0.3), failed]
    lines = table(rows).splitlines()
    assert lines[0] == "| method | PSNR (dB) | LPIPS | steps | s / image |"
    assert lines[2] == "| deep image prior | 41.00 ± 1.00 | 0.010 | 3 | 1.00 |"
    assert lines[3] == "| one code | 21.00 ± 1.00 | **0.200** | 3 | 1.00 |"
    assert lines[4] == "| multi-code (recipe fast) | **31.00** ± 1.00 | 0.300 | 3 | 1.00 |"
    assert "it is broken" in lines[5]


def test_summaries_leave_out_what_is_no_number():
    assert summarise([None, None]) is None
    assert summarise([1.0, None]) == (1.0, None)
    score = summarise([1.0, 3.0, None])
    assert score is not None and score.mean == 2 and score.error == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "budget"), [("3s", (3, True)), ("0.5 s", (0.5, True)), ("200", (200, False))]
)
def test_budgets(text: str, budget: tuple):
    assert parse_budget(text) == budget


@pytest.mark.parametrize("text", ["", "3m", "-1", "0", "0s", "1.5"])
def test_wrong_budgets(text: str):
    with pytest.raises(SettingError, match="budget"):
        parse_budget(text)


def test_seconds_become_steps(comparison: Comparison):
    case = make_case(comparison, "reconstruction")
    prices = {"one-code": 0.01, "multi-code inversion": 0.1}
    budget = Budget(2, True)
    assert steps_for(METHODS["one-code"], case, budget, prices) == 200
    assert steps_for(METHODS["multi-code"], case, budget, prices) == 20
    assert steps_for(METHODS["observation"], case, budget, prices) == 0
    # Not fewer than a method can do.
    assert steps_for(METHODS["multi-code"], case, Budget(0.001, True), prices) == 2
    gray = make_case(comparison, "colorization")
    assert cost_key(METHODS["multi-code"], gray) == "multi-code colorization"
    # What has no price is tried.
    steps = steps_for(METHODS["one-code"], case, budget, new := {})
    assert new["one-code"] > 0 and steps == round(2 / new["one-code"])


def test_compilation_is_measured_apart():
    assert covered([(0, 2), (1, 3), (5, 6), (5.2, 5.8)]) == 4
    assert covered([]) == 0
    slow = jax.jit(lambda x: jnp.linalg.svd(x @ x.T)[0] + jnp.sin(x @ x.T))
    with timed() as first:
        slow(jnp.ones((20, 3))).block_until_ready()
    with timed() as second:
        slow(jnp.ones((20, 3))).block_until_ready()
    assert first.compilation > 10 * second.compilation
    assert first.seconds < first.compilation


def test_tasks_fit_any_resolution():
    for task in TASKS:
        for resolution in (16, 64, 256):
            degradation_of(task, resolution).observation_shape((resolution, resolution, 3))


def test_examples_are_the_same_every_time(tiny: Generator):
    images = example_images(tiny)
    assert images.stems[0] == "photograph" and images.truths.shape == (len(images.stems), 32, 32, 3)
    np.testing.assert_array_equal(images.truths, example_images(tiny).truths)
