"""Faults from the field: one row for each report of a user of such tools, and for its kind."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Mgp
from field import save
from odd_files import deep_png, photograph, pixels, wide_gamut
from PIL import Image

from mgp_jax import cli

Check = Callable[[Path], None]


@dataclass(frozen=True)
class Row:
    """What is typed, the exit status, what is said, and what is then in the folder `out`."""

    words: tuple[Any, ...]
    status: int = cli.OK
    said: str = ""
    holds: Check = lambda out: None
    make: Callable[[], object] = lambda: None


def observed(levels: Any, tolerance: float = 2) -> Check:
    """The observation has these levels, whatever its size."""

    def check(out: Path) -> None:
        (file,) = (out / "observations").iterdir()
        with Image.open(file) as picture:
            mean = np.asarray(picture.convert("RGB")).reshape(-1, 3).mean(0)
        np.testing.assert_allclose(mean, levels, atol=tolerance)

    return check


def gray_files(out: Path) -> None:
    for kind in ("images", "truths", "observations"):
        with Image.open(out / kind / "photo.png") as picture:
            assert picture.mode == "L", kind
    record = json.loads((out / "results.jsonl").read_text())
    assert record["psnr"] > 5 and record["ssim"] is not None
    assert '"status":"ok"' in (out / "index.html").read_text()


def webp(out: Path) -> None:
    """Of a result, found where its record says."""
    record = json.loads((out / "results.jsonl").read_text())
    with Image.open(out / record["output"]) as picture:
        assert picture.format == "WEBP"


def array(out: Path) -> None:
    exact = np.load(out / "arrays" / "photo.npy")
    assert exact.shape == (16, 16, 3) and exact.dtype == np.float32
    rounded = np.asarray(Image.open(out / "images" / "photo.png"))
    np.testing.assert_allclose((exact + 1) * 127.5, rounded, atol=0.51)


def no_folder(out: Path) -> None:
    assert not out.exists()


def profiled(mode: str, profile: bytes, name: str) -> Callable[[], object]:
    return lambda: photograph().convert(mode).save(name, icc_profile=profile)


def foreign(*names: str) -> Callable[[], object]:
    def make() -> None:
        Path("photos").mkdir()
        for name in names:
            (Path("photos") / name).write_bytes(b"something else")

    return make


def with_photo(*names: str) -> Callable[[], object]:
    def make() -> None:
        foreign(*names)()
        photograph().save("photos/photo.png")

    return make


def claims(shape: str, kind: str = "<f4", data: bytes = bytes(64)) -> Callable[[], object]:
    """An array file whose header says something."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    head = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
    return lambda: Path("z.npy").write_bytes(head + data)


TWELVE = pixels()[..., :1].astype(np.uint16) * 16
MEANS = pixels().reshape(-1, 3).mean(0)
SWAPPED = MEANS[[1, 0, 2]]
INVERT, SAMPLE = ("invert", "photo.png"), ("sample", "SMALL", "--out", "s.png", "--count", 1)
LATENTS = (*SAMPLE[:4], "--latents", "z.npy")
ROWS: dict[str, Row] = {
    # Ranges
    "12 bits in 16": Row(
        ("invert", "deep.png"),
        said="its brightest level is 3152 of 65535; if it holds 12 bits, say --white 4095",
        holds=observed([MEANS[0] / 16] * 3),
        make=lambda: Path("deep.png").write_bytes(deep_png(TWELVE)),
    ),
    "12 bits with their white": Row(
        ("invert", "deep.png", "--white", 4095),
        holds=observed([MEANS[0] * 16 * 255 / 4095] * 3),
        make=lambda: Path("deep.png").write_bytes(deep_png(TWELVE)),
    ),
    "12 bits of colour": Row(
        ("invert", "deep.png", "--white", 4095),
        holds=observed(MEANS * 16 * 255 / 4095),
        make=lambda: Path("deep.png").write_bytes(deep_png(pixels().astype(np.uint16) * 16)),
    ),
    "10 bits of colour, said": Row(
        ("invert", "deep.png"),
        said="if it holds 10 bits, say --white 1023",
        make=lambda: Path("deep.png").write_bytes(deep_png(pixels().astype(np.uint16) * 4)),
    ),
    "12 bits of colour and alpha": Row(
        ("invert", "deep.png", "--white", 4095),
        holds=observed(MEANS * 16 * 255 / 4095),
        make=lambda: Path("deep.png").write_bytes(
            deep_png(np.dstack([pixels().astype(np.uint16) * 16, np.full((64, 64), 65535)]))
        ),
    ),
    "floating point to 255": Row(
        ("invert", "deep.tif", "--white", 255),
        holds=observed([MEANS[0]] * 3),
        make=save("deep.tif", pixels()[..., 0].astype(np.float32)),
    ),
    "floating point without white": Row(
        ("invert", "deep.tif"),
        1,
        "floating point levels are not within [0, 1]; say --white LEVEL",
        make=save("deep.tif", pixels()[..., 0].astype(np.float32)),
    ),
    "no white": Row((*INVERT, "--white", 0), 2, "white: 0.0, must be above 0", no_folder),
    # Colours
    "profile": Row(
        ("invert", "p.png"), holds=observed(SWAPPED), make=profiled("RGB", wide_gamut(), "p.png")
    ),
    "profile of a JPEG": Row(
        ("invert", "p.jpg"), holds=observed(SWAPPED, 4), make=profiled("RGB", wide_gamut(), "p.jpg")
    ),
    "profile with alpha": Row(
        ("invert", "p.png"), holds=observed(SWAPPED), make=profiled("RGBA", wide_gamut(), "p.png")
    ),
    "damaged profile": Row(
        ("invert", "p.png"),
        said="its colour profile cannot be used; its colours are taken as sRGB",
        holds=observed(MEANS),
        make=profiled("RGB", b"no profile", "p.png"),
    ),
    # Gray generators
    "gray generator": Row((*INVERT, "--generator", "GRAY"), holds=gray_files),
    "gray generator, dry run": Row((*INVERT, "--generator", "GRAY", "-n"), 0, "", no_folder),
    "gray generator, samples": Row(("sample", "GRAY", "--out", "s.png"), said=""),
    "gray generator, colours": Row(
        ("colorize", "photo.png", "--generator", "GRAY"),
        2,
        "gray: needs an image of 3 channels, not 1",
        no_folder,
    ),
    "four channels": Row(
        (*INVERT, "--generator", "FOUR"), 1, "its images have 4 channels; 1 or 3", no_folder
    ),
    "overflowing weights": Row(
        (*INVERT, "--generator", "HUGE"),
        1,
        "the generator's image is not finite; its weights overflow",
    ),
    # Seeds
    "seed 2^31": Row((*INVERT, "--seed", 2**31)),
    "seed 2^64 - 1": Row((*SAMPLE, "--seed", 2**64 - 1)),
    "seed 2^64": Row((*SAMPLE, "--seed", 2**64), 2, "must be a whole number from 0 to 2^64 - 1"),
    "negative seed": Row((*INVERT, "--seed", -1), 2, "seed: -1, must be", no_folder),
    # Latent codes
    "latents": Row(LATENTS, make=lambda: np.save("z.npy", np.ones((2, 8)))),
    "more than the file holds": Row(
        LATENTS, 1, "z.npy: not a readable array", make=claims(f"({10**12}, 8)")
    ),
    "a shape beyond numbers": Row(LATENTS, 1, "not a readable array", make=claims("(2, 9**99)")),
    "negative shape": Row(LATENTS, 1, "not a readable array", make=claims("(-1, 8)")),
    "no header": Row(LATENTS, 1, "not a readable array", make=claims("", "<f4")),
    "a type that is none": Row(LATENTS, 1, "not a readable array", make=claims("(2, 8)", "zz")),
    "records": Row(LATENTS, 1, "not numbers", make=claims("(2, 8)", "V4")),
    "objects": Row(LATENTS, 1, "write it with numpy.save", make=claims("(2, 8)", "|O")),
    "text": Row(LATENTS, 1, "not a readable", make=lambda: np.savetxt("z.npy", np.ones((2, 8)))),
    "not finite": Row(
        LATENTS, 1, "not finite", make=lambda: np.save("z.npy", np.full((2, 8), np.inf))
    ),
    "too large for float32": Row(
        LATENTS, 2, "must fit into float32", make=lambda: np.save("z.npy", np.full((2, 8), 1e300))
    ),
    # What is left out
    "left out": Row(
        ("invert", "photos"),
        said="note: 4 files skipped (.mp4 2, without suffix 1, .dng 1)",
        make=with_photo("a.mp4", "b.MP4", "c.dng", "d", ".hidden"),
    ),
    "left out, dry run": Row(
        ("invert", "photos", "-n"), 0, "1 file skipped (.mp4 1)", make=with_photo("a.mp4")
    ),
    "nothing but others": Row(
        ("invert", "photos"),
        1,
        "photos: there are no images in this folder: 2 files skipped (.mov 1, .mp4 1)",
        no_folder,
        foreign("a.mp4", "b.mov"),
    ),
    "nothing but folders": Row(
        ("invert", "photos"),
        1,
        "there are no images in this folder; 1 subfolder not searched",
        no_folder,
        lambda: Path("photos/deep").mkdir(parents=True),
    ),
    "a video": Row(
        ("invert", "a.png"),
        1,
        "a.png: is not an image that can be read, but a video",
        make=lambda: Path("a.png").write_bytes(b"\0\0\0\x20ftypisom" + bytes(40)),
    ),
    # Arguments
    "no input": Row(("invert", ""), 2, "an argument is empty: ''", no_folder),
    "no output": Row((*INVERT, "--generator="), 2, "an argument is empty: --generator=", no_folder),
    # Sizes
    "too many pixels": Row(
        (*INVERT, "--max-pixels", 100),
        1,
        "64x64 are too many pixels, the limit is 100; --max-pixels raises it",
    ),
    "no pixels": Row((*INVERT, "--max-pixels", 0), 2, "max pixels: 0, at least 1", no_folder),
    "as arrays": Row((*INVERT, "--save-array"), holds=array),
    "as WebP": Row((*INVERT, "--webp", 90), holds=webp),
    "as WebP of no quality": Row((*INVERT, "--webp", 0), 2, "webp: quality 0, 1 to", no_folder),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows(mgp: Mgp, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.chdir(tmp_path)
    row = ROWS[name]
    photograph().save("photo.png")
    row.make()
    kinds = ("SMALL", "GRAY", "FOUR", "HUGE")
    named = {kind: place / f"{kind.lower()}.safetensors" for kind in kinds}
    words: list[Any] = [named.get(word, word) for word in row.words]
    if words[0] != "sample":
        own = ("--recipe", place / "recipe.json", "--batch-size", 1, "--out", "out")
        words += own if "--generator" in words else (*own, "--generator", named["SMALL"])
    done = mgp(*words)
    assert done.status == row.status, done.err
    assert row.said in done.out + done.err
    if row.status != cli.OK:
        assert sum(row.said in line for line in done.err.splitlines()) == 1
    elif not row.said:
        assert "note: " not in done.err
    row.holds(Path("out"))


def test_seeds_differ_in_all_bits(mgp: Mgp, place: Path, tmp_path: Path):
    drawn = []
    for seed in (0, 1, 2**31, 2**32, 2**32 + 1, 2**63, 2**64 - 1):
        own = ("--count", 1, "--seed", seed, "--save-array", tmp_path / "x.npy")
        done = mgp("sample", place / "small.safetensors", "--out", tmp_path / "s.png", *own)
        assert done.status == cli.OK, done.err
        drawn.append(np.load(tmp_path / "x.npy").tobytes())
    assert len(set(drawn)) == len(drawn)


def test_edits_remove_nothing_of_others(
    mgp: Mgp, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    photograph().save("a.png")
    photograph().transpose(Image.Transpose.ROTATE_90).save("b.png")
    own = ("--generator", place / "small.safetensors", "--recipe", place / "recipe.json")
    own = (*own, "--out", "out", "--layer", "layer1")
    edit = ("edit", "a.png", *own, "--direction", "sefa:1")
    assert mgp(*edit, "--frames", 3).status == cli.OK
    folder = Path("out/edits/sefa-1")
    (folder / "notes.txt").write_text("mine")
    (folder / "frames/mine.png").write_text("mine too")

    def contents() -> dict[str, bytes]:
        return {str(f): f.read_bytes() for f in folder.rglob("*") if f.is_file()}

    before = contents()
    # Other settings are refused, before anything is inverted.
    refused = mgp(*edit, "--frames", 5)
    assert refused.status == cli.WRONG_USAGE and refused.err.count("\n") == 1
    assert "frames was 3, is 5; choose another folder, or start anew with --over" in refused.err
    assert contents() == before
    # The same settings give the same; another photograph comes beside it.
    assert mgp(*edit, "--frames", 3).status == cli.OK and contents() == before
    assert mgp("edit", "b.png", *edit[2:], "--frames", 3).status == cli.OK
    lines = (folder / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["input"] for line in lines] == ["a.png", "b.png"]
    assert before.items() - contents().items() == {
        (name, data) for name, data in before.items() if name.endswith("results.jsonl")
    }
    # Starting anew removes what the edits wrote, by name.
    assert mgp("edit", "b.png", *edit[2:], "--frames", 2, "--overwrite").status == cli.OK
    left = {path.removeprefix(f"{folder}/") for path in contents()}
    frames = {"frames/b-00.png", "frames/b-01.png", "frames/mine.png"}
    assert left == {"notes.txt", "settings.json", "results.jsonl", "b.png", "b.webp", *frames}
    # The way between two is that of the two that are given, of all that the folder knows.
    way = ("interpolate", "b.png", "a.png", *own, "--frames", 2)
    assert mgp(*way).status == cli.OK
    assert mgp(*way[:-1], 3).status == cli.WRONG_USAGE
    assert sorted(f.name for f in Path("out/way/frames").iterdir()) == ["b-a-00.png", "b-a-01.png"]


def test_names_of_any_script_are_drawn(tmp_path: Path):
    from mgp_jax.report import contact_sheet
    from mgp_jax.report.lettering import drawable

    for name in ("写真.png", "صورة.png", "รูป.png", "🙂.png", "a\udcff.png", "Élise.png"):
        text = drawable(name)
        assert text.endswith(".png") and len(text) > 4
        sheet = contact_sheet([[pixels()]], [name])
        assert (sheet != contact_sheet([[pixels()]], [""])).any()
    assert drawable("Élise Жанна") == "Élise Жанна" and drawable("写真") == "XieZhen"


def test_a_device_that_is_not_there(place: Path, tmp_path: Path):
    """In a process of its own: JAX looks for its devices once."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mgp_jax.cli",
            "sample",
            place / "small.safetensors",
            "--out",
            "s.png",
        ],
        env=os.environ | {"JAX_PLATFORMS": "cuda", "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == cli.SOME_FAILED
    assert done.stderr.count("\n") == 1 and "pip install 'jax[cuda13]'" in done.stderr
    assert done.stderr.startswith("mgp: JAX_PLATFORMS=cuda asks for a device")
