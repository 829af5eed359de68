"""The guide to scaling says what every field of a record is."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from documents import ROOT
from jobs import make_job
from networks import untrained
from PIL import Image

from mgp_jax.batch import Input, Loaded
from mgp_jax.batch.outputs import write_outputs, write_trajectory
from mgp_jax.codes import Codes
from mgp_jax.degradations import Mask
from mgp_jax.generators import DCGANConfig
from mgp_jax.inversion import Result
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.restoration import Restoration


def test_fields_are_explained(tmp_path: Path):
    image = np.zeros((1, 16, 16, 3), np.float32)
    losses = np.ones((2, 2), np.float32)
    codes = Codes(np.ones((2, 2, 8), np.float32), np.ones((2, 2, 4), np.float32))
    mask = Mask.center(4, (16, 16))
    settings: dict[str, Any] = {"save_array": True, "trajectory": "gif", "simulate": True}
    recipe = Recipe("test", (Phase(2),), codes=2, samples=2)
    job = make_job(untrained(DCGANConfig(8, (8, 4))), recipe, mask, "restore", **settings)
    ones = np.ones(2, int)
    result = Result(image, codes, losses[:, 0], losses, losses, ones, ones, job.inversion.split)
    restoration = Restoration(image, np.stack([image] * 2, 1), image, result)
    item = Loaded(Input(0, Path("a.png"), "a"), image[0], image[0], mask, ("said",))
    record = write_outputs(job, item, restoration, 0, tmp_path)
    record |= write_trajectory(job, item, np.zeros((2, 16, 16, 3), np.uint8), tmp_path)
    guide = (ROOT / "notebooks" / "guides" / "scaling.md").read_text()
    rows = re.findall(r"^\| (`.*?) \|", guide.partition("## What a record holds")[2], flags=re.M)
    explained = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(record) == explained
    assert record["notes"] == ["said"] and record["status"] == "ok"
    missing = np.asarray(Image.open(tmp_path / record["mask"]))
    np.testing.assert_array_equal(missing == 255, np.asarray(mask.known[..., 0]) == 0)
