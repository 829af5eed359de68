"""The command that lists and draws bundled directions."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import Mgp
from PIL import Image

from mgp_jax import cli
from mgp_jax.editing import moves
from mgp_jax.editing.making import NAMED


def test_directions_are_listed(mgp: Mgp):
    done = mgp("directions", "faces1024")
    assert done.status == cli.OK, done.err
    for item in NAMED["faces1024"]:
        assert item.name in done.out and item.more.split(",")[0] in done.out
    done = mgp("directions", "faces1024", "--json")
    found = json.loads(done.out)
    assert [item["name"] for item in found["directions"]] == sorted(
        item.name for item in NAMED["faces1024"]
    )
    assert found["files"] == [] and found["provenance"] and found["licence"]


def test_strips_are_drawn(mgp: Mgp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    drawn = []

    def render(split, codes) -> np.ndarray:
        drawn.append([np.asarray(item.z) for item in codes])
        return np.zeros((len(codes), 16, 16, 3), np.float32)

    monkeypatch.setattr(moves, "render_all", render)
    arguments = ("--out", tmp_path / "strips", "--only", "yaw", "smile", "--frames", 3)
    done = mgp("directions", "faces1024", *arguments)
    assert done.status == cli.OK, done.err
    assert sorted(path.name for path in (tmp_path / "strips").iterdir()) == [
        "sheet.png",
        "smile.png",
        "yaw.png",
    ]
    with Image.open(tmp_path / "strips/yaw.png") as strip:
        assert strip.size[0] > 3 * 150
    for left, middle, right in drawn:
        assert left.shape == (1, 23, 512)
        np.testing.assert_allclose(left + right, 2 * middle, atol=1e-5)
        assert np.abs(right - middle).max() > 0.1
    # The same face in every strip.
    np.testing.assert_array_equal(drawn[0][1], drawn[1][1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("faces64",), "no directions are bundled with it"),
        (("faces1024", "--only", "grin"), "direction grin: there are age, "),
        (("faces1024", "--frames", 1), "frames: 1"),
        (("none.safetensors",), "none.safetensors: no such file"),
    ],
)
def test_what_cannot_be_listed(mgp: Mgp, arguments: tuple, message: str):
    done = mgp("directions", *arguments)
    assert done.status in (cli.SOME_FAILED, cli.WRONG_USAGE)
    assert message in done.err and done.err.count("\n") == 1
