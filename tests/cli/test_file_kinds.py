"""Every command that reads photographs, on files of every kind: right, or one clear line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Mgp
from odd_files import FILES, TOLERANCE, make_files, pixels
from PIL import Image

from mgp_jax import cli
from mgp_jax.codes import Codes
from mgp_jax.errors import SettingError
from mgp_jax.inversion import Inversion, Result
from mgp_jax.restoration import Restoration

pytest.importorskip("pillow_heif")
RESIZED = pixels().reshape(16, 4, 16, 4, 3).mean((1, 3))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_files(tmp_path_factory.mktemp("files") / "photos")


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restorations at once: what is read and written counts here, nothing is optimised."""

    def restore(inversion: Inversion, observations: Any, *_: Any, **__: Any) -> Restoration:
        count = len(observations)
        images = np.zeros((count, 16, 16, 3), np.float32)
        losses = np.ones((count, 2), np.float32)
        codes = Codes(np.ones((count, 2, 8), np.float32), np.ones((count, 2, 4), np.float32))
        done = np.ones(count, int)
        found = (images, codes, losses[:, 0], losses, losses, done, done)
        result = Result(*found, inversion.split)
        return Restoration(images, images[:, None], 0 * images, result)

    monkeypatch.setattr("mgp_jax.batch.running.run_restoration", restore)


def read(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (folder / "results.jsonl").read_text().splitlines()
    return {Path(record["input"]).name: record for record in map(json.loads, lines)}


COMMANDS: dict[str, tuple[Any, ...]] = {
    "invert": (),
    "colorize": (),
    "inpaint": ("--mask", "center:4"),
    "denoise": ("--sigma", 0.1),
    "deblur": ("--blur", "gaussian:1"),
    "restore": ("--degradation", "gray|noise:0.1"),
    "super-resolve": ("--factor", 4, "--simulate"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_restoring(mgp: Mgp, small: Path, files: Path, tmp_path: Path, instant: None, command: str):
    out = tmp_path / "out"
    own = ("--generator", small, "--codes", 2, *COMMANDS[command])
    done = mgp(command, files, "--out", out, *own)
    assert done.status == cli.SOME_FAILED
    records = read(out)
    assert list(records) == list(FILES)
    lines = done.err.splitlines()
    for name, (_, problem) in FILES.items():
        record = records[name]
        if problem is not None:
            assert record["status"] == "failed" and problem in record["error"]
            assert lines.count(f"failed: {record['error']}") == 1
            continue
        assert record["status"] == "ok", record
        kind = "truth" if "truth" in record else "observation"
        with Image.open(out / record[kind]) as picture:
            seen = np.asarray(picture.convert("RGB")).astype(float)
        wanted = RESIZED.copy()
        if name == "sixteen.png":
            wanted = np.repeat(wanted[..., :1], 3, 2)
        elif name == "gray.png" or (kind == "observation" and command in ("colorize", "restore")):
            wanted = np.repeat(wanted @ np.array([[0.299], [0.587], [0.114]]), 3, 2)
        if name == "alpha.png":
            wanted[:4] = 255
        rows = slice(5, None) if name == "alpha.png" else slice(None)  # Lanczos at the edge.
        if command == "inpaint":
            wanted[6:10, 6:10] = 127.5
        error = np.abs(seen - wanted)[rows].max()
        assert error <= TOLERANCE.get(name, 2) + 2, (name, error)
    notes = {name: record["notes"] for name, record in records.items() if record["notes"]}
    assert notes == {"animated.webp": ["the first of 3 frames is taken"]}
    assert f"note: {files / 'animated.webp'}: the first of 3 frames is taken" in lines


def test_noise_of_an_unknown_level_is_said(mgp: Mgp, small: Path, tmp_path: Path, instant: None):
    noise = 127.5 + 25.5 * np.random.default_rng(0).standard_normal((16, 16, 3))
    Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(tmp_path / "noisy.png")
    command = ("denoise", tmp_path / "noisy.png", "--generator", small, "--codes", 2)
    done = mgp(*command, "--out", tmp_path / "out")
    assert done.status == cli.OK
    (note,) = read(tmp_path / "out")["noisy.png"]["notes"]
    assert f"note: {tmp_path / 'noisy.png'}: {note}" in done.err.splitlines()
    words, _, sigma = note.rpartition(" ")
    assert words == "estimated: noise of sigma" and float(sigma) == pytest.approx(0.1, rel=0.2)
    # Where nothing side by side is known, nothing is told.
    chain = ("restore", *command[1:], "--degradation", "mask:random:0.9|noise:auto")
    done = mgp(*chain, "--out", tmp_path / "holes")
    assert done.status == cli.SOME_FAILED
    error = read(tmp_path / "holes")["noisy.png"]["error"]
    assert (
        error.startswith(f"{tmp_path / 'noisy.png'}: ") and "too few pixels side by side" in error
    )


def test_super_resolution_takes_files_as_they_are(
    mgp: Mgp, small: Path, files: Path, tmp_path: Path, instant: None
):
    done = mgp("super-resolve", files, "--out", tmp_path, "--generator", small, "--factor", 4)
    assert done.status == cli.SOME_FAILED
    for name, record in read(tmp_path).items():
        problem = FILES[name][1]
        if problem is None or name in ("pixel.png", "wide.png"):
            problem = "but the observation must have exactly 4x4"
        assert problem in record["error"], name


@pytest.mark.parametrize("command", [("edit", "--direction", "sefa:1"), ("analyse", "codes")])
def test_editing(mgp: Mgp, small: Path, files: Path, tmp_path: Path, instant: None, command: tuple):
    split = 2 if command[0] == "analyse" else 1
    own = ("--generator", small, "--codes", 2, "--layer", "layer1", "--out", tmp_path)
    done = mgp(*command[:split], files, *own, *command[split:])
    assert done.status == cli.SOME_FAILED, done.err
    kind = "edits/sefa-1" if command[0] == "edit" else "analysis/codes"
    records = read(tmp_path / kind)
    assert list(records) == list(FILES)
    for name, record in records.items():
        problem = FILES[name][1]
        assert (record["status"] == "ok") == (problem is None), record
        assert problem is None or problem in record["error"]


def reached(*_: Any, **__: Any) -> None:
    raise SettingError("reached")


# What reads all its photographs before it computes anything: which function is reached then.
WHOLE: dict[str, tuple[tuple[Any, ...], str]] = {
    "tune": (("tune", "GENERATOR", "--images", "FILE", "--out", "r.json"), "mgp_jax.tuning.tune"),
    "bench tables": (
        ("bench", "tables", "--images", "FILE", "--out", "o", "--generator", "GENERATOR"),
        "mgp_jax.tables.run_tables",
    ),
    "analyse layers": (
        ("analyse", "layers", "FILE", "--out", "o", "--generator", "GENERATOR"),
        "mgp_jax.analysis.measure",
    ),
    "interpolate": (
        ("interpolate", "FILE", "GOOD", "--out", "o", "--generator", "GENERATOR", "--codes", 2),
        "mgp_jax.editing.match",
    ),
}


@pytest.mark.parametrize("command", WHOLE)
def test_what_reads_all_first(
    mgp: Mgp,
    small: Path,
    files: Path,
    tmp_path: Path,
    instant: None,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
):
    words, function = WHOLE[command]
    monkeypatch.setattr(function, reached)
    for number, (name, (_, problem)) in enumerate(FILES.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        values = {"FILE": files / name, "GOOD": files / "gray.png", "GENERATOR": small}
        done = mgp(*(values.get(word, word) for word in words))
        said = done.err.splitlines()[-1]
        if problem is None:
            assert said == "mgp: reached", (name, done.err)
        else:
            assert done.status == cli.SOME_FAILED
            named = [line for line in done.err.splitlines() if problem in line]
            assert named and all(line.count(str(files / name)) == 1 for line in named), done.err
