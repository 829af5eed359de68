"""The commands `mgp bench tables` and `mgp train-encoder`."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mgp_jax import cli


def test_from_training_to_tables(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    encoder, out = tmp_path / "encoder.safetensors", tmp_path / "out"
    training = ["train-encoder", str(small), "--out", str(encoder), "--steps", "6"]
    assert cli.main(training) == cli.OK
    assert capsys.readouterr().out == f"{encoder}\n"
    photos = tmp_path / "photos"
    photos.mkdir()
    y, x = np.mgrid[:16, :16]
    for k in range(2):
        pixels = np.stack([12 * x, 250 - 12 * y, 60 + 5 * x + k * y], -1).astype(np.uint8)
        Image.fromarray(pixels).save(photos / f"{k}.png")
    command = ["bench", "tables", "--images", str(photos), "--generator", str(small)]
    command += ["--encoder", str(encoder), "--out", str(out), "--budget", "4"]
    command += ["--tasks", "reconstruction", "--grid", "1", "2", "--grid-steps", "3"]
    command += ["--methods", "encoder", "encoder-optimised", "one-code"]
    assert cli.main(command) == cli.OK
    first = capsys.readouterr()
    assert first.out == f"{out / 'tables.md'}\n"
    assert "reconstruction, one-code: 4 steps" in first.err
    data = json.loads((out / "tables.json").read_text())
    assert [r["method"] for r in data["records"]] == ["one-code", "encoder", "encoder-optimised"]
    assert data["about"]["command"].startswith("mgp bench tables --images ")
    assert [(point["layer"], point["codes"]) for point in data["grid"]] == [
        *((1, 1), (1, 2)),
        *((2, 1), (2, 2)),
    ]
    # Again: nothing is left to be done, and without numbers of codes there is no such figure.
    again = cli.main([*command[: command.index("--grid")], "--grid", *command[-4:], "--json"])
    second = capsys.readouterr()
    assert again == cli.OK and second.err == ""
    assert json.loads(second.out) == data["summary"]
    assert json.loads((out / "tables.json").read_text())["records"] == data["records"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--budget", "soon"), "budget soon: neither seconds like 3s nor steps like 200"),
        (("--tasks", "painting"), "task painting: there are reconstruction"),
        (("--methods", "magic"), "method magic: there are observation"),
        (("--grid", "0"), "grid: numbers of codes and of steps must be at least 1"),
        (("--seed", str(2**64)), "seed: "),
    ],
)
def test_wrong_usage(
    small: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
):
    out = tmp_path / "out"
    command = ["bench", "tables", "--generator", str(small), "--out", str(out), *arguments]
    assert cli.main(command) == cli.WRONG_USAGE
    err = capsys.readouterr().err
    assert err.startswith(f"mgp: {message}") and err.count("\n") == 1
    assert not out.exists()


def test_training_needs_a_place(small: Path, capsys: pytest.CaptureFixture[str]):
    missing = small.parent / "missing" / "encoder.safetensors"
    for arguments in (["--out", str(missing)], ["--out", str(small), "--steps", "0"]):
        assert cli.main(["train-encoder", str(small), *arguments]) == cli.WRONG_USAGE
        assert capsys.readouterr().err.count("\n") == 1
