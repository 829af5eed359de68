"""The commands about generators: what `info` says, what `sample` draws, and codes of files."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Mgp
from PIL import Image

from mgp_jax import cli
from mgp_jax.generators import generate, load_generator, random_latents


def test_info_of_the_bundled_generator(mgp: Mgp):
    done = mgp("info", "faces64", "--json")
    assert done.status == cli.OK and done.err == ""
    facts = json.loads(done.out)
    assert (facts["name"], facts["family"], facts["resolution"]) == ("faces64", "dcgan", 64)
    assert facts["latent_shape"] == [100] and facts["spaces"] == ["z"]
    assert facts["licence"].startswith("MIT") and 3.5e6 < facts["parameters"] < 3.7e6
    assert "DigiFace-1M" in facts["provenance"]["training_data"]
    generator = load_generator("faces64")
    assert [stage["index"] for stage in facts["stages"]] == list(range(6))
    assert [stage["name"] for stage in facts["stages"]][1:] == list(generator.stages)
    assert [stage["shape"] for stage in facts["stages"]] == [
        [[100]],
        *([[4, 4, 512]], [[8, 8, 256]], [[16, 16, 128]], [[32, 32, 64]], [[64, 64, 3]]),
    ]
    for stage in facts["stages"][1:]:
        assert generator.cut(stage["name"]) == generator.cut(stage["index"]) == stage["index"]
    # The same for people.
    text = mgp("info", "faces64").out
    for words in ("DigiFace-1M", "MIT", "layer0", "16x16x128", "64x64x3"):
        assert words in text


def test_info_shows_all_that_crosses_a_cut(mgp: Mgp, styled: Path):
    facts = json.loads(mgp("info", styled, "--json").out)
    assert facts["name"] == "styled" and facts["spaces"] == ["z", "w", "w+"]
    shapes = {stage["name"]: stage["shape"] for stage in facts["stages"]}
    assert shapes["truncation"] == [[4, 4]]
    assert shapes["layer0"] == [[4, 4, 6], [4, 4, 3], [4, 4]]
    assert shapes["to_rgb"] == [[8, 8, 3]]
    assert "4x4x6 + 4x4x3 + 4x4" in mgp("info", styled).out


def test_info_of_nothing(mgp: Mgp, tmp_path: Path):
    for name in ("faces46", tmp_path / "nothing.safetensors", tmp_path):
        done = mgp("info", name)
        assert done.status in (cli.SOME_FAILED, cli.WRONG_USAGE)
        assert done.err.startswith(f"mgp: {name}: ") and done.err.count("\n") == 1


def test_samples(mgp: Mgp, small: Path, tmp_path: Path):
    image, array = tmp_path / "a.png", tmp_path / "a.npy"
    done = mgp("sample", small, "--out", image, "--count", 5, "--seed", 2, "--save-array", array)
    assert done.status == cli.OK and done.err == ""
    generator = load_generator(small)
    latents = random_latents(generator, 5, 2)
    images = np.load(array)
    assert images.shape == (5, 16, 16, 3) and images.dtype == np.float32
    np.testing.assert_array_equal(images, generate(generator, latents))
    tiles = np.asarray(Image.open(image))
    # Each sample is somewhere in the picture, in order.
    found = [
        [
            (row, column)
            for row in range(tiles.shape[0] - 15)
            for column in range(tiles.shape[1] - 15)
            if np.array_equal(tiles[row : row + 16, column : column + 16], expected)
        ]
        for expected in np.rint((np.clip(images, -1, 1) + 1) * 127.5).astype(np.uint8)
    ]
    assert [len(places) for places in found] == [1] * 5
    assert found == sorted(found)

    mgp("sample", small, "--out", tmp_path / "b.png", "--count", 5, "--seed", 2)
    assert (tmp_path / "b.png").read_bytes() == image.read_bytes()
    mgp("sample", small, "--out", tmp_path / "b.png", "--count", 5, "--seed", 3)
    assert (tmp_path / "b.png").read_bytes() != image.read_bytes()
    # Codes of a file, of whatever type of numbers.
    for dtype, tolerance in ((np.float32, 0), (np.float64, 0), (np.float16, 0.02)):
        np.save(tmp_path / "z.npy", np.asarray(latents, dtype))
        again = ("--latents", tmp_path / "z.npy", "--save-array", tmp_path / "b.npy")
        assert mgp("sample", small, "--out", tmp_path / "b.png", *again).status == cli.OK
        np.testing.assert_allclose(np.load(tmp_path / "b.npy"), images, atol=tolerance)


def test_truncated_samples(mgp: Mgp, small: Path, styled: Path, tmp_path: Path):
    arrays = {}
    for psi in ("0.5", "0"):
        arrays[psi] = tmp_path / f"{psi}.npy"
        common = ("--count", 3, "--out", tmp_path / "a.png", "--save-array", arrays[psi])
        assert mgp("sample", styled, *common, "--truncation", psi).status == cli.OK
    generator = load_generator(styled)
    whole = generate(generator, random_latents(generator, 3))
    spread = {psi: np.load(path).std(0).mean() for psi, path in arrays.items()}
    assert spread["0"] < 1e-5 < spread["0.5"] < whole.std(0).mean()
    done = mgp("sample", small, "--out", tmp_path / "b.png", "--truncation", 0.5)
    assert done.status == cli.WRONG_USAGE
    assert done.err == "mgp: truncation: small (dcgan) has no styles\n"
    assert not (tmp_path / "b.png").exists()


def saved(array: Any) -> Callable[[Path], Any]:
    return lambda path: np.save(path, array)


def archive(path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, z=np.zeros((2, 8)))


def cut_off(path: Path) -> None:
    np.save(path, np.zeros((9, 8)))
    path.write_bytes(path.read_bytes()[:200])


def broken_archive(path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, z=np.zeros((2, 8)))
    path.write_bytes(stream.getvalue()[:100])


LATENTS: dict[str, tuple[Callable[[Path], Any], int]] = {
    "missing": (lambda path: None, 1),
    "a folder": (Path.mkdir, 1),
    "empty": (Path.touch, 1),
    "text": (lambda path: path.write_text("1 2 3"), 1),
    "objects": (saved(np.array([{"a": 1}], object)), 1),
    "cut off": (cut_off, 1),
    "archive": (archive, 1),
    "broken archive": (broken_archive, 1),
    "no codes": (saved(np.zeros((0, 8))), 2),
    "one code": (saved(np.zeros(8)), 2),
    "a number": (saved(np.float32(3)), 2),
    "another length": (saved(np.zeros((2, 9))), 2),
    "too many axes": (saved(np.zeros((2, 1, 8))), 2),
    "words": (saved(np.array([["a"] * 8])), 1),
    "complex numbers": (saved(np.zeros((2, 8), complex)), 1),
    "not finite": (saved(np.full((1, 8), np.nan)), 1),
}


@pytest.mark.parametrize("name", LATENTS)
def test_wrong_latents(mgp: Mgp, small: Path, tmp_path: Path, name: str):
    make, status = LATENTS[name]
    path = tmp_path / "z.npy"
    make(path)
    done = mgp("sample", small, "--out", tmp_path / "a.png", "--latents", path)
    assert done.status == status, done.err
    assert done.err.startswith("mgp: ") and done.err.count("\n") == 1
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--count", 0, "--out", "a.png"), "count: 0"),
        (("--count", 1, "--out", "nowhere/a.png"), "nowhere/a.png: cannot be written"),
        (
            ("--count", 1, "--out", "a.png", "--save-array", "no/a.npy"),
            "no/a.npy: cannot be written",
        ),
        (("--count", 1, "--out", "a.png", "--seed", 2**70), f"seed: {2**70}"),
    ],
)
def test_samples_that_cannot_be_made(
    mgp: Mgp,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple,
    message: str,
):
    monkeypatch.chdir(tmp_path)
    done = mgp("sample", small, *arguments)
    assert done.status in (cli.SOME_FAILED, cli.WRONG_USAGE)
    assert done.err.startswith("mgp: ") and message in done.err and done.err.count("\n") == 1
