"""Every method on the command line, over a batch; a run that was stopped goes on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Mgp
from flax import nnx
from networks import write_lpips_vgg
from PIL import Image

from mgp_jax import cli
from mgp_jax.checkpoint import Checkpoints
from mgp_jax.generators import load_generator
from mgp_jax.methods import METHODS
from mgp_jax.methods.encoder_network import Encoder, checksum, network, save_encoder
from mgp_jax.solve import Progress

AT_ONCE = ("observation", "encoder")
NAMES = ("one", "two")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, y, x = tmp_path_factory.mktemp("photographs"), *np.mgrid[:16, :16]
    for k, name in enumerate(NAMES):
        planes = [60 + 8 * x, 200 - 8 * y, 60 + 60 * k + 3 * x]  # Far from black and white.
        image = np.stack(planes[::-1] if k else planes, -1).astype(np.uint8)
        Image.fromarray(image).save(folder / f"{name}.png")
    return [folder / f"{name}.png" for name in NAMES]


@pytest.fixture(scope="module")
def encoders(small: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two that are not trained."""
    generator, folder = load_generator(small), tmp_path_factory.mktemp("encoders")
    about, files = (("generator_checksum", checksum(generator)),), []
    for seed in range(2):
        graph, state = nnx.split(network(generator, seed))
        params: Any = nnx.to_pure_dict(state)
        files.append(folder / f"encoder{seed}.safetensors")
        save_encoder(files[-1], Encoder(params, graph, about), "CC0-1.0")
    return files


def records_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_restores_a_batch(
    mgp: Mgp,
    small: Path,
    styled: Path,
    encoders: list[Path],
    photographs: list[Path],
    tmp_path: Path,
    method: str,
):
    out, steps = tmp_path / "out", 0 if method in AT_ONCE else 4
    command = ["restore", *photographs, "--degradation", "down:2", "--simulate", "--out", out]
    command += ["--method", method, "--generator"]
    command += [styled if "styles" in METHODS[method].needs else small]
    command += ["--steps", steps] if steps else []
    command += ["--encoder", encoders[0]] if "encoder" in METHODS[method].needs else []
    if "lpips_vgg" in METHODS[method].needs:
        command += ["--lpips-vgg", write_lpips_vgg(tmp_path / "vgg.safetensors")]
    done = mgp(*command)
    assert done.status == cli.OK, done.err
    assert json.loads((out / "settings.json").read_text())["method"] == method
    records = records_of(out)
    assert [(record["status"], record["steps"]) for record in records] == [("ok", steps)] * 2
    for record in records:
        image, seen, other = (
            np.asarray(Image.open(out / name)).astype(float)
            for name in (record["output"], record["observation"], records[0]["observation"])
        )
        # What has been observed is explained by its own image.
        half = len(image) // 2
        found = image.reshape(half, 2, half, 2, 3).mean((1, 3))
        np.testing.assert_allclose(found, seen, atol=3)
        assert record is records[0] or np.abs(found - other).max() > 20
        with np.load(out / record["codes"]) as arrays:
            assert arrays["loss"].shape == arrays["error"].shape == (steps,)
            assert np.isfinite(arrays["loss"]).all()


def test_another_encoder_is_another_run(
    mgp: Mgp, small: Path, encoders: list[Path], photographs: list[Path], tmp_path: Path
):
    command = ["restore", *photographs, "--degradation", "down:2", "--simulate"]
    command += ["--generator", small, "--method", "encoder", "--out", tmp_path / "out"]
    assert mgp(*command, "--encoder", encoders[0]).status == cli.OK
    done = mgp(*command, "--encoder", encoders[1])
    assert done.status == cli.WRONG_USAGE
    assert "another setting: checksums: encoder was" in done.err


def test_steps_for_a_method_that_has_none(
    mgp: Mgp, small: Path, photographs: list[Path], tmp_path: Path
):
    command = ["invert", *photographs, "--out", tmp_path / "out", "--generator", small]
    done = mgp(*command, "--method", "observation", "--steps", 4)
    assert done.status == cli.WRONG_USAGE
    assert done.err == "mgp: steps: 4, recipe at-once has none\n"


def test_a_stopped_run_of_another_method_goes_on(
    mgp: Mgp,
    small: Path,
    photographs: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """Pivotal tuning, stopped while the weights of the generator move."""
    command = ["invert", *photographs, "--generator", small, "--method", "pivotal"]
    command += ["--steps", 8, "--checkpoint-every", 2, "--out"]
    assert mgp(*command, tmp_path / "whole").status == cli.OK
    save, steps = Checkpoints.save, []

    def note_and_stop_once(self: Checkpoints, progress: Progress) -> None:
        save(self, progress)
        steps.append(progress.step)
        if steps[-1] == 6 and steps.count(6) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "save", note_and_stop_once)
    assert mgp(*command, tmp_path / "parts").status == cli.INTERRUPTED
    assert mgp(*command, tmp_path / "parts").status == cli.OK
    # The first steps of a run are reported one by one.
    assert steps[steps.index(6) + 1] in (7, 8) and steps[-1] == 8
    for name in [f"{kind}/{name}" for kind in ("images", "codes") for name in NAMES]:
        file = f"{name}.png" if name.startswith("images") else f"{name}.npz"
        ours, wanted = ((tmp_path / run / file).read_bytes() for run in ("parts", "whole"))
        assert ours == wanted
