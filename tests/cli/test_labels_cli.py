"""`--label`: the class that a generator of several draws."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from commands import Mgp
from PIL import Image

from mgp_jax import cli
from mgp_jax.generators import SequentialConfig, random_generator, save_weights
from mgp_jax.generators.labels import Labels
from mgp_jax.generators.stack_layers import Dense, Transposed
from mgp_jax.generators.stack_pointwise import Activation
from mgp_jax.images import to_uint8


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator of three classes, 8 pixels."""
    doubling = Transposed(3, (4, 4), (2, 2), ((1, 1), (1, 1)))
    layers = (Dense(4, 4, 6), Activation("relu"), doubling)
    generator = random_generator(SequentialConfig(5, layers, labels=Labels(3, 4)))
    path = tmp_path_factory.mktemp("generators") / "three.safetensors"
    config = dataclasses.asdict(generator.config)  # type: ignore[arg-type]
    save_weights(path, generator.family, config, generator.params, {}, "CC0-1.0")
    return path


def test_every_class_has_its_own_samples(mgp: Mgp, three: Path, tmp_path: Path):
    drawn = {}
    for label in ("0", "2", "mean"):
        array = tmp_path / f"{label}.npy"
        out = ("--out", tmp_path / "x.png", "--save-array", array, "--count", "2")
        assert mgp("sample", three, *out, "--label", label).status == cli.OK
        drawn[label] = np.load(array)
    assert np.abs(drawn["0"] - drawn["2"]).max() > 0.01
    assert np.abs(drawn["0"] - drawn["mean"]).max() > 0.01


@pytest.mark.parametrize(
    "label, message",
    [
        ((), "three: draws 3 classes; choose one by its label, from 0 to 2"),
        (("--label", "3"), "three: label 3: choose a class from 0 to 2"),
        (("--label", "cat"), "three: label cat: choose a class"),
    ],
)
def test_a_label_that_is_missing_or_wrong(mgp: Mgp, three: Path, tmp_path: Path, label, message):
    for command in (("sample", three), ("invert", tmp_path, "--generator", three)):
        done = mgp(*command, "--out", tmp_path / "x.png", *label)
        assert done.status == cli.WRONG_USAGE and message in done.err
        assert done.err.count("\n") == 1
    done = mgp("sample", "faces64", "--out", tmp_path / "x.png", "--label", "0")
    assert done.status == cli.WRONG_USAGE and "faces64 has no classes" in done.err


def test_info_says_how_many_classes(mgp: Mgp, three: Path):
    assert json.loads(mgp("info", three, "--json").out)["classes"] == 3


def test_a_run_belongs_to_its_class(mgp: Mgp, three: Path, tmp_path: Path):
    photograph, out = tmp_path / "sample.png", tmp_path / "out"
    mgp("sample", three, "--out", photograph, "--count", "1", "--label", "1")
    settings = ("--generator", three, "--out", out, "--steps", "4", "--codes", "2")
    assert mgp("invert", photograph, *settings, "--label", "1").status == cli.OK
    done = mgp("invert", photograph, *settings, "--label", "2")
    assert done.status == cli.WRONG_USAGE and "another setting" in done.err


def test_codes_of_a_file_are_edited_in_their_class(mgp: Mgp, three: Path, tmp_path: Path):
    z, array = tmp_path / "z.npy", tmp_path / "x.npy"
    np.save(z, np.random.default_rng(1).normal(size=(1, 5)).astype(np.float32))
    settings = ("--generator", three, "--out", tmp_path / "edited", "--direction", "sefa:1")
    done = mgp("edit", "--codes", z, *settings, "--label", "2", "--frames", "3")
    assert done.status == cli.OK, done.err
    drawn = ("--latents", z, "--label", "2", "--save-array", array)
    assert mgp("sample", three, "--out", tmp_path / "x.png", *drawn).status == cli.OK
    (middle,) = (tmp_path / "edited").rglob("frames/z-01.png")
    expected = to_uint8(np.load(array)[0]).astype(int)
    with Image.open(middle) as unmoved:
        assert np.abs(np.asarray(unmoved, int) - expected).max() <= 1
