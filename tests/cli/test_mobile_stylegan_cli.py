"""Every recipe on a MobileStyleGAN, an image at a time and several."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import Mgp
from networks import CONFIGS, untrained, write_generator
from PIL import Image

from mgp_jax import cli
from mgp_jax.recipes import RECIPES

COUNT = 3


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_runs(mgp: Mgp, tmp_path: Path, recipe: str):
    generator = untrained(CONFIGS["mobile_stylegan"], seed=1)
    write_generator(tmp_path / "mobile.safetensors", generator)
    photos = tmp_path / "photos"
    photos.mkdir()
    for k in range(COUNT):
        noise = np.random.default_rng(k).integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(noise).save(photos / f"{k}.png")
    images = []
    for size in (1, 4):
        out = tmp_path / f"out{size}"
        command = ("invert", photos, "--out", out, "--generator", tmp_path / "mobile.safetensors")
        more = ("--recipe", recipe, "--steps", 6, "--batch-size", size)
        codes = () if recipe in ("w", "w+") else ("--codes", 2)
        assert mgp(*command, *more, *codes).status == cli.OK
        lines = (out / "results.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        assert [record["status"] for record in records] == ["ok"] * COUNT
        images.append([np.asarray(Image.open(out / record["output"])) for record in records])
    # What becomes of an image does not depend on those beside it, up to rounding.
    assert np.abs(np.asarray(images[0], int) - np.asarray(images[1], int)).max() <= 2
