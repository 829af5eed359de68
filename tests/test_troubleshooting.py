"""The messages in the guide to troubleshooting are those that the program prints."""

import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from documents import ROOT
from PIL import Image

from convert.conversion import Request, convert_file
from convert.detect import detect
from convert.options import Options
from convert.wrappers import StateDict
from mgp_jax import cli, load_generator, parse, recipe_for
from mgp_jax.batch.folder import append_records, open_folder, read_records
from mgp_jax.errors import MGPError
from mgp_jax.generators.sampling import with_truncation
from mgp_jax.images import find_images, read_image, read_mask, read_observation

GUIDE = ROOT / "notebooks" / "guides" / "troubleshooting.md"
GOLDEN = ROOT / "tests" / "data" / "golden"


def picture(width: int, height: int, value: float = 0) -> Path:
    path = Path("picture.png")
    Image.fromarray(np.full((height, width), value, np.uint8)).save(path)
    return path


def file(contents: bytes | str, name: str = "picture.png") -> Path:
    path = Path(name)
    path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    return path


def gray_mask() -> Path:
    mask = np.zeros((10, 10), np.uint8)
    mask[:3] = 128
    Image.fromarray(mask).save("picture.png")
    return Path("picture.png")


def half(path: Path) -> Path:
    data = path.read_bytes()
    return file(data[: len(data) // 2], "checkpoint.pth")


def empty_folder() -> Path:
    Path("empty").mkdir()
    return Path("empty")


def two_seeds() -> None:
    open_folder(Path("run"), {"seed": 0})
    open_folder(Path("run"), {"seed": 1})


def foreign_folder() -> None:
    Path("run").mkdir()
    file("Dear all", "run/letter.txt")
    open_folder(Path("run"), {})


def denied(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    open_folder(Path("run"), {})


def full(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    append_records(Path("results.jsonl"), [{}])


def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mgp_jax.doctor.examine", interrupt)
    assert cli.main(["doctor"]) == cli.INTERRUPTED


def damaged_records() -> None:
    lines = [json.dumps({"name": str(number)}) for number in range(8)]
    lines[6] = lines[6][:-3]
    list(read_records(file("\n".join(lines) + "\n", "results.jsonl")))


def plan_of(shapes: dict[str, tuple[int, ...]]) -> object:
    state = StateDict({name: np.zeros(shape) for name, shape in shapes.items()})
    return detect(state.shapes).plan(state, Options())


def torch_script() -> Path:
    with zipfile.ZipFile("checkpoint.pth", "w") as archive:
        for name in ("data.pkl", "constants.pkl"):
            archive.writestr(f"model/{name}", b"\x80\x02N.")
    return Path("checkpoint.pth")


def faces() -> Any:
    return load_generator("faces64")


IMAGES = {
    "is not an image, or of a kind that cannot be read": lambda: read_image(file("Dear all")),
    "the file is empty": lambda: read_image(file("")),
    "cannot be read: ...": lambda: read_image(file(picture(64, 64, 7).read_bytes()[:60])),
    "10x7 pixels is too small, at least 8x8 are needed": lambda: read_image(picture(10, 7)),
    "2000x300 pixels is too far from a square": lambda: read_image(picture(2000, 300)),
    "64x48 pixels, but the observation must have exactly 16x16": lambda: read_observation(
        picture(64, 48), (16, 16, 3)
    ),
    "a mask of 20x16 pixels does not fit, 64x64 or an integer multiple of it is needed": lambda: (
        read_mask(picture(20, 16), 64)
    ),
    "a mask must be black (known) and white (missing), but 30% of it is gray or coloured": lambda: (
        read_mask(gray_mask(), 10)
    ),
    "the mask is all black, so no pixel is missing": lambda: read_mask(picture(64, 64), 64),
    "there are no images in this folder": lambda: find_images([empty_folder()]),
}
FOLDER = {
    "holds a run with another setting: seed was 0, is 1; choose another folder, or start anew "
    "with --overwrite": two_seeds,
    "is not empty and holds no run to continue": foreign_folder,
    "cannot be written (Permission denied)": denied,
    "cannot be written: No space left on device": full,
    "stopped; the same command continues where it was": stopped,
    "results.jsonl: line 7 is damaged, choose another folder": damaged_records,
}
SETTINGS = {
    "neither a file nor a bundled generator (faces64)": lambda: load_generator("faces"),
    "not a readable weights file": lambda: load_generator(GOLDEN / "dcgan.pth"),
    "layer 9: faces64 has the cuts 0 to 5 and the stages layer0, ...": lambda: faces().cut(9),
    "space w: faces64 has the spaces z": lambda: faces().space("w"),
    "steps: 1, recipe fast needs 2": lambda: recipe_for("fast", parse("down:4", 64)).with_steps(1),
    "degradation 'grey': unknown operator 'grey'; did you mean gray?": lambda: parse("grey", 64),
    "truncation: faces64 (dcgan) has no styles": lambda: with_truncation(faces(), 0.7),
}
CONVERSION = {
    "unknown layout: 42 tensors named like ...; known families are ...": lambda: detect(
        {f"block{number}": (3,) for number in range(42)}
    ),
    "a checkpoint of a discriminator, which is not supported; generators are; choose the "
    "generator's file": lambda: detect({"b4.out.weight": (1, 8)}),
    "a checkpoint of ..., which is not supported; ...": lambda: detect(
        {"synthesis.input.freqs": (8, 2)}
    ),
    "the file may be hostile (nothing of it was run)": lambda: convert_file(GOLDEN / "evil.pth"),
    "a TorchScript program; convert the checkpoint it was made from": lambda: convert_file(
        torch_script()
    ),
    "a truncated or damaged zip archive": lambda: convert_file(half(GOLDEN / "dcgan.pth")),
    "truncated or damaged: ...": lambda: convert_file(GOLDEN / "truncated_legacy.pth"),
    "a web page or XML, not a checkpoint; the download went wrong": lambda: convert_file(
        file("<!doctype html>", "checkpoint.pth")
    ),
    "a Git LFS pointer, not the file itself; fetch it with git lfs pull, or download it": lambda: (
        convert_file(file("version https://git-lfs.github.com/spec/v1", "checkpoint.pth"))
    ),
    "not a checkpoint: neither a zip archive nor a pickle": lambda: convert_file(
        file("weights", "checkpoint.pth")
    ),
    "a network with labels, by the names of its tensors; ...": lambda: plan_of(
        {"embed.weight": (10, 4), "main.0.weight": (14, 8, 4, 4), "main.2.weight": (8, 3, 4, 4)}
    ),
    "option strides: the file itself shows it": lambda: convert_file(
        GOLDEN / "sequential" / "whole_leaky.pth", Request(options={"strides": "1,2,2,2"})
    ),
}
MESSAGES = {**IMAGES, **FOLDER, **SETTINGS, **CONVERSION}


@pytest.mark.parametrize("message", MESSAGES)
def test_is_printed(
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    provoke: Callable[..., Any] = MESSAGES[message]
    try:
        provoke(monkeypatch) if provoke.__code__.co_argcount else provoke()
        printed = capsys.readouterr().err
    except MGPError as error:
        printed = str(error)
    assert re.search(re.escape(message).replace(r"\.\.\.", ".+"), printed, flags=re.S)


def test_these_are_the_messages_of_the_guide():
    rows = re.findall(r"^\| (`.*?) \|", GUIDE.read_text().partition("## JAX")[0], flags=re.M)
    quoted = {message for row in rows for message in re.findall(r"`([^`]*)`", row)}
    assert len(quoted) > 20
    assert quoted == MESSAGES.keys()
