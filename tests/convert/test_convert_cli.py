import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from checkpoints import GOLDEN, Call, encode, pickled, tensor, write_zip

from convert.cli import main
from convert.options import TABLE
from mgp_jax.generators import generate, load_generator, random_latents
from mgp_jax.generators.weights import load_weights
from mgp_jax.images import read_image
from mgp_jax.report import tile

ROOT = Path(__file__).parents[2]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as exit:
        status = exit.code
    captured = capsys.readouterr()
    assert isinstance(status, int)
    return status, captured.out, captured.err


def test_a_conversion_prints_what_went_where(capsys, tmp_path):
    out = tmp_path / "out.safetensors"
    status, text, errors = run(capsys, GOLDEN / "pggan_genforce.pth", out)
    assert (status, errors) == (0, "")
    lines = [line.split() for line in text.splitlines()]
    moved = "layer1.weight [18, 18, 3, 3] layer1.kernel [3, 3, 18, 18]"
    assert moved.split() in lines
    assert ["output0.bias", "[3]", "ignored:", "to-RGB", "of", "a", "lower", "resolution"] in lines
    assert ["discriminator", "ignored:", "discriminator"] in lines
    assert "family pggan, layout genforce, inside generator_smooth" in text
    assert load_weights(out).family == "pggan"
    assert list(tmp_path.iterdir()) == [out]


def test_json_says_the_same(capsys, tmp_path):
    out = tmp_path / "out.safetensors"
    source = GOLDEN / "dcgan.pth"
    arguments = ("--json", "--provenance", "source=here", "--provenance", "by=me")
    status, text, _ = run(capsys, source, out, *arguments, "--licence", "MIT")
    report = json.loads(text)
    assert status == 0
    assert report["family"] == "dcgan" and report["inside"] == ["netG_state_dict"]
    assert report["config"]["channels"] == [24, 12, 6, 3]
    tensors = {entry["key"]: entry for entry in report["tensors"]}
    assert tensors["main.0.weight"] == {
        "key": "main.0.weight",
        "shape": [20, 24, 4, 4],
        "to": [{"parameter": "layer0.kernel", "shape": [4, 4, 20, 24]}],
    }
    assert tensors["main.1.num_batches_tracked"]["ignored"] == "a counter of training steps"
    weights = load_weights(out)
    assert weights.licence == report["licence"] == "MIT"
    assert weights.provenance == report["provenance"]
    assert weights.provenance["source"] == "here" and weights.provenance["by"] == "me"
    assert len(weights.provenance["sha256"]) == 64


def test_what_is_assumed_is_one_line(capsys, tmp_path):
    out = tmp_path / "out.safetensors"
    status, text, _ = run(capsys, GOLDEN / "sequential" / "leaky.pth", out)
    assert status == 0
    (line,) = [line for line in text.splitlines() if line.startswith("assumed")]
    assert line == (
        "assumed: strides 1,2,2,2, paddings 0,1,1,1, activation relu, epsilon 1e-5, output tanh, "
        "latent normal; set others with --option NAME=VALUE"
    )
    status, text, _ = run(capsys, GOLDEN / "stylegan_genforce.pth", out, "--json")
    assert json.loads(text)["assumed"] == {
        "final_tanh": "false",
        "mapping_multiplier": "0.01",
        "fused_scale": "auto",
        "use_wscale": "true",
    }


def test_a_preview_shows_samples(capsys, tmp_path):
    out, sheet = tmp_path / "out.safetensors", tmp_path / "sheet.png"
    arguments = ("--preview", sheet, "--option", "latent=uniform")
    status, _, errors = run(capsys, GOLDEN / "sequential" / "nonorm.pth", out, *arguments)
    assert (status, errors) == (0, "")
    generator = load_generator(out)
    expected = tile(generate(generator, random_latents(generator, 16)))
    written = read_image(sheet)
    assert written.shape[:2] == expected.shape[:2]
    assert np.abs(written - expected).max() < 0.01
    status, _, errors = run(capsys, GOLDEN / "vgg16_lpips.pth", out, "--preview", sheet)
    assert status == 1 and "not a generator" in errors


def two_generators(folder: Path) -> Path:
    def network(value: float) -> dict[str, Call]:
        storages[str(value)] = np.full(10 * 8 * 9, value, "<f4").tobytes()
        shapes = {"main.0.weight": (10, 8, 3, 3), "main.2.weight": (8, 3, 2, 2)}
        return {
            name: tensor(
                str(value), 720, 0, shape, tuple(np.cumprod((1, *shape[:0:-1]))[::-1].tolist())
            )
            for name, shape in shapes.items()
        }

    storages: dict[str, bytes] = {}
    tree = {"generator": network(1.0), "generator_ema": network(2.0), "netD": network(3.0)}
    return write_zip(folder / "two.pth", tree, storages)


def test_the_averaged_generator_is_taken_and_another_by_hand(capsys, tmp_path):
    path, out = two_generators(tmp_path), tmp_path / "out.safetensors"
    status, text, errors = run(capsys, path, out)
    assert (status, errors) == (0, "")
    assert "inside generator_ema (the averaged generator; the one before" in text
    assert ["generator", "ignored:", "the", "generator", "before", "averaging"] in [
        line.split() for line in text.splitlines()
    ]
    assert load_weights(out).params["layer1"]["kernel"].max() == 2
    status, text, _ = run(capsys, path, out, "--inside", "generator", "--json")
    report = json.loads(text)
    assert (report["inside"], report["averaged"]) == (["generator"], False)
    assert load_weights(out).params["layer1"]["kernel"].max() == 1
    status, _, errors = run(capsys, path, out, "--inside", "netD")
    assert status == 1 and "netD is a discriminator by its name" in errors
    assert errors.endswith(
        "--inside KEY chooses another part of the file: generator, generator_ema, netD\n"
    )
    status, _, errors = run(capsys, path, out, "--inside", "nowhere.else")
    assert status == 1 and "there is nothing inside nowhere.else" in errors


def test_options_reach_the_family(capsys, tmp_path):
    out = tmp_path / "out"
    options = ("--option", "lod=1", "--option", "final_tanh=true", "--family", "pggan")
    assert run(capsys, GOLDEN / "pggan_genforce.pth", out, *options)[0] == 0
    assert load_weights(out).config["enlarge"] == 2
    assert load_weights(out).config["final_tanh"] is True


@pytest.mark.parametrize(
    "name, arguments, status, message",
    [
        ("evil.pth", (), 1, "io.open"),
        ("evil_nested.pkl", (), 1, "builtins.exec"),
        ("evil_persistent.pkl", (), 1, "unknown layout"),
        ("truncated.pth", (), 1, "truncated"),
        ("not_a_checkpoint.pth", (), 1, "not a checkpoint"),
        ("nowhere.pth", (), 1, "no such file"),
        ("dcgan.pth", ("--family", "pggan"), 1, "not a pggan checkpoint"),
        ("dcgan.pth", ("--option", "lod=1"), 2, "option lod"),
        ("dcgan.pth", ("--option", "lod"), 2, "KEY=VALUE"),
        ("pggan_genforce.pth", ("--option", "lod=1", "--option", "lod=2"), 2, "given twice"),
        ("dcgan.pth", ("--provenance", "sha256=0"), 2, "provenance sha256"),
        ("dcgan.pth", ("--family", "stylegan4"), 2, "stylegan4"),
        ("dcgan.pth", ("--nonsense",), 2, "nonsense"),
    ],
)
def test_failures(name, arguments, status, message, capsys, tmp_path):
    out = tmp_path / "out.safetensors"
    actual, text, errors = run(capsys, GOLDEN / name, out, *arguments)
    assert (actual, text) == (status, "")
    assert message in errors
    assert not list(tmp_path.iterdir())
    if status == 1:
        assert errors.count("\n") == 1 and name in errors


def test_mismatches_are_a_short_list(capsys, tmp_path):
    tree = {
        "layer0.conv.weight": tensor("0", 4, 0, (1, 1, 2, 2), (4, 4, 2, 1)),
        "odd\x1b[31m": tensor("0", 4, 0, (4,), (1,)),
    }
    path = write_zip(tmp_path / "x.pth", tree, {"0": bytes(16)})
    status, _, errors = run(capsys, path, tmp_path / "out")
    assert status == 1
    assert errors.splitlines()[0].endswith("the tensors do not fit the layout")
    assert "  unexpected: odd?[31m" in errors.splitlines()
    assert "  missing: layer0.wscale.bias" in errors.splitlines()


def test_the_input_is_never_overwritten(capsys, tmp_path):
    path = tmp_path / "x.pth"
    content = (GOLDEN / "dcgan.pth").read_bytes()
    path.write_bytes(content)
    (tmp_path / "link").symlink_to(path)
    for out in (path, tmp_path / "link", tmp_path / "." / "x.pth"):
        status, _, errors = run(capsys, path, out)
        assert status == 2 and "is the checkpoint itself" in errors
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "place, status, message",
    [("", 2, "is a folder"), ("nowhere/out.safetensors", 1, "cannot be written")],
)
def test_places_that_cannot_be_written(place, status, message, capsys, tmp_path):
    actual, _, errors = run(capsys, GOLDEN / "dcgan.pth", tmp_path / place)
    assert actual == status and message in errors


def test_a_failed_conversion_leaves_an_older_result_alone(capsys, tmp_path):
    out = tmp_path / "out.safetensors"
    out.write_text("older")
    assert run(capsys, GOLDEN / "truncated.pth", out)[0] == 1
    assert out.read_text() == "older"


def test_missing_arguments(capsys):
    assert run(capsys)[0] == 2
    assert run(capsys, "only-one.pth")[0] == 2


def test_help_has_an_example(capsys):
    status, text, _ = run(capsys, "--help")
    assert status == 0 and "Example: mgp-convert netG.pth mine.safetensors" in text
    for layouts in TABLE.values():
        for options in layouts.values():
            assert all(f"{name}" in text for name in options)


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from convert.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as exit: assert exit.code in (0, None)\n"
        "assert not {'jax', 'flax', 'numpy', 'torch'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--family" in done.stdout and "Exit status" in done.stdout


def test_the_module_runs_as_a_program():
    command = [sys.executable, "-m", "convert", str(GOLDEN / "nowhere.pth"), "out"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("mgp-convert: ") and done.stderr.count("\n") == 1


def test_the_hand_written_pickles_are_pickles():
    import pickle

    value = {"a": [1, 2.5, None, True, "text", b"bytes", (1,)], 3: -(2**70)}
    assert pickle.loads(pickled(value)) == value
    assert encode(())
