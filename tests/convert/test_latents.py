"""Latent codes in PyTorch files become arrays, without anything of the file being run."""

import json
from pathlib import Path

import numpy as np
import pytest
from checkpoints import GOLDEN, tensor, write_zip

from convert.cli import main

CODES = np.arange(24, dtype="<f4").reshape(1, 4, 6)
TENSOR = tensor("0", 24, shape=CODES.shape, strides=(24, 6, 1))


@pytest.mark.parametrize(
    ("tree", "inside"),
    [(TENSOR, ()), ({"latents": TENSOR, "name": "a"}, ()), ({"a": TENSOR, "b": TENSOR}, ("a",))],
    ids=["tensor", "dictionary", "inside"],
)
def test_a_tensor_becomes_an_array(tree, inside: tuple, tmp_path: Path, capsys):
    path, out = write_zip(tmp_path / "w.pt", tree, {"0": CODES.tobytes()}), tmp_path / "w.npy"
    more = ("--inside", ".".join(inside)) if inside else ()
    assert main([str(path), str(out), "--json", *more]) == 0
    assert json.loads(capsys.readouterr().out)["shape"] == [1, 4, 6]
    np.testing.assert_array_equal(np.load(out), CODES)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("two.pt", (), "holds 2 tensors, one is needed"),
        ("two.pt", ("--inside", "c"), "nothing inside c"),
        ("none.pt", (), "no such file"),
        ("evil.pth", (), "io.open"),
    ],
)
def test_other_files_are_refused(name: str, arguments: tuple, message: str, tmp_path: Path, capsys):
    write_zip(tmp_path / "two.pt", {"a": TENSOR, "b": TENSOR}, {"0": CODES.tobytes()})
    path = GOLDEN / name if name == "evil.pth" else tmp_path / name
    assert main([str(path), str(tmp_path / "w.npy"), *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "w.npy").exists()
