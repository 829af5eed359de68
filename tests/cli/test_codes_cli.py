"""Codes in and out of the commands: samples, starts, edits without inverting, latent codes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Mgp
from networks import untrained, write_generator
from PIL import Image

from mgp_jax import cli
from mgp_jax.generators import DCGANConfig, MobileStyleGANConfig, generate, load_generator

COMMON = ("--steps", 2, "--codes", 2, "--layer", "layer1", "--recipe", "edit")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generators, a photograph, a direction, and W+ codes with a row for each layer."""
    folder = tmp_path_factory.mktemp("inputs")
    write_generator(folder / "small.safetensors", untrained(DCGANConfig(8, (8, 4)), seed=1))
    mobile = untrained(MobileStyleGANConfig(6, 6, (6,), (4, 4, 4)), seed=1)
    write_generator(folder / "mobile.safetensors", mobile)
    y, x = np.mgrid[:16, :16]
    picture = np.stack([12 * x, 250 - 12 * y, 60 + 5 * x + 4 * y], -1).astype(np.uint8)
    Image.fromarray(picture).save(folder / "a.png")
    random = np.random.default_rng(0)
    np.save(folder / "w.npy", random.normal(size=(2, 6, 6)))
    np.save(folder / "age.npy", random.normal(size=(6, 6)))
    return folder


@pytest.fixture(scope="module")
def inverted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("inverted") / "run"
    arguments = ("invert", folder / "a.png", "--out", out, *COMMON, "--save-latents")
    assert cli.main([str(a) for a in (*arguments, *generator_of(folder))]) == cli.OK
    return out


def generator_of(folder: Path, name: str = "mobile") -> tuple[str, Path]:
    return "--generator", folder / f"{name}.safetensors"


def records_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def test_samples_of_latent_codes(mgp: Mgp, folder: Path, tmp_path: Path):
    generator = folder / "mobile.safetensors"
    image, array = ("--out", tmp_path / "a.png"), tmp_path / "a.npy"
    done = mgp("sample", generator, *image, "--latents", folder / "w.npy", "--save-array", array)
    assert done.status == cli.OK, done.err
    styles = np.load(folder / "w.npy")[:, [0, 1, 1, 2, 3]]
    expected = generate(load_generator(generator), styles, space="w+")
    np.testing.assert_array_equal(np.load(array), expected)
    # Random ones are written as other programs take them, and are the same again.
    saved = ("--save-array", array, "--save-latents", tmp_path / "w.npz")
    assert mgp("sample", generator, *image, "--count", 2, *saved).status == cli.OK
    with np.load(tmp_path / "w.npz") as codes:
        assert codes["w"].shape == (2, 6, 6) and codes["w"].dtype == np.float32
    again = ("--latents", tmp_path / "w.npz", "--save-array", tmp_path / "b.npy")
    assert mgp("sample", generator, *image, *again).status == cli.OK
    images = np.load(array)
    np.testing.assert_allclose(
        np.load(tmp_path / "b.npy"), images, atol=1e-5 * np.abs(images).max()
    )


def test_codes_of_a_run_are_edited_without_inverting(
    mgp: Mgp, folder: Path, inverted: Path, tmp_path: Path
):
    codes = ("--codes", inverted / "codes/a.npz", *generator_of(folder))
    options = ("--out", tmp_path / "out", "--direction", folder / "age.npy", "--frames", 3)
    done = mgp("edit", *codes, *options, "--layers", "0:1")
    assert done.status == cli.OK, done.err
    edits = tmp_path / "out/edits/age-layers-0-1"
    (record,) = records_of(edits)
    assert record["input"] == str(inverted / "codes/a.npz") and record["strengths"] == [-2, 0, 2]
    frames = [pixels(edits / f"frames/a-0{k}.png") for k in range(3)]
    # Zero is the inversion; only the rendering's rounding may differ, in the last place.
    assert np.abs(frames[1] - pixels(inverted / "images/a.png")).max() <= 1
    assert all(np.abs(frames[k] - frames[1]).max() > 1 for k in (0, 2))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["edits"]
    # The same as what is edited after inverting.
    again = ("edit", folder / "a.png", "--out", tmp_path / "two", *COMMON, *generator_of(folder))
    done = mgp(*again, *options[2:], "--layers", "0:1")
    assert done.status == cli.OK, done.err
    other = pixels(tmp_path / "two/edits/age-layers-0-1/frames/a-02.png")
    assert np.abs(other - frames[2]).max() <= 1


def test_latent_codes_are_edited_each_for_itself(mgp: Mgp, folder: Path, tmp_path: Path):
    arguments = ("--codes", folder / "w.npy", "--direction", "ganspace:1", "--frames", 3)
    out = tmp_path / "out"
    done = mgp("edit", *arguments, "--out", out, *generator_of(folder))
    assert done.status == cli.OK, done.err
    styles = np.load(folder / "w.npy")[:, [0, 1, 1, 2, 3]]
    expected = generate(load_generator(folder / "mobile.safetensors"), styles, space="w+")
    for k in range(2):
        frame = pixels(out / f"edits/ganspace-1/frames/w-{k}-01.png")
        seen = np.clip((expected[k] + 1) * 127.5, 0, 255)
        assert np.abs(frame - seen).max() <= 1


def test_an_inversion_goes_on_from_codes(mgp: Mgp, folder: Path, inverted: Path, tmp_path: Path):
    def error(name: str, *arguments: Any) -> float:
        common = ("--generator", folder / "mobile.safetensors", "--steps", 2, "--layer", "layer1")
        done = mgp("invert", folder / "a.png", "--out", tmp_path / name, *common, *arguments)
        assert done.status == cli.OK, done.err
        with np.load(tmp_path / name / "codes/a.npz") as codes:
            assert str(codes["space"]) == ("z" if name in ("run", "none") else "w+")
            assert str(codes["layer"]) == "layer1" and len(codes["z"]) == 2
            return float(codes["error"][0])

    recipe = ("--recipe", "edit")
    with np.load(inverted / "codes/a.npz") as codes:
        before = float(np.nanmin(codes["error"]))
    # The first step sees what the run had reached.
    assert error("run", *recipe, "--start", inverted / "codes/a.npz") <= 1.001 * before
    assert error("none", *recipe, "--codes", 2) > 1.01 * before
    # Of latent codes alone, importances and styles are as at any start, the space is theirs.
    starts = {name: folder / "w.npy" for name in ("first", "second")}
    errors = [error(name, *recipe, "--start", path) for name, path in starts.items()]
    assert errors[0] == errors[1]
    latents = np.load(inverted / "latents/a.npy")
    assert latents.shape == (2, 6, 6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("edit", "--codes", "none.npz", "--direction", "sefa:1"), "none.npz: cannot be read"),
        (("edit", "--codes", "a.png", "--direction", "sefa:1"), "a.png: not a readable array"),
        (("edit", "a.png", "--codes", "w.npy", "--direction", "sefa:1"), "nothing is inverted"),
        (("edit", "--direction", "sefa:1"), "no input images"),
        (("edit", "--codes", "w.npy", "--direction", "sefa:1", "--layers", "2:9"), "layers 2:9"),
        (("edit", "--codes", "w.npy", "--direction", "sefa:1", "--layers", "2"), "as in 4:9"),
        (("edit", "--codes", "w.npy", "--direction", "smile"), "smile: not a readable array"),
        (("invert", "a.png", "--start", "none.npy"), "none.npy: not a readable array"),
        (("invert", "a.png", "--start", "w.npy", "--codes", 3), "codes: 3, w.npy holds 2"),
        (("invert", "a.png", "--start", "w.npy", "--restarts", 2), "would all start there"),
        (
            ("invert", "a.png", "--start", "w.npy", "--method", "dip"),
            "method dip has no codes to start from",
        ),
        (
            ("invert", "a.png", "--save-latents", "--method", "dip"),
            "save latents: method dip has none",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    mgp: Mgp, folder: Path, tmp_path: Path, monkeypatch, arguments: tuple, message: str
):
    monkeypatch.chdir(folder)
    done = mgp(*arguments, "--generator", "mobile.safetensors", "--out", tmp_path / "out")
    assert done.status in (cli.SOME_FAILED, cli.WRONG_USAGE)
    assert message in done.err and done.err.count("\n") == 1
