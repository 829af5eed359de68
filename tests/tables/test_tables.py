"""The comparison of all methods: what it keeps, how it goes on, what it writes."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator
from mgp_jax.images import read_image
from mgp_jax.methods import METHODS, Method
from mgp_jax.methods.single import ONE_CODE, always
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.recipes.small import FAST
from mgp_jax.tables import Budget, Comparison, example_images, run_grid, run_tables
from mgp_jax.tables.budget import cost_key
from mgp_jax.tables.images import Images
from mgp_jax.tables.run import make_case, minimised
from mgp_jax.tables.statistics import summarise
from mgp_jax.tables.write import grid_table, overview, table, write_tables

ABOUT = {
    "command": "mgp bench tables",
    "generator": "tiny",
    "images": ["one", "two"],
    "budget": "6 steps",
    "seed": 0,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables") / "out"


@pytest.fixture(scope="module")
def records(comparison: Comparison, folder: Path) -> list[dict]:
    return run_tables(comparison, folder)


def test_every_method_has_a_record_of_every_task(
    comparison: Comparison, records: list[dict], folder: Path
):
    places = [(record["task"], record["method"]) for record in records]
    assert places == list(product(comparison.tasks, comparison.methods))
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


def test_large_images_are_restored_one_at_a_time_on_a_cpu(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch
):
    case = make_case(comparison, "colorization")
    assert (case.is_large, case.together) == (False, 2)
    at_once = case.restore(METHODS["one-code"], 3)
    for module in ("tables.case", "memory"):
        monkeypatch.setattr(f"mgp_jax.{module}.LARGE", 32)
    assert (case.is_large, case.together) == (True, 1)
    one_by_one = case.restore(METHODS["one-code"], 3)
    for some, same in zip(one_by_one, at_once, strict=True):
        np.testing.assert_allclose(some, same, atol=1e-4)
    assert one_by_one.samples.shape == (2, 1, 32, 32, 3)
    monkeypatch.setattr("mgp_jax.memory.device_limit", lambda: 1e9)
    assert case.together == 2


@pytest.mark.parametrize(
    ("weight", "metrics"),
    [({}, []), ({"lpips": 0.1}, ["lpips", "lpips_256"]), ({"pyramid": 1.0}, ["lpips_vgg"])],
)
def test_what_a_method_minimises_is_marked(weight: dict[str, float], metrics: list[str]):
    recipe = Recipe("own", (Phase(3, **weight), Phase(3)))
    assert minimised(recipe) == metrics


def without_times(records: list[dict]) -> list[dict]:
    return [{**r, "seconds": None} for r in records]


def test_the_same_seed_gives_the_same_table(
    comparison: Comparison, folder: Path, records: list[dict], monkeypatch: pytest.MonkeyPatch
):
    file = folder / "results.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]) + lines[-1][:20])
    new: list[dict] = []
    let_go: list[bool] = []
    monkeypatch.setattr("mgp_jax.kept_programs.areas_taken", lambda: 1.0)
    monkeypatch.setattr(jax, "clear_caches", lambda: let_go.append(True))
    again = run_tables(comparison, folder, new.append)
    # Only what was cut off is done again, and other programs make room for it.
    assert len(new) == len(let_go) == 1
    assert (new[0]["task"], new[0]["method"]) == ("colorization", "feature-map")
    assert without_times(again) == without_times(records)


def test_tasks_and_methods_are_added(
    comparison: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def record_of(comparison: Comparison, task: str, case: Any, method: Method, *_: Any) -> dict:
        return {"task": task, "method": method.name, "error": None}

    monkeypatch.setattr("mgp_jax.tables.run.record_of", record_of)

    def places(records: list[dict]) -> list[tuple[str, str]]:
        return [(record["task"], record["method"]) for record in records]

    def run(tasks: tuple[str, ...], methods: tuple[str, ...]) -> tuple[list, list]:
        new: list[dict] = []
        chosen = replace(comparison, tasks=tasks, methods=methods)
        every = run_tables(chosen, tmp_path, new.append)
        return places(new), places(every)

    gray, whole = "colorization", "reconstruction"
    one, alone = "one-code", "observation"
    assert run((gray,), (one,)) == ([(gray, one)], [(gray, one)])
    assert run((whole,), (alone,)) == ([(whole, alone)], [(whole, alone), (gray, one)])
    # Only what is missing is run, and all comes in the order of tasks and methods.
    new, every = run((gray, whole), (one, alone))
    assert sorted(new) == [(gray, alone), (whole, one)]
    assert every == [(whole, alone), (whole, one), (gray, alone), (gray, one)]
    assert run((gray,), (one,)) == ([], every)
    recipe = always(ONE_CODE.with_(steps=ONE_CODE.steps + 1))
    monkeypatch.setitem(METHODS, one, replace(METHODS[one], recipe=recipe))
    # A recipe that another task has been run with has changed, not those that are asked for.
    assert run((gray,), (alone,)) == ([], every)
    with pytest.raises(SettingError, match="reconstruction: one-code was"):
        run((whole,), (one,))


def test_prices_of_another_table_are_repeated(comparison: Comparison, tmp_path: Path):
    chosen = replace(comparison, tasks=("colorization",), methods=("one-code",))
    key = cost_key(METHODS["one-code"], make_case(chosen, "colorization"))
    (tmp_path / "prices.json").write_text(json.dumps({key: [0.5, 0.25]}))
    (record,) = run_tables(replace(chosen, budget=Budget(2, True)), tmp_path)
    assert record["steps"] == 6 and record["seconds"] == 2.0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "own.json").touch()
    with pytest.raises(SettingError, match="is not empty"):
        run_tables(chosen, tmp_path / "other")


def test_another_comparison_is_refused(comparison: Comparison, folder: Path, records: list[dict]):
    for change in (
        {"seed": 1},
        {"budget": Budget(7, False)},
        {"images": Images(("one", "two"), comparison.images.truths[::-1])},
    ):
        with pytest.raises(SettingError, match="another setting"):
            run_tables(replace(comparison, **change), folder)


def test_other_recipes_are_another_comparison(
    comparison: Comparison, folder: Path, records: list[dict], monkeypatch: pytest.MonkeyPatch
):
    prices = json.loads((folder / "prices.json").read_text())
    case = make_case(comparison, "colorization")
    assert cost_key(METHODS["one-code"], case) in prices
    recipe = always(ONE_CODE.with_(steps=ONE_CODE.steps + 1))
    monkeypatch.setitem(METHODS, "one-code", replace(METHODS["one-code"], recipe=recipe))
    assert cost_key(METHODS["one-code"], case) not in prices
    with pytest.raises(SettingError, match="reconstruction: one-code was"):
        run_tables(comparison, folder)


def test_wrong_names(comparison: Comparison, tmp_path: Path):
    for change, message in (
        ({"tasks": ("painting",)}, "task painting: there are reconstruction"),
        ({"methods": ("magic",)}, "method magic: there are observation"),
        ({"methods": ("w",)}, "method w: needs a style-based generator"),
        ({"methods": ("encoder",)}, "method encoder: needs an encoder"),
    ):
        with pytest.raises(SettingError, match=message):
            run_tables(replace(comparison, **change), tmp_path / "new")


def test_several_answers_are_measured_by_their_spread(comparison: Comparison, tmp_path: Path):
    # Two samples of one image share the programs of two images.
    image = Images(("one",), comparison.images.truths[:1])
    chosen = {"tasks": ("colorization",), "methods": comparison.methods[:2], "images": image}
    several = replace(comparison, **chosen, samples=2)
    certain, spread = run_tables(several, tmp_path)
    # All answers of the observation alone are one.
    assert certain["calibration"] == [] and certain["scores"]["coverage"] == [None]
    assert len(spread["calibration"]) == 10
    for metric in ("correlation", "coverage", "temperature"):
        assert None not in spread["scores"][metric]
    about = ABOUT | {"images": ["one"]}
    text = write_tables(tmp_path, [certain, spread], about).read_text()
    assert "| 90 % coverage (%) |" in text and "](calibration.png)" in text
    assert (tmp_path / "calibration.png").exists()
    with pytest.raises(SettingError, match="colorization: observation was"):
        run_tables(replace(several, samples=None), tmp_path)


@pytest.fixture(scope="module")
def grid(comparison: Comparison, folder: Path, records: list[dict]) -> list[dict]:
    cases = {task: make_case(comparison, task) for task in ("reconstruction",)}
    return run_grid(cases, comparison.images.truths, (1, 3), 4, folder / "grid")


def test_the_grid(
    comparison: Comparison, folder: Path, grid: list[dict], monkeypatch: pytest.MonkeyPatch
):
    # The cuts of the tiny generator have maps of 4, 8 and 16 pixels.
    places = [(point["layer"], point["resolution"], point["codes"]) for point in grid]
    assert places == [(1, 4, 1), (1, 4, 3), (2, 8, 1), (2, 8, 3), (3, 16, 1), (3, 16, 3)]
    assert len({tuple(point["psnr"]) for point in grid}) == 6
    new: list[dict] = []
    cases = {"reconstruction": make_case(comparison, "reconstruction")}
    again = run_grid(cases, comparison.images.truths, (1, 3), 4, folder / "grid", new.append)
    assert again == grid and not new
    other = replace(FAST["inversion"].phases[0], z_rate=0.2)
    monkeypatch.setitem(FAST, "inversion", replace(FAST["inversion"], phases=(other,)))
    again = run_grid(cases, comparison.images.truths, (1,), 4, folder / "grid", new.append)
    assert again == new and len(new) == 3
    lines = grid_table(grid).splitlines()
    assert lines[0] == "| task | cut | 1 code | 3 codes |" and len(lines) == 5


def test_the_files(folder: Path, records: list[dict], grid: list[dict]):
    markdown = write_tables(folder, records, ABOUT, grid).read_text()
    assert "calibration" not in markdown and not (folder / "calibration.png").exists()
    assert "## Reconstruction" in markdown and "## Colorization" in markdown
    assert "AuC balanced (%)" in markdown
    for record in records:
        assert f"| {METHODS[record['method']].title} |" in markdown
    data = json.loads((folder / "tables.json").read_text())
    values = records[1]["scores"]["psnr"]
    score = data["summary"]["reconstruction"]["one-code"]["psnr"]
    assert score["mean"] == pytest.approx(np.mean(values))
    assert score["error"] == pytest.approx(np.std(values, ddof=1) / 2**0.5)
    for name in ("reconstruction", "colorization", "methods", "codes"):
        assert (folder / f"{name}.png").stat().st_size > 1000
    assert "![PSNR](codes.png)" in markdown and data["grid"] == grid


def test_the_best_method_with_a_generator_is_bold():
    def row(method: str, psnr: float, lpips: float) -> dict:
        scores = {"psnr": [psnr, psnr + 2], "ssim": [None, None], "lpips": [lpips]}
        return {"method": method, "error": None, "steps": 3, "seconds": 1.0, "scores": scores}

    failed = {"method": "ilo", "error": "it is broken"}
    rows = [row("dip", 40, 0.01), row("one-code", 20, 0.2), row("multi-code", 30, 0.3), failed]
    # No coverage is the best.
    plain = [*rows[:2], rows[2] | {"scores": rows[2]["scores"] | {"coverage": [0.8]}}]
    assert table(plain).splitlines()[4].split(" | ")[3] == "80.0"
    lines = table(rows).splitlines()
    assert lines[0] == "| method | PSNR (dB) | LPIPS | steps | s / image |"
    assert lines[2] == "| deep image prior | 41.00 ± 1.00 | 0.010 | 3 | 1.00 |"
    assert lines[3] == "| one code | 21.00 ± 1.00 | **0.200** | 3 | 1.00 |"
    assert lines[4] == "| multi-code | **31.00** ± 1.00 | 0.300 | 3 | 1.00 |"
    assert "it is broken" in lines[5]


def test_the_overview_has_a_column_for_every_task():
    def row(task: str, method: str, psnr: float, seconds: float) -> dict:
        scores = {"psnr": [psnr], "lpips": [1 / psnr]}
        found = {"task": task, "method": method, "error": None, "steps": 3}
        return {**found, "seconds": seconds, "scores": scores}

    failed = {"task": "denoising", "method": "one-code", "error": "it is broken"}
    rows = [row("colorization", "one-code", 20, 1), row("colorization", "ilo", 25, 3)]
    lines = overview([*rows, failed, row("denoising", "ilo", 10, 4)]).splitlines()
    assert lines[0] == "| PSNR / LPIPS | colorization | denoising | s / image |"
    assert lines[2] == "| one code | 20.00 / 0.050 | - / - | 1.00 |"
    best = "**25.00** / **0.040** | **10.00** / **0.100**"
    assert lines[3] == f"| {METHODS['ilo'].title} | {best} | 3.50 |"


def test_summaries_leave_out_what_is_no_number():
    assert summarise([None, None]) is None
    assert summarise([1.0, None]) == (1.0, None)
    score = summarise([1.0, 3.0, None])
    assert score is not None and score.mean == 2 and score.error == pytest.approx(1.0)


def test_examples_are_the_same_every_time(tiny: Generator):
    images = example_images(tiny)
    assert images.stems[0] == "photograph" and images.truths.shape == (len(images.stems), 32, 32, 3)
    np.testing.assert_array_equal(images.truths, example_images(tiny).truths)
