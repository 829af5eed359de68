"""The benchmark of robust restoration: its tasks, what it measures, and how it goes on."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bare import run_bare
from networks import small_lpips_vgg, untrained, write_generator, write_lpips_vgg
from PIL import Image

from mgp_jax import cli
from mgp_jax.degradations import kind_of, operators_of, parse
from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig
from mgp_jax.metrics import lpips
from mgp_jax.tables.case import Case
from mgp_jax.tables.robust import consistency, measured, robust_tasks


def test_four_tasks_at_five_strengths_and_eleven_chains():
    tasks = robust_tasks()
    assert len(tasks) == 4 * 5 + 11
    for name, task in tasks.items():
        degradation = parse(task.spec(256), 256)
        assert task.name == name and task.kind == kind_of(degradation)
    assert tasks["upsampling-5"].example == "down:32:pillow|quantise:8"
    assert tasks["noise-3"].example == "poisson:24|drop:0.16|quantise:8"
    chain = parse(tasks["upsampling+noise+jpeg+mask"].example, 256)
    names = ["down:8:pillow", "poisson:24", "drop:0.16", "jpeg:12", "mask:strokes:9"]
    names.append("quantise:8")
    assert [str(operator) for operator in operators_of(chain)] == names


def test_some_of_it():
    assert list(robust_tasks(["jpeg", "noise+mask"], [5, 1])) == ["jpeg-1", "jpeg-5", "noise+mask"]
    with pytest.raises(SettingError, match="task blur: there are upsampling, noise, jpeg, mask, u"):
        robust_tasks(["blur"])
    for strengths in ([], [0], [6]):
        with pytest.raises(SettingError, match="strengths: "):
            robust_tasks((), strengths)


@pytest.mark.parametrize("task", ["upsampling", "noise", "jpeg", "mask"])
def test_the_stronger_the_more_is_lost(task: str, photographs: np.ndarray):
    """And all strengths but those of upsampling, whose observations differ in size, are data."""
    rows = robust_tasks([task]).values()
    operators = [parse(row.spec(32), 32) for row in rows]
    structures = {jax.tree.structure(operator) for operator in operators}
    assert len(structures) == (5 if task == "upsampling" else 1)
    if task == "mask":
        known = [float(jnp.mean(operator.support)) for operator in operators]
        assert known == sorted(known, reverse=True)


def test_what_is_measured(photographs: np.ndarray):
    truths = photographs[:2]
    degradation, distance = parse("down:2|poisson:24", 32), small_lpips_vgg()
    seen = jax.vmap(lambda x: degradation.simulate(x, jax.random.key(0)))(jnp.asarray(truths))
    case = Case(untrained(DCGANConfig(8, (8, 8, 4))), degradation, seen, {"lpips_vgg": distance}, 0)
    restored = np.clip(truths + 0.1, -1, 1)
    scores = measured(case, restored, truths)
    assert list(scores) == ["psnr", "lpips", "lpips_256", "lpips_vgg", "consistency"]
    expected = lpips(restored / 2 + 0.5, truths / 2 + 0.5, distance)
    np.testing.assert_allclose(np.array(scores["lpips_vgg"]), expected, rtol=1e-4)
    reduced = restored.reshape(2, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    error = np.mean((np.clip(seen / 2 + 0.5, 0, 1) - (reduced / 2 + 0.5)) ** 2, axis=(1, 2, 3))
    np.testing.assert_allclose(np.array(scores["consistency"]), -10 * np.log10(error), rtol=1e-4)
    assert "lpips_vgg" not in measured(case._replace(networks={}), restored, truths)


def test_consistency_leaves_out_what_is_not_known(photographs: np.ndarray):
    truth, mask = jnp.asarray(photographs[0]), parse("mask:center:8", 32)
    other = jnp.where(mask.support > 0, truth + 0.2, -truth)
    found = consistency(mask, other, mask(truth))
    error = np.square(np.clip(other / 2 + 0.5, 0, 1) - (truth / 2 + 0.5))
    known = np.broadcast_to(mask.support, error.shape) > 0
    np.testing.assert_allclose(found, -10 * np.log10(error[known].mean()), rtol=1e-4)


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Settings of a benchmark of one photograph, as both programs take them."""
    folder = tmp_path_factory.mktemp("robust")
    generator = write_generator(folder / "tiny.safetensors", untrained(DCGANConfig(8, (8, 8, 4))))
    distance = write_lpips_vgg(folder / "vgg.safetensors")
    y, x = np.mgrid[:32, :32]
    pixels = np.stack([6 * x, 250 - 7 * y, 60 + 5 * x], -1).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    options = ["--generator", str(generator), "--lpips-vgg", str(distance), "--budget", "3"]
    options += ["--tasks", "noise", "jpeg+mask", "--strengths", "1", "5"]
    return [*options, "--methods", "observation", "pulse", "--images", str(folder / "photo.png")]


def test_from_a_bare_checkout_to_a_page(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """What the program for devices has begun the command finishes and shows."""
    out, place = tmp_path / "out", arguments.index("--images")
    options, photographs = arguments[:place], arguments[place + 1 :]
    done = run_bare("robust.py", *photographs, *options, "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("pulse: 3 steps") == 3
    file = out / "results.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]))

    assert cli.main(["bench", "robust", *arguments, "--out", str(out)]) == cli.OK
    told = capsys.readouterr()
    # Only what was missing has been done again.
    assert told.err.count(" steps, ") == 1 and told.err.startswith("jpeg+mask, pulse: 3 steps")
    data = json.loads((out / "tables.json").read_text())
    tasks = ["noise-1", "noise-5", "jpeg+mask"]
    assert [r["task"] for r in data["records"]] == [task for task in tasks for _ in range(2)]
    scores = data["records"][-1]["scores"]
    assert list(scores) == ["psnr", "lpips", "lpips_256", "lpips_vgg", "consistency"]
    assert scores.pop("lpips_256") == [None]
    assert all(np.isfinite(values).all() and len(values) == 1 for values in scores.values())
    page = (out / "tables.md").read_text()
    assert "LPIPS VGG16" in page and "Consistency (dB)" in page and "strengths.png" in page
    assert (out / "strengths.png").stat().st_size > 1000


def test_wrong_usage(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "out"
    for change, message in (
        (["--strengths", "9"], "strengths: 9, there are 1 to 5"),
        (["--tasks", "rain"], "task rain: there are upsampling"),
        (["--methods", "robust"], "method robust: needs a style-based generator"),
    ):
        command = ["bench", "robust", *arguments, "--out", str(out), *change]
        assert cli.main(command) == cli.WRONG_USAGE
        told = capsys.readouterr().err
        assert told.startswith(f"mgp: {message}") and told.count("\n") == 1
    command = ["bench", "robust", *arguments, "--out", str(out), "--lpips-vgg", arguments[1]]
    assert cli.main(command) != cli.OK
    assert capsys.readouterr().err == f"mgp: {arguments[1]}: holds dcgan weights, not LPIPS\n"
    assert not out.exists()
