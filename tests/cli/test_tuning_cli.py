"""`mgp tune`, recipe files on the command line, and `mgp bench speed` and `mgp bench cost`."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mgp_jax import cli
from mgp_jax.cli.tuning import parse_time
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator, save_weights
from mgp_jax.images import write_image
from mgp_jax.recipe_files import read_recipe, write_recipe
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.tuning import Search, Trial


@pytest.fixture
def folder(
    tmp_path: Path, tiny: Generator, photographs: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder to work in, with a generator and three photographs."""
    monkeypatch.chdir(tmp_path)
    config = dataclasses.asdict(tiny.config)
    save_weights("tiny.safetensors", "dcgan", config, tiny.params, {"made": "by a test"}, "CC0")
    for number, image in enumerate(photographs):
        write_image(tmp_path / f"{number}.png", image)
    return tmp_path


def mgp(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    status = cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return status, out, err


def made_up(search: Search, recipe: Recipe, batch: int, *, compiled: bool) -> Trial:
    score = 20 + math.log(recipe.codes)
    count = len(search.truths[batch * search.batch_size :][: search.batch_size])
    return Trial(recipe, batch, (round(score, 3),) * count, recipe.steps / 100, 7.0)


def test_a_tuned_recipe_is_one_that_commands_take(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("mgp_jax.tuning.search.run_trial", made_up)
    command = ["tune", "tiny.safetensors", "--images", ".", "--task", "colorize"]
    command += ["--out", "recipe.json", "--seconds", 1, "--batch-size", 2]
    status, out, err = mgp(capsys, *command, "--budget", "100s")
    assert status == cli.OK
    assert "psnr" in out and out.splitlines()[-1] == "recipe.json"
    assert len(err.splitlines()) == 15  # A trial each, of 7 s.
    assert err.startswith("tune: 7 of 100 s, cut 2, 20 codes, ") and ": psnr 23 in" in err
    recipe = read_recipe(folder / "recipe.json")
    about = json.loads((folder / "recipe.json").read_text())["about"]
    assert about["degradation"] == "gray" and about["images"] == 3
    # Continued with more budget, by the same command.
    before = (folder / "recipe.trials.jsonl").read_text()
    status, _, err = mgp(capsys, *command, "--budget", "3m")
    assert status == cli.OK and len(err.splitlines()) == 26 - 15
    assert (folder / "recipe.trials.jsonl").read_text().startswith(before)
    # Another search on the same log is refused.
    status, _, err = mgp(capsys, *command, "--budget", "3m", "--seed", 1)
    assert status == cli.WRONG_USAGE and "with other seed" in err and err.count("\n") == 1

    jobs: list[Any] = []
    monkeypatch.setattr("mgp_jax.batch.run", lambda job, *_: (jobs.append(job), [])[1])
    monkeypatch.setattr("mgp_jax.report.write_contact_sheet", lambda folder: None)
    monkeypatch.setattr("mgp_jax.report.write_page", lambda folder: folder / "index.html")
    write_recipe("recipe.json", recipe)
    common = ["0.png", "--out", "out", "--generator", "tiny.safetensors"]
    auto = ["--layer", "auto", "--codes", "auto"]
    for given, codes, layer in (
        (["--recipe", "recipe.json", *auto], recipe.codes, recipe.layer),
        (["--recipe", "recipe.json", "--codes", 3], 3, recipe.layer),
        (["--recipe", "paper", *auto], 20, None),
        (["--recipe", "fast", "--layer", "layer1", "--codes", "auto"], 20, "layer1"),
    ):
        assert mgp(capsys, "colorize", *common, *given)[0] == cli.OK
        tried = jobs[-1].inversion.recipe
        assert (tried.codes, tried.layer) == (codes, layer)
    status, _, err = mgp(capsys, "colorize", *common, "--recipe", "absent.json")
    assert (status, err) == (2, "mgp: absent.json: cannot be read (No such file or directory)\n")


def test_what_was_found_is_kept_when_the_search_is_stopped(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def twice(search: Search, recipe: Recipe, batch: int, *, compiled: bool) -> Trial:
        if batch == 1:
            raise KeyboardInterrupt
        return made_up(search, recipe, batch, compiled=compiled)

    monkeypatch.setattr("mgp_jax.tuning.search.run_trial", twice)
    command = ["tune", "tiny.safetensors", "--images", "0.png", "1.png", "--out", "recipe.json"]
    status, _, err = mgp(capsys, *command, "--batch-size", 1)
    assert status == cli.INTERRUPTED and err.splitlines()[-1].startswith("mgp: stopped")
    assert read_recipe("recipe.json").codes == 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--budget", "soon"), "budget: soon is no time"),
        (("--budget", "0m"), "budget: 0.0 s, must be above 0"),
        (("--seconds", "0"), "seconds: 0.0, must be above 0"),
        (("--batch-size", "0"), "batch size: 0"),
        (("--degradation", "blur"), "blur"),
    ],
)
def test_wrong_settings(
    folder: Path, capsys: pytest.CaptureFixture[str], change: tuple, message: str
):
    command = ["tune", "tiny.safetensors", "--images", "0.png", "--out", "recipe.json", *change]
    status, out, err = mgp(capsys, *command)
    assert (status, out) == (cli.WRONG_USAGE, "")
    assert err.startswith("mgp: ") and err.count("\n") == 1 and message in err
    assert not (folder / "recipe.json").exists()


def test_times():
    assert [parse_time(text) for text in ("90", "90s", "30m", "1.5h")] == [90, 90, 1800, 5400]
    for text in ("", "m", "-3s", "3d", "1m30s"):
        with pytest.raises(SettingError, match="is no time"):
            parse_time(text)


REFERENCE = """
import json, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2])) if "--step-only" not in sys.argv else {}
points = [{"step": s, "seconds": s / 50, "psnr": s / 100, "lpips": 0.5} for s in (200, 500)]
if given:
    print(json.dumps({"image": given["--images"], "loop": given["--loop"], "curve": points}))
else:
    print(json.dumps({"loop": "tuned", "seconds": 0.5, "processor_seconds": 1.0, "flops": 1e6}))
"""


def test_quality_over_time_beside_the_reference(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "reference.py").write_text(REFERENCE)
    recipe = Recipe("x", (Phase(3), Phase(12, moves=("residual",))), codes=2, layer=2)
    write_recipe("recipe.json", recipe)
    command = ["bench", "speed", "--images", "0.png", "--generator", "tiny.safetensors"]
    command += ["--recipes", "recipe.json", "--out", "speed"]
    status, out, _ = mgp(capsys, *command, "--reference", "reference.py")
    assert status == cli.OK
    assert out == (folder / "speed" / "speed.md").read_text()
    for row in (
        "PyTorch, tuned",
        "PyTorch, as published",
        "recipe.json",
        "codes alone",
        "200 steps",
    ):
        assert row in out
    (measured,) = json.loads((folder / "speed" / "speed.json").read_text())
    assert [entry["step"] for entry in measured["milestones"]] == [200, 500]
    # 2 and 5 dB are reached at once.
    assert measured["milestones"][0]["ours"]["recipe.json"]["ratio"] > 1
    assert (folder / "speed" / "quality-identity.png").exists()
    # Without a reference ours are still told.
    status, out, err = mgp(capsys, *command, "--reference", "absent.py")
    assert status == cli.SOME_FAILED and "recipe.json" in out and "PyTorch" not in out
    assert "mgp: reference absent.py: there is no such file" in err


def test_cost_beside_the_reference(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "reference.py").write_text(REFERENCE)
    command = ["bench", "cost", "--generator", "tiny.safetensors", "--layers", "2", "9"]
    command += ["--codes", 2, "--rounds", 1, "--out", "cost", "--reference", "reference.py"]
    status, out, err = mgp(capsys, *command)
    assert status == cli.SOME_FAILED and "1/2 tiny.safetensors, cut 2" in err
    assert out == (folder / "cost" / "cost.md").read_text()
    first, second = json.loads((folder / "cost" / "cost.json").read_text())
    assert set(first["reference"]) == {"tuned", "compiled", "published"}
    assert first["reference"]["tuned"]["seconds"] == 0.5 and first["matrix_product_rate"] > 1e7
    assert second["error"].startswith("layer 9: ") and "layer 9: " in out
