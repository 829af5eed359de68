"""The commands that edit and analyse: what they write, and one clear line for what is wrong."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Mgp
from networks import untrained, write_generator
from PIL import Image

from mgp_jax import cli
from mgp_jax.analysis import FACE_PARTS, face_segments
from mgp_jax.batch import load_codes
from mgp_jax.cli.editing import evenly
from mgp_jax.errors import ImageError, MGPError, SettingError
from mgp_jax.faces import Face
from mgp_jax.generators import DCGANConfig, StyleGAN2Config, load_generator

COMMON = ("--steps", 6, "--codes", 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generators, two photographs, a letter, a direction and a mask."""
    folder = tmp_path_factory.mktemp("inputs")
    write_generator(folder / "small.safetensors", untrained(DCGANConfig(8, (8, 4)), seed=1))
    styled = untrained(StyleGAN2Config(5, 4, (4,), (6, 6, 4, 4, 4)), seed=1)
    write_generator(folder / "styled.safetensors", styled)
    y, x = np.mgrid[:16, :16]
    picture = np.stack([12 * x, 250 - 12 * y, 60 + 5 * x + 4 * y], -1).astype(np.uint8)
    Image.fromarray(picture).save(folder / "a.png")
    Image.fromarray(picture[::-1, :, ::-1].copy()).save(folder / "b.png")
    (folder / "letter.png").write_text("This is a letter.")
    np.save(folder / "age.npy", np.eye(1, 8))
    mask = np.zeros((16, 16), np.uint8)
    mask[4:12, 4:12] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    return folder


def records_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_photographs_are_edited(mgp: Mgp, folder: Path, tmp_path: Path):
    out = tmp_path / "edited"
    settings = ("--generator", folder / "small.safetensors", *COMMON, "--out", out)
    inputs = [folder / name for name in ("a.png", "letter.png", "b.png")]
    direction = ("--direction", folder / "age.npy", "--range=-2:2", "--frames", 5)
    status, printed, err = mgp("edit", *inputs, *settings, *direction)
    assert status == cli.SOME_FAILED and "letter.png: is not an image" in err
    assert "3 edits: 2 ok, 1 failed" in printed
    records = records_of(out / "edits" / "age")
    assert [record["status"] for record in records] == ["ok", "failed", "ok"]
    assert records[0]["strengths"] == [-2, -1, 0, 1, 2]
    files = out / "edits" / "age"
    for stem in ("a", "b"):
        frames = [pixels(files / f"frames/{stem}-0{k}.png") for k in range(5)]
        np.testing.assert_array_equal(frames[2], pixels(out / f"images/{stem}.png"))
        assert all((frames[k] != frames[2]).any() for k in (0, 1, 3, 4))
        assert pixels(files / f"{stem}.png").shape[1] > 5 * 150
        with Image.open(files / f"{stem}.webp") as animation:
            assert (animation.n_frames, animation.size) == (8, (256, 256))  # type: ignore[attr-defined]
    # Another direction uses the same inversions; a mask limits what changes.
    before = (out / "codes/a.npz").stat().st_mtime_ns
    limited = ("--direction", "sefa:1", "--mask", folder / "mask.png", "--animation", "gif")
    assert mgp("edit", *inputs, *settings, *limited)[0] == cli.SOME_FAILED
    assert (out / "codes/a.npz").stat().st_mtime_ns == before
    files = out / "edits" / "sefa-1"
    outside = pixels(folder / "mask.png") == 0
    frames = [pixels(files / f"frames/a-0{k}.png") for k in range(9)]
    original = pixels(out / "images/a.png")
    assert all((frame[outside] == original[outside]).all() for frame in frames)
    assert (frames[0][~outside] != original[~outside]).any()
    with Image.open(files / "a.gif") as animation:
        assert animation.n_frames > 8  # type: ignore[attr-defined]
    # Repeated with fewer frames, no older frames stay.
    fewer = ("--frames", 3, "--overwrite")
    assert mgp("edit", *inputs, *settings, *limited, *fewer)[0] == cli.SOME_FAILED
    assert len(list((files / "frames").iterdir())) == 2 * 3


def test_codes_are_read_as_they_were_written(mgp: Mgp, folder: Path, tmp_path: Path):
    for name in ("small", "styled"):
        path, out = folder / f"{name}.safetensors", tmp_path / name
        settings = ("--generator", path, *COMMON, "--layer", "layer1", "--recipe", "edit")
        status, _, err = mgp("invert", folder / "a.png", "--out", out, *settings)
        assert status == cli.OK, err
        generator = load_generator(path)
        codes = load_codes(out / "codes/a.npz", generator.split("layer1"))
        assert codes.z.shape == (3, *generator.latent_shape) and codes.residual is not None
        assert (codes.styles is None) == (name == "small")
        with pytest.raises(SettingError, match="not of"):
            other = generator.split("layer0" if name == "small" else "layer2")
            load_codes(out / "codes/a.npz", other)
    with pytest.raises(ImageError, match="cannot be read"):
        load_codes(tmp_path / "none.npz", generator.split(1))
    with pytest.raises(ImageError, match="no file of codes"):
        load_codes(folder / "a.png", generator.split(1))


def test_the_way_between_two_photographs(mgp: Mgp, folder: Path, tmp_path: Path):
    inputs = (folder / "a.png", folder / "b.png")
    for name in ("small", "styled"):
        out = tmp_path / name
        settings = ("--generator", folder / f"{name}.safetensors", *COMMON, "--out", out)
        status, _, err = mgp("interpolate", *inputs, *settings, "--frames", 4)
        assert status == cli.OK, err
        frames = [pixels(out / f"way/frames/a-b-0{k}.png") for k in range(4)]
        for frame, stem in ((frames[0], "a"), (frames[-1], "b")):
            expected = pixels(out / f"images/{stem}.png").astype(int)
            assert np.abs(frame.astype(int) - expected).max() <= 1  # Of matched codes, in turn.
        assert records_of(out / "way")[0]["shares"][1] == pytest.approx(1 / 3)
    status, _, err = mgp("interpolate", *inputs, *settings, "--frames", 3, "--behind", "layer2")
    assert status == cli.OK, err
    ends = [pixels(out / f"mix-behind-5/frames/a-b-0{k}.png").astype(int) for k in (0, 2)]
    assert np.abs(ends[0] - pixels(out / "images/a.png")).max() <= 1
    assert np.abs(ends[1] - ends[0]).max() > 1


def test_a_boundary_is_trained(mgp: Mgp, folder: Path, tmp_path: Path, monkeypatch):
    pytest.importorskip("sklearn")
    z = np.random.default_rng(0).normal(size=(200, 8))
    np.save(tmp_path / "z.npy", z)
    np.savetxt(tmp_path / "labels.txt", z[:, 3] > 0)
    generator, out = folder / "small.safetensors", tmp_path / "third.npy"
    given = ("--latents", tmp_path / "z.npy", "--labels", tmp_path / "labels.txt")
    status, printed, err = mgp("train-boundary", generator, "--out", out, *given)
    assert status == cli.OK and "held-out codes" in printed, err
    assert np.load(out).shape == (1, 8) and np.load(out)[0, 3] > 0.95
    (tmp_path / "my_scoring.py").write_text("def red(x):\n    return x[..., 0].mean((1, 2))\n")
    monkeypatch.chdir(tmp_path)
    scored = ("--score", "my_scoring:red", "--count", 300, "--keep", out)
    status, _, err = mgp("train-boundary", generator, "--out", "red.npy", *scored)
    assert status == cli.OK, err
    np.testing.assert_allclose(np.load("red.npy") @ np.load(out).T, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("edit", "--direction", "none.npy"), "none.npy: not a readable array"),
        (("edit", "--direction", "sefa:99"), "there are 1 to 8"),
        (("edit", "--direction", "sefa:1", "--range=3:-3"), "range 3:-3"),
        (("edit", "--direction", "sefa:1", "--range=three"), "range three"),
        (("edit", "--direction", "sefa:1", "--frames", 1), "frames: 1"),
        (("edit", "--direction", "sefa:1", "--codes-moved", 3), "the codes 0 to 2"),
        (("edit", "--direction", "sefa:1", "--mask", "none.png"), "none.png: there is no such"),
        (("edit", "--direction", "sefa:1", "--method", "dip", "--recipe", "fast"), "are no codes"),
        (("interpolate",), "between two photographs"),
        (("analyse", "removal", "--region", "none.png"), "none.png: there is no such"),
        (
            ("analyse", "removal", "--region", "mask.png", "--count", 3),
            "there are the codes 0 to 2",
        ),
        (("analyse", "ablation", "--segments", "none.png"), "none.png: there is no such"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    mgp: Mgp, folder: Path, tmp_path: Path, monkeypatch, arguments: tuple, message: str
):
    monkeypatch.chdir(folder)
    split = 2 if arguments[0] == "analyse" else 1
    settings = ("a.png", "--generator", "small.safetensors", *COMMON, "--out", tmp_path / "out")
    status, _, err = mgp(*arguments[:split], *settings, *arguments[split:])
    assert status in (cli.SOME_FAILED, cli.WRONG_USAGE)
    assert message in err and err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either"),
        (("--latents", "age.npy"), "give either"),
        (("--score", "no_such_module:f"), "No module named"),
        (("--latents", "age.npy", "--labels", "none.txt"), "none.txt: cannot be read"),
    ],
)
def test_boundaries_without_labels(mgp: Mgp, folder: Path, monkeypatch, arguments, message: str):
    monkeypatch.chdir(folder)
    status, _, err = mgp("train-boundary", "small.safetensors", "--out", "o.npy", *arguments)
    assert status in (cli.SOME_FAILED, cli.WRONG_USAGE)
    assert message in err and err.count("\n") == 1 and not Path("o.npy").exists()


def test_analyses_of_photographs(mgp: Mgp, folder: Path, tmp_path: Path):
    out = tmp_path / "known"
    settings = ("--generator", folder / "small.safetensors", *COMMON, "--out", out)
    options: dict[str, tuple[Any, ...]] = {
        "codes": (),
        "ablation": ("--segments", 3),
        "importances": (),
        "removal": ("--region", folder / "mask.png"),
        "dimension": (),
    }
    for what, more in options.items():
        status, _, err = mgp("analyse", what, folder / "a.png", *settings, *more)
        assert status == cli.OK, err
        found = out / "analysis" / what
        assert records_of(found)[0]["status"] == "ok"
        figure = pixels(found / "a.png")
        assert min(figure.shape[:2]) > 150 and len(np.unique(figure)) > 20
        with np.load(found / "a.npz") as arrays:
            assert arrays.files
    with open(out / "analysis/ablation/a.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["code"] for row in rows] == ["0", "1", "2"]
    table = records_of(out / "analysis/ablation")[0]["table"]
    # A code without effect has none.
    segments = ["" if row["segment"] is None else str(row["segment"]) for row in table]
    assert segments == [row["segment"] for row in rows]
    first = records_of(out / "analysis/ablation")
    mgp("analyse", "ablation", folder / "a.png", *settings, "--segments", 3)
    assert records_of(out / "analysis/ablation") == first


def test_codes_are_matched_to_parts_of_a_face(
    mgp: Mgp, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    points = ((6.0, 6.0), (10.0, 6.0), (8.0, 8.0), (6.5, 10.0), (9.5, 10.0))
    faces = [Face((4, 4, 12, 12), points)]
    monkeypatch.setattr("mgp_jax.faces.find_faces", lambda image: faces)
    monkeypatch.setattr("mgp_jax.faces.finding.default_detector", lambda: None)
    settings = ("--generator", folder / "small.safetensors", *COMMON, "--out", tmp_path / "known")
    command = ("analyse", "ablation", folder / "a.png", *settings, "--segments", "face")
    status, _, err = mgp(*command)
    assert status == cli.OK, err
    found = tmp_path / "known/analysis/ablation"
    rows = records_of(found)[0]["table"]
    assert {row["segment"] for row in rows} <= {*FACE_PARTS, None}
    with np.load(found / "a.npz") as arrays:
        np.testing.assert_array_equal(arrays["segments"], face_segments(points, 16))
    faces.clear()
    status, _, err = mgp(*command)
    assert status == cli.SOME_FAILED
    assert "no face" in records_of(found)[0]["error"]


def test_analyses_of_quality(mgp: Mgp, folder: Path, tmp_path: Path):
    generator = folder / "small.safetensors"
    own, other = tmp_path / "own", tmp_path / "other"
    for place, name in ((own, "a.png"), (other, "b.png")):
        place.mkdir()
        (place / name).write_bytes((folder / name).read_bytes())
    (own / "letter.png").write_text("This is a letter.")
    cuts = ("--cuts", 1, 2, "--counts", 1, 2, "--tasks", "identity")
    settings = ("--steps", 3, "--out", tmp_path / "out")
    status, out, err = mgp("analyse", "layers", own, "--generator", generator, *settings, *cuts)
    assert status == cli.OK and "letter.png: is not an image" in err
    cells = records_of(tmp_path / "out/analysis/layers")
    assert [(cell["cut"], cell["codes"]) for cell in cells] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert out.count("PSNR") == 4 and (tmp_path / "out/analysis/layers/layers.png").exists()
    status, _, err = mgp("analyse", "domains", own, other, "--generators", generator, *settings)
    assert status == cli.OK, err
    cells = records_of(tmp_path / "out/analysis/domains")
    assert [cell["images"] for cell in cells] == ["own", "other"]
    assert (tmp_path / "out/analysis/domains/domains.png").exists()
    assert (tmp_path / "out/analysis/domains/table.csv").read_text().count("\n") == 3


def test_ranges():
    assert evenly("-3:3", 7) == [-3, -2, -1, 0, 1, 2, 3]
    assert evenly("0:1", 4) == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=1e-6)
    for text in ("1", "1:2:3", "a:b", "2:1", "1:1", "nan:1", "0:inf"):
        with pytest.raises(MGPError, match="range"):
            evenly(text, 3)
