"""Snapshot in, snapshot out: the commands with faces."""

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Mgp
from networks import untrained
from PIL import Image
from scenes import face_at, find_marks, ground, marked

from mgp_jax import Mask, cli
from mgp_jax.cli.restoring import Inpaint
from mgp_jax.faces import Face, finding, square_of
from mgp_jax.faces.placing import outline
from mgp_jax.generators import DCGANConfig
from mgp_jax.images import MaskPicture
from mgp_jax.portraits import draws_aligned_faces

SHORT = ("--steps", 2, "--codes", 2)
MARKS = ((20, 10, 24), (90, 30, 16))


@pytest.fixture(autouse=True)
def detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "default_detector", lambda: find_marks)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    Image.fromarray(marked(140, 70, *MARKS)).save(tmp_path / "photos" / "group.png")
    Image.fromarray(ground(60, 40)).save(tmp_path / "photos" / "wall.png")
    return tmp_path / "photos"


def records_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_a_folder_of_photographs(mgp: Mgp, small: Path, photos: Path, tmp_path: Path):
    out = tmp_path / "out"
    command = ("restore", photos, "--out", out, "--generator", small, "--degradation", "identity")
    done = mgp(*command, *SHORT, "--faces", "all")
    assert done.status == cli.SOME_FAILED
    group, wall = records_of(out)
    # No face is one line; the others go on.
    problem = f"{photos / 'wall.png'}: no face is found; --faces none takes the central square"
    assert (wall["status"], wall["error"]) == ("failed", problem)
    assert done.err.splitlines().count(f"failed: {problem}") == 1
    assert group["status"] == "ok" and group["output"] == "images/group.png"
    assert group["notes"][0] == "2 of 2 faces restored, of 38, 26 pixels"

    photograph, result = pixels(photos / "group.png"), pixels(out / "images" / "group.png")
    weight = np.zeros(photograph.shape[:2])
    for number, (face, (left, top, side)) in enumerate(zip(group["faces"], MARKS, strict=True), 1):
        np.testing.assert_allclose(face["box"], (left, top, left + side, top + side), atol=1)
        assert pixels(out / f"faces/group-{number}.png").shape == (16, 16, 3)
        assert face["output"] == f"faces/group-{number}.png"
        assert (out / face["codes"]).exists() and (out / face["observation"]).exists()
        # As `find_marks` puts the points.
        center = (left + 0.5 * side, top + 0.44 * side)
        square = square_of(face_at(*center, 1.6 * side))
        assert abs(face["pixels"] - square.side) < 1
        weight = np.maximum(weight, outline(square, (142, 72))[:70, :140, 0])
    assert result.shape == photograph.shape
    changed = np.any(result != photograph, axis=2)
    assert changed.any() and not changed[weight == 0].any()
    found = pixels(out / group["found"])
    assert found.shape == photograph.shape and (found != photograph).any()
    assert '"found":' in (out / "index.html").read_text()

    # The same command has nothing left to do, more photographs are taken, others refused.
    files = {file: file.read_bytes() for file in (out / "faces").iterdir()}
    assert mgp(*command, *SHORT, "--faces", "all").out == done.out
    Image.fromarray(marked(100, 60, (30, 20, 24))).save(photos / "third.png")
    assert mgp(*command, *SHORT, "--faces", "all").status == cli.SOME_FAILED
    assert [record["status"] for record in records_of(out)] == ["ok", "failed", "ok"]
    assert all(file.read_bytes() == data for file, data in files.items())
    other = mgp(*command, *SHORT, "--faces", "largest")
    assert other.status == cli.WRONG_USAGE and 'faces was "all", is "largest"' in other.err
    larger = mgp(*command, *SHORT, "--faces", "all", "--scale", 2)
    assert larger.status == cli.WRONG_USAGE and "scale was 1, is 2" in larger.err

    # Starting anew removes what the run wrote, and nothing else.
    (out / "faces" / "mine.png").write_bytes(b"mine")
    (photos / "wall.png").unlink()
    (photos / "third.png").unlink()
    again = mgp(*command, *SHORT, "--faces", "largest", "--overwrite")
    assert again.status == cli.OK
    assert {file.name for file in (out / "faces").iterdir()} == {"group-1.png", "mine.png"}
    assert {file.name for file in (out / "codes").iterdir()} == {"group-1.npz"}


def test_super_resolution_enlarges_the_photograph(
    mgp: Mgp, small: Path, photos: Path, tmp_path: Path
):
    out = tmp_path / "out"
    command = ("super-resolve", photos / "group.png", "--out", out, "--generator", small)
    done = mgp(*command, *SHORT, "--factor", 2, "--faces", 1)
    assert done.status == cli.OK, done.err
    expected = Image.open(photos / "group.png").resize((280, 140), Image.Resampling.LANCZOS)
    result = pixels(out / "images" / "group.png")
    changed = np.any(result != np.asarray(expected), axis=2)
    assert result.shape == (140, 280, 3) and changed.any() and not changed[:, 130:].any()
    (record,) = records_of(out)
    assert record["notes"][0] == "1 of 2 faces restored, of 38 pixels"
    assert record["notes"][1] == "around the faces it is enlarged 2 times by Lanczos' filter"


def test_colours_are_given_to_the_faces_alone(
    mgp: Mgp, small: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    gray = Image.open(photos / "group.png").convert("L")
    gray.save(photos / "gray.png")
    known = find_marks(pixels(photos / "group.png"), 0)
    monkeypatch.setattr("mgp_jax.batch.photos.find_faces", lambda photograph: known)
    command = ("colorize", photos / "gray.png", "--out", tmp_path / "out", "--generator", small)
    assert mgp(*command, *SHORT, "--faces", "all").status == cli.OK
    result = Image.open(tmp_path / "out" / "images" / "gray.png")
    difference = np.asarray(result.convert("L")).astype(int) - np.asarray(gray)
    assert np.abs(difference).max() <= 1
    coloured = np.ptp(np.asarray(result).astype(int), axis=2) > 2
    assert coloured[10:40, 20:44].any() and not coloured[:, 60:80].any()


PHOTO = object()
WRONG: dict[str, tuple[tuple, str]] = {
    "word": (("--faces", "every"), "faces every: largest, all, none or a number of at least 1"),
    "zero": (("--faces", "0"), "faces 0: largest, all, none or a number of at least 1"),
    "simulate": (("--faces", "all", "--simulate"), "simulate: is for one square image"),
    "frame": (("--faces", "1", "--frame", "0.9"), "frame: is for one square image"),
    "scale alone": (("--faces", "none", "--scale", "2"), "scale: only a photograph with faces"),
    "no scale": (("--faces", "all", "--scale", "0"), "scale: 0, at least 1"),
    "place": (("--faces", "all", "--degradation", "mask:center:4"), "--faces none takes"),
    "projections": (("--faces", "all", "--degradation", "cs:0.5"), "--faces none takes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_settings_give_one_clear_line(mgp: Mgp, small: Path, photos: Path, name: str):
    options, message = WRONG[name]
    own = () if "--degradation" in options else ("--degradation", "down:2")
    out = photos / "out"
    done = mgp("restore", photos, "--out", out, "--generator", small, *own, *options)
    assert done.status == cli.WRONG_USAGE and not out.exists()
    assert done.err.startswith("mgp: ") and done.err.count("\n") == 1 and message in done.err


def test_the_factor_says_the_scale_already(mgp: Mgp, small: Path, photos: Path):
    command = ("super-resolve", photos, "--out", photos / "out", "--generator", small)
    done = mgp(*command, "--factor", 2, "--scale", 4, "--faces", "all")
    assert done.status == cli.WRONG_USAGE and "scale: 4, but the factor 2" in done.err


def test_a_plan_says_which_faces_there_are(mgp: Mgp, small: Path, photos: Path, tmp_path: Path):
    command = ("invert", photos, "--out", tmp_path / "out", "--generator", small, *SHORT, "-n")
    done = mgp(*command, "--faces", "all")
    assert done.status == cli.SOME_FAILED and not (tmp_path / "out").exists()
    assert f"note: {photos / 'group.png'}: 2 of 2 faces restored, of 38, 26 pixels" in done.out
    assert "wall.png: no face is found" in done.out and "cost: at most" in done.out


# What the generator says, whether the extra is there, options: which faces, and the line that says
# why there are none.
DEFAULTS: dict[str, tuple[bool, bool, tuple, str | None, str | None]] = {
    "faces": (True, True, (), "largest", None),
    "no faces": (False, True, (), None, None),
    "no extra": (True, False, (), None, "pip install 'mgp_jax[faces]'"),
    "simulated": (True, True, ("--simulate",), None, None),
    "framed": (True, True, ("--frame", "0.9"), None, None),
    "asked for none": (True, True, ("--faces", "none"), None, None),
    "asked for": (False, True, ("--faces", "3"), 3, None),  # type: ignore[dict-item]
    "tied": (True, True, ("--degradation", "mask:center:4"), None, "belongs to one square image"),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_is_done_unless_something_is_asked_for(
    mgp: Mgp, small: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    aligned, extra, options, expected, line = DEFAULTS[name]
    monkeypatch.setattr("mgp_jax.portraits.draws_aligned_faces", lambda what: aligned)
    monkeypatch.setattr("mgp_jax.faces.can_find_faces", lambda: extra)
    seen: list[Any] = []
    run: Callable[..., list] = lambda *given: (seen.extend(given), [])[1]  # noqa: E731
    monkeypatch.setattr("mgp_jax.batch.run", run)
    monkeypatch.setattr("mgp_jax.report.write_contact_sheet", lambda folder: None)
    monkeypatch.setattr("mgp_jax.report.write_page", lambda folder: folder / "index.html")
    own = () if "--degradation" in options else ("--degradation", "down:2")
    done = mgp("restore", photos, "--out", "out", "--generator", small, *own, *options)
    assert done.status == cli.OK and seen[0].faces == expected
    assert (line in done.err) if line else (done.err == "")


@pytest.mark.parametrize(("blend", "expected"), [(False, "largest"), (True, None)])
def test_holes_are_blended_in_one_square(
    monkeypatch: pytest.MonkeyPatch, blend: bool, expected: str | None
):
    monkeypatch.setattr("mgp_jax.portraits.draws_aligned_faces", lambda what: True)
    monkeypatch.setattr("mgp_jax.faces.can_find_faces", lambda: True)
    picture = MaskPicture("hole.png", np.eye(50, 40, dtype=bool))
    mask = Mask.from_array(np.eye(16), "mask:hole.png", picture)
    what = untrained(DCGANConfig(5, (6, 4)))
    command = Inpaint(inputs=(), out=Path("out"), mask="hole.png", blend=blend)
    assert command.which_faces(what, mask) == expected


def test_the_default_generator_draws_aligned_faces():
    from mgp_jax import load_generator

    assert draws_aligned_faces(load_generator("faces1024"))
    assert not draws_aligned_faces(load_generator("faces64"))


def test_faces_are_edited_in_their_photograph(mgp: Mgp, small: Path, photos: Path, tmp_path: Path):
    out = tmp_path / "out"
    np.save(tmp_path / "age.npy", np.eye(1, 8))
    command = ("edit", photos, "--out", out, "--generator", small, *SHORT, "--frames", 3)
    command = (*command, "--direction", tmp_path / "age.npy")
    done = mgp(*command, "--faces", "all")
    assert done.status == cli.SOME_FAILED and "2 edits: 1 ok, 1 failed" in done.out
    group, wall = records_of(out / "edits" / "age")
    assert "no face is found; --faces none takes the central square" in wall["error"]
    assert len(group["faces"]) == 2 and len(group["faces"][0]["lpips"]) == 3
    photograph = pixels(photos / "group.png")
    frames = [pixels(out / "edits" / "age" / name) for name in group["frames"]]
    squares = [square_of(Face(**face)) for face in faces_of(records_of(out)[0])]
    inside = [outline(square, (140, 70))[..., 0] > 0 for square in squares]
    for frame in frames:
        assert frame.shape == photograph.shape
        changed = np.any(frame != photograph, axis=2)
        assert all(changed[part].any() for part in inside)
        assert not changed[~np.logical_or(*inside)].any()
    assert all((frames[0] != frames[2])[part].any() for part in inside)
    # A region is one of a square image.
    wrong = mgp(*command, "--faces", "all", "--mask", photos / "wall.png")
    assert wrong.status == cli.WRONG_USAGE and "--faces none" in wrong.err


def test_a_face_is_edited_by_its_codes_and_put_back(
    mgp: Mgp, small: Path, photos: Path, tmp_path: Path
):
    out, edits = tmp_path / "out", tmp_path / "edits"
    np.save(tmp_path / "age.npy", np.eye(1, 8))
    command = ("restore", photos / "group.png", "--out", out, "--generator", small, *SHORT)
    command = (*command, "--degradation", "identity", "--faces", "all", "--scale", 2)
    assert mgp(*command).status == cli.OK
    command = ("edit", "--codes", out / "codes" / "group-2.npz", "--generator", small)
    command = (*command, "--direction", tmp_path / "age.npy", "--range=0:3", "--frames", 2)
    assert mgp(*command, "--out", edits, "--put-back").status == cli.OK
    (record,) = records_of(edits / "edits" / "age")
    photograph = pixels(out / "images" / "group.png")
    face = Face(**faces_of(records_of(out)[0])[1])
    inside = outline(square_of(face.moved(2)), (280, 140))[..., 0] > 0
    frames = [pixels(edits / "edits" / "age" / name) for name in record["frames"]]
    assert all((frame == photograph)[~inside].all() for frame in frames)
    assert (frames[0] != frames[1])[inside].any()
    # Only faces of runs have a photograph to go into.
    np.save(tmp_path / "z.npy", np.zeros((1, 8), np.float32))
    wrong = mgp(*command[:2], tmp_path / "z.npy", *command[3:], "--out", edits, "--put-back")
    assert wrong.status == cli.WRONG_USAGE and "no run with faces has written them" in wrong.err
    wrong = mgp("edit", photos, *command[3:], "--out", edits, "--put-back")
    assert wrong.status == cli.WRONG_USAGE and "--codes FILE" in wrong.err


def faces_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [{k: face[k] for k in ("box", "points", "score")} for face in record["faces"]]


# What a photograph was made with, what is said of it, and what must not be.
MADE: dict[str, tuple[Callable[[Image.Image], Image.Image], dict, str, str]] = {
    "clean": (lambda p: p, {}, "clean, restored as identity", "gray"),
    "gray": (lambda p: p.convert("L"), {}, "gray, restored as gray", "noise"),
    "jpeg": (lambda p: p, {"quality": 30}, "JPEG of quality 30, restored as identity", "noise"),
    "soft": (
        lambda p: p.resize((64, 64), Image.Resampling.BOX).resize(p.size, Image.Resampling.BICUBIC),
        {},
        "as sharp as ",
        "gray",
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_what_has_become_of_a_photograph_is_estimated_and_said(
    mgp: Mgp, styled: Path, tmp_path: Path, name: str
):
    make, options, expected, missing = MADE[name]
    with resources.as_file(resources.files("mgp_jax.assets") / "grace_hopper.png") as path:
        picture = Image.open(path).convert("RGB")
    photo = tmp_path / ("photo.jpg" if "quality" in options else "photo.png")
    make(picture).save(photo, **options)
    command = ("restore", photo, "--generator", styled, "--degradation", "auto", *SHORT)
    done = mgp(*command, "--out", tmp_path / "out", "-n")
    assert done.status == cli.OK
    (note,) = [line for line in done.out.splitlines() if line.startswith("note:")]
    assert f"{photo}: estimated: " in note and expected in note and missing not in note
    assert mgp(*command, "--out", tmp_path / "out").status == cli.OK
    (record,) = records_of(tmp_path / "out")
    assert record["notes"] == [note.partition(f"{photo}: ")[2]]


def test_each_face_has_an_estimate_of_its_own(mgp: Mgp, small: Path, photos: Path, tmp_path: Path):
    command = ("restore", photos / "group.png", "--out", tmp_path / "out", "--generator", small)
    done = mgp(*command, "--degradation", "auto", "--faces", "all", *SHORT)
    assert done.status == cli.OK
    (record,) = records_of(tmp_path / "out")
    assert (
        record["notes"][0].startswith("estimated: face 1: ") and "; face 2: " in record["notes"][0]
    )


def test_each_face_tells_its_noise(mgp: Mgp, small: Path, photos: Path, tmp_path: Path):
    command = ("denoise", photos / "group.png", "--out", tmp_path / "out")
    done = mgp(*command, "--generator", small, "--faces", "all", *SHORT)
    assert done.status == cli.OK
    (record,) = records_of(tmp_path / "out")
    words, *sigmas = record["notes"][0].replace(",", "").rsplit(" ", 2)
    assert words == "estimated: noise of sigma" and all(0 <= float(s) < 0.1 for s in sigmas)


@pytest.mark.parametrize("option", ["--simulate", "--frame=0.9"])
def test_what_is_simulated_is_named(mgp: Mgp, small: Path, photos: Path, option: str):
    command = ("restore", photos, "--out", photos / "out", "--generator", small, option)
    done = mgp(*command, "--degradation", "auto")
    assert done.status == cli.WRONG_USAGE and "degradation auto: " in done.err


def test_a_frame_is_found_in_each_photograph(mgp: Mgp, small: Path, photos: Path, tmp_path: Path):
    out = tmp_path / "out"
    for name in ("group", "wall"):
        Image.open(photos / f"{name}.png").resize((8, 8)).save(photos / f"{name}.png")
    command = ("super-resolve", photos, "--out", out, "--factor", 2, "--generator", small)
    assert mgp(*command, "--frame", "auto", *SHORT).status == cli.OK
    for record in records_of(out):
        (note,) = record["notes"]
        size, x, y, _ = map(float, note.removeprefix("found frame:").split(","))
        assert 0.2 <= size <= 1 and size / 2 <= min(x, y, 1 - x, 1 - y) + 1e-9
    command = ("restore", photos, "--out", out, "--generator", small, "--degradation", "gray")
    wrong = mgp(*command, "--frame", "auto")
    assert wrong.status == cli.WRONG_USAGE and "does not tell the colours" in wrong.err
