"""The commands that restore: exit statuses, what they print, one clear line for what is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Mgp
from PIL import Image

from mgp_jax import cli
from mgp_jax.degradations import Frame


def pixels(width: int = 20, height: int = 16) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([12 * x, 250 - 12 * y, 60 + 5 * x + 4 * y], -1).astype(np.uint8)


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    Image.fromarray(pixels()).save(tmp_path / "photograph.png")
    return tmp_path / "photograph.png"


# Everything that issue 2 names. All are as wide as high once they are upright and cropped.
def sixteen_bit(path: Path) -> None:
    Image.fromarray(pixels()[..., 0].astype(np.uint16) * 257).save(path)


def palette(path: Path) -> None:
    Image.fromarray(pixels()).quantize(16).save(path)


def transparent(path: Path) -> None:
    alpha = np.full((16, 20, 1), 255, np.uint8)
    alpha[:4] = 0
    Image.fromarray(np.concatenate([pixels(), alpha], -1)).save(path)


def cmyk(path: Path) -> None:
    Image.fromarray(pixels()).convert("CMYK").save(path, "JPEG", quality=95)


def rotated(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned a quarter clockwise.
    turned = np.rot90(pixels())
    Image.fromarray(turned).save(path, "JPEG", quality=100, subsampling=0, exif=exif)


def letter(path: Path) -> None:
    path.write_text("This is a letter.")


def truncated(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:2000])


ODD: dict[str, tuple[Callable[[Path], None], str | None]] = {
    "01-plain.png": (lambda path: Image.fromarray(pixels()).save(path), None),
    "02-rotated.jpg": (rotated, None),
    "03-sixteen.png": (sixteen_bit, None),
    "04-palette.png": (palette, None),
    "05-transparent.png": (transparent, None),
    "06-cmyk.jpg": (cmyk, None),
    "07-letter.png": (letter, "is not an image"),
    "08-pixel.png": (lambda path: Image.new("RGB", (1, 1)).save(path), "1x1 pixels is too small"),
    "09-wide.png": (lambda path: Image.new("RGB", (20000, 10)).save(path), "too far from a square"),
    "10-truncated.png": (truncated, "cannot be read"),
    "11-empty.png": (lambda path: path.touch(), "the file is empty"),
}


def test_a_folder_of_odd_files(mgp: Mgp, small: Path, tmp_path: Path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for name, (make, _) in ODD.items():
        make(photos / name)
    command = ("invert", photos, "--out", out, "--generator", small)
    command += ("--steps", 6, "--codes", 2, "--batch-size", 2)
    done = mgp(*command)
    assert done.status == cli.SOME_FAILED
    records = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    lines = done.err.splitlines()
    for record, (name, (_, problem)) in zip(records, ODD.items(), strict=True):
        assert Path(record["input"]).name == name
        if problem is None:
            assert record["status"] == "ok", record
            assert (out / record["output"]).exists() and (out / record["codes"]).exists()
        else:
            assert record["status"] == "failed" and problem in record["error"]
            # Each is named, on a line of its own.
            assert lines.count(f"failed: {record['error']}") == 1
    assert done.out.splitlines()[0].startswith("11 images: 6 ok, 5 failed; mean PSNR ")
    assert done.out.splitlines()[-1] == str(out / "index.html")
    assert (out / "index.html").exists() and list(out.glob("*.png"))
    assert "invert: 11/11 images" in lines

    def truth(name: str) -> np.ndarray:
        return np.asarray(Image.open(out / "truths" / f"{name}.png")).astype(int)

    plain = truth("01-plain")
    np.testing.assert_array_equal(plain, pixels()[:, 2:18])
    np.testing.assert_allclose(truth("02-rotated"), plain, atol=6)
    np.testing.assert_array_equal(truth("03-sixteen"), np.repeat(plain[..., :1], 3, -1))
    np.testing.assert_array_equal(truth("05-transparent")[:4], 255)
    np.testing.assert_array_equal(truth("05-transparent")[4:], plain[4:])

    # The same command again has nothing left to do, and says the same.
    again = mgp(*command)
    assert (again.status, again.out) == (done.status, done.out)
    # Another one on the same folder is refused.
    other = mgp(*command, "--seed", 1)
    assert other.status == cli.WRONG_USAGE
    problem = f"{out}: holds a run with another setting: seed was 0, is 1; choose another folder"
    assert other.err == f"mgp: {problem}, or start anew with --overwrite\n"
    # The same images alone are a success; two of them make a full batch of the same program.
    good = [photos / name for name in ("01-plain.png", "02-rotated.jpg")]
    alone = mgp("invert", *good, "--out", tmp_path / "good", *command[4:])
    assert alone.status == cli.OK
    for name in ("images/01-plain.png", "codes/02-rotated.npz"):
        assert (tmp_path / "good" / name).read_bytes() == (out / name).read_bytes()


PHOTO = object()

# Arguments, exit status and message; everything is said on one line and nothing is left behind.
WRONG: dict[str, tuple[tuple, int, str]] = {
    "missing file": (("invert", "nothing.png"), 1, "nothing.png: there is no such"),
    "no images": (("invert", "empty"), 1, "there are no images in this folder"),
    "unknown generator": (
        ("invert", PHOTO, "--generator", "faces46"),
        1,
        "faces46: neither a file nor a bundled generator (faces1024, faces64)",
    ),
    "unreadable generator": (
        ("invert", PHOTO, "--generator", "text.safetensors"),
        1,
        "text.safetensors: not a readable weights file",
    ),
    "layer out of range": (
        ("invert", PHOTO, "--layer", "4"),
        2,
        "layer 4: small has the cuts 0 to",
    ),
    "negative layer": (("invert", PHOTO, "--layer=-1"), 2, "layer -1: small has the cuts 0 to"),
    "layer of another": (("invert", PHOTO, "--layer", "to_rgb"), 2, "the stages layer0, layer1"),
    "no codes": (("invert", PHOTO, "--codes", "0"), 2, "codes: 0, at least 1"),
    "no steps": (("invert", PHOTO, "--steps", "0"), 2, "steps: 0, recipe fast needs 2"),
    "no batch": (("invert", PHOTO, "--batch-size", "0"), 2, "batch size: 0, at least 1"),
    "no samples": (("invert", PHOTO, "--samples", "0"), 2, "samples: 0"),
    "no restarts": (("invert", PHOTO, "--restarts", "-1"), 2, "restarts -1"),
    "style space": (("invert", PHOTO, "--recipe", "w"), 2, "space w: small has the spaces z"),
    "seed of a mask": (
        ("restore", PHOTO, "--degradation", "mask:random:0.5:seed=-1"),
        2,
        "the seed must be",
    ),
    "huge seed": (("invert", PHOTO, "--seed", str(2**70)), 2, f"seed: {2**70}"),
    "unknown operator": (("restore", PHOTO, "--degradation", "grey"), 2, "did you mean gray?"),
    "factor": (("super-resolve", PHOTO, "--factor", "3"), 2, "3 does not divide"),
    "factor of one": (("super-resolve", PHOTO, "--factor", "1"), 2, "at least 2"),
    "filter": (("super-resolve", PHOTO, "--factor", "2", "--filter", "lanczos"), 2, "'lanczos'"),
    "method": (("invert", PHOTO, "--method", "magic"), 2, "method magic: there are observation"),
    "no encoder": (("invert", PHOTO, "--method", "encoder"), 2, "method encoder: needs an encoder"),
    "no styles": (("invert", PHOTO, "--method", "w+"), 2, "method w+: needs a style-based"),
    "recipe of another method": (
        ("invert", PHOTO, "--method", "one-code", "--recipe", "quality"),
        2,
        "recipe quality: is one of multi-code, method one-code has its own",
    ),
    "no frame": (
        ("inpaint", PHOTO, "--mask", "center:6", "--frame", "big"),
        2,
        "frame big: neither",
    ),
    "frame beyond": (
        ("super-resolve", PHOTO, "--factor", "2", "--frame", "0.8,0.2,0.5"),
        2,
        "it would not lie within the photograph",
    ),
    "frame in gray": (
        ("restore", PHOTO, "--degradation", "gray", "--frame", "0.8"),
        2,
        "gray does not tell the colours around it",
    ),
    "no memory": (("invert", PHOTO, "--memory-limit", "0"), 2, "memory limit: 0.0"),
    "checkpoints": (("invert", PHOTO, "--checkpoint-every", "-1"), 2, "checkpoint every: -1"),
    "no noise": (("denoise", PHOTO, "--sigma", "0"), 2, "must be above 0"),
    "unknown noise of a simulation": (
        ("denoise", PHOTO, "--simulate"),
        2,
        "simulate: how much noise noise:auto adds is not known",
    ),
    "negative noise": (("denoise", PHOTO, "--sigma", "-0.1"), 2, "must be above 0"),
    "no mask": (
        ("inpaint", PHOTO, "--mask", "nothing.png"),
        1,
        "nothing.png: there is no such",
    ),
    "mask of another size": (("inpaint", PHOTO, "--mask", "odd.png"), 1, "a mask of 24x24 pixels"),
    "mask without a hole": (("inpaint", PHOTO, "--mask", "black.png"), 1, "all black"),
    "blur": (("deblur", PHOTO, "--blur", "gaussian:x"), 2, "must be a number, not 'x'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_gives_one_clear_line(
    mgp: Mgp, small: Path, photograph: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    folder = photograph.parent
    monkeypatch.chdir(folder)
    (folder / "empty").mkdir()
    (folder / "text.safetensors").write_text("Dear all")
    Image.new("L", (16, 16)).save(folder / "black.png")
    Image.fromarray(np.eye(24, dtype=bool)).save(folder / "odd.png")
    arguments, status, message = WRONG[name]
    before = sorted(folder.iterdir())
    given = [photograph if argument is PHOTO else argument for argument in arguments]
    own = () if "--generator" in given else ("--generator", small)
    done = mgp(*given, "--out", "out", *own)
    assert done.status == status
    assert done.err.startswith("mgp: ") and done.err.count("\n") == 1, done.err
    assert message in done.err
    assert done.out == ""
    assert sorted(folder.iterdir()) == before


def test_a_folder_that_cannot_be_written(mgp: Mgp, small: Path, photograph: Path):
    for out in (photograph, photograph / "below"):
        done = mgp("invert", photograph, "--out", out, "--generator", small)
        assert done.status == cli.WRONG_USAGE
        assert done.err.startswith(f"mgp: {out}: cannot be written") and done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "spec"),
    [
        (("invert",), "identity"),
        (("colorize",), "gray"),
        (("super-resolve", "--factor", "4"), "down:4"),
        (("super-resolve", "--factor", "2", "--filter", "bicubic"), "down:2:bicubic"),
        (("inpaint", "--mask", "center:6"), "mask:center:6"),
        (("inpaint", "--mask", "center:6", "--frame", "0.8,0.5,0.4"), "mask:center:6"),
        (("inpaint", "--mask", "hole.png"), "mask:hole.png"),
        (("denoise", "--sigma", "0.1"), "noise:0.1"),
        (("denoise",), "noise:auto"),
        (("deblur", "--blur", "gaussian:1.5"), "blur:gaussian:1.5"),
        (("restore", "--degradation", "gray|down:2|noise:0.05"), "gray|down:2|noise:0.05"),
    ],
)
def test_every_option_reaches_the_job(
    mgp: Mgp,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple,
    spec: str,
):
    monkeypatch.chdir(tmp_path)
    hole = np.zeros((16, 16), np.uint8)
    hole[4:8, 4:8] = 255
    Image.fromarray(hole).save("hole.png")
    seen: list[Any] = []
    monkeypatch.setattr("mgp_jax.batch.run", lambda *given: (seen.extend(given), [])[1])
    monkeypatch.setattr("mgp_jax.report.write_contact_sheet", lambda folder: None)
    monkeypatch.setattr("mgp_jax.report.write_page", lambda folder: folder / "index.html")
    written: dict[str, Any] = {"codes": 3, "layer": "layer0"}
    common: dict[str, Any] = {"seed": 5, "patience": 7, "target-psnr": 31.5}
    ours: dict[str, Any] = {"batch-size": 4, "samples": 2, "restarts": 6, "checkpoint-every": 9}
    options = [text for k, v in (written | common | ours).items() for text in (f"--{k}", v)]
    command, *rest = arguments
    options += ["--steps", 9, "--recipe", "quality", "--simulate", "--generator", small, *rest]
    options += ["--overwrite", "--precision", "bfloat16", "--memory-limit", 1.5]
    done = mgp(command, "a.png", "b.png", "--out", "out", *options)
    assert done.status == cli.OK, done.err
    job, inputs, out, _, overwrite = seen
    assert overwrite and job.memory_limit == 1.5 * 2**30
    assert job.inversion.execution.precision == "bfloat16"
    assert (list(inputs), out) == ([Path("a.png"), Path("b.png")], Path("out"))
    assert (job.task, str(job.degradation), job.simulate) == (command, spec, True)
    assert (job.inversion.split.name, job.resolution) == ("small", 16)
    assert job.frame == (Frame(0.8, 0.5, 0.4) if "--frame" in rest else None)
    for name, value in ours.items():
        assert getattr(job, name.replace("-", "_")) == value
    for name, value in common.items():
        assert getattr(job.inversion, name.replace("-", "_")) == value
    recipe = job.inversion.recipe
    assert (recipe.name, recipe.steps) == ("quality", 9)
    for name, value in written.items():
        assert getattr(recipe, name) == value
    assert job.inversion.split.cut == 1
    assert job.note["command"].startswith(f"mgp {command} a.png b.png --out out --codes 3")


def test_an_interrupted_run_says_how_to_go_on(
    mgp: Mgp, small: Path, photograph: Path, monkeypatch: pytest.MonkeyPatch
):
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mgp_jax.batch.run", stop)
    command = ("invert", photograph, "--out", photograph.parent / "out", "--generator", small)
    done = mgp(*command)
    assert done.status == cli.INTERRUPTED
    assert done.err == "mgp: stopped; the same command continues where it was\n"
    done = mgp(*command, "--overwrite")
    assert done.err.endswith("the same command without --overwrite continues where it was\n")
