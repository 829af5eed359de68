"""Stacks of layers: every fixture against its own network's outputs, and what is said about them.

The fixtures are described in tests/data/golden/README.md, section 14. Names and wrappers are made
from them here, by other names for the same tensors.
"""

from pathlib import Path

import numpy as np
import pytest
from stacks import STACKS

from convert.conversion import Request, convert_file
from mgp_jax.errors import CheckpointError, SettingError
from mgp_jax.generators import generate, load_generator

STRIDES, PADDINGS = {"strides": "1,2,2,2,1"}, {"paddings": "0,1,1,1,1"}

# Name, the options of its name, and the family that it is.
CONVERTED: tuple[tuple[str, dict[str, str], str], ...] = (
    ("act_before_bn", {}, "sequential"),
    ("bn_noaffine", {}, "dcgan"),
    ("eps08", {"epsilon": "0.8"}, "dcgan"),
    ("equal_ch_upconv4", {"upsample": "nearest"}, "sequential"),
    ("groupnorm", {"norm": "group:4"}, "sequential"),
    ("half", {}, "dcgan"),
    ("lastbn", {}, "sequential"),
    ("leaky", {"activation": "leaky_relu:0.2"}, "sequential"),
    ("mnist7", {}, "sequential"),
    ("module_in_wrap", {}, "dcgan"),
    ("nonorm", {}, "sequential"),
    ("notanh", {"output": "none"}, "sequential"),
    ("pad3_28px", {"paddings": "0,1,1,3"}, "sequential"),
    ("sigmoid", {"output": "sigmoid"}, "sequential"),
    ("specnorm_old", {}, "dcgan"),
    ("tail1x1_pad2", {}, "sequential"),
    ("tail3x3", {**STRIDES, **PADDINGS}, "sequential"),
    ("whole_leaky", {}, "sequential"),
)
# These outputs are of the network before its weights were rounded to half precision.
ROUNDED = {"half": 5e-3}

REFUSED: tuple[tuple[str, dict[str, str], str], ...] = (
    ("bn_notrack", {}, "main.1 is a norm without statistics"),
    ("bn_notrack", {"norm": "batch"}, "an image would depend on others"),
    ("nc2", {}, "images of 2 channels"),
    ("one_layer", {}, "one layer only"),
    ("n_two_wrap", {}, "one layer only.*--inside KEY .*: generator, g_optimizer"),
    ("tutorial_D", {}, "a discriminator"),
    ("n_optimizer", {}, "state of an optimiser"),
    ("n_fastgan", {}, "FastGAN.*--inside"),
    ("n_aladdin_progan", {}, "aladdinpersson's ProGAN"),
    ("tail3x3", {}, "main.12 has a kernel of 3 x 3.*--option strides.*main.0, .*main.12"),
)


def images_of(path: Path, options: dict[str, str], z: np.ndarray, folder: Path) -> np.ndarray:
    convert_file(path, Request(options=options)).save(folder / "w.safetensors")
    return generate(load_generator(folder / "w.safetensors"), z)


@pytest.mark.parametrize("name, options, family", CONVERTED, ids=[case[0] for case in CONVERTED])
def test_images_are_those_of_the_original(name, options, family, tmp_path):
    conversion = convert_file(STACKS / f"{name}.pth", Request(options=options))
    assert conversion.family == family
    with np.load(STACKS / f"{name}.npz") as arrays:
        z, y = arrays["z"], arrays["y"]
    made = images_of(STACKS / f"{name}.pth", options, z, tmp_path)
    expected = 2 * y - 1 if options.get("output") == "sigmoid" else y
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() <= ROUNDED.get(name, 1e-4)


@pytest.mark.parametrize("name, options, message", REFUSED)
def test_what_is_no_generator_of_the_kind_is_refused(name, options, message):
    with pytest.raises(CheckpointError, match=message) as caught:
        convert_file(STACKS / f"{name}.pth", Request(options=options))
    assert "\n" not in str(caught.value)


# For every option a file in which the assumption is wrong, and what the line says.
ASSUMPTIONS = (
    ("leaky", {}, {"activation": "relu"}),
    ("sigmoid", {}, {"output": "tanh"}),
    ("notanh", {}, {"output": "tanh"}),
    ("eps08", {}, {"epsilon": "1e-5"}),
    ("pad3_28px", {}, {"paddings": "0,1,1,1", "strides": "1,2,2,2"}),
    ("tail1x1_pad2", {"paddings": "0,1,1,1,0"}, {"strides": "1,2,2,2,1"}),
    ("equal_ch_upconv4", {}, {"strides": "1,2,2", "main.4": "a transposed convolution"}),
    ("groupnorm", {"norm": "group:2"}, {"epsilon": "1e-5"}),
)


@pytest.mark.parametrize("name, options, said", ASSUMPTIONS, ids=[case[0] for case in ASSUMPTIONS])
def test_a_wrong_assumption_is_said(name, options, said, tmp_path):
    conversion = convert_file(STACKS / f"{name}.pth", Request(options=options))
    assert said.items() <= conversion.assumed.items()
    assert conversion.assumed["latent"] == "normal"
    with np.load(STACKS / f"{name}.npz") as arrays:
        z, y = arrays["z"], arrays["y"]
    made = images_of(STACKS / f"{name}.pth", options, z, tmp_path)
    expected = 2 * y - 1 if name == "sigmoid" else y
    assert made.shape != expected.shape or np.abs(made - expected).max() > 0.01


def test_what_is_said_is_not_assumed():
    options = {
        "activation": "leaky_relu:0.2",
        "output": "none",
        "strides": "1,2,2,2",
        "paddings": "0,1,1,1",
        "epsilon": "0.5",
        "latent": "uniform",
        "order": "norm_first",
    }
    conversion = convert_file(STACKS / "leaky.pth", Request(options=options))
    assert conversion.assumed == {}
    assert conversion.converted.config["latent"] == "uniform"
    assert conversion.converted.config["output"] == "none"


def test_modules_as_objects_show_all_but_the_latent_code():
    conversion = convert_file(STACKS / "whole_leaky.pth")
    assert conversion.assumed == {"latent": "normal"}
    layers = conversion.converted.config["layers"]
    assert {"kind": "activation", "name": "leaky_relu", "parameter": 0.2} in layers
    for option in ({"activation": "relu"}, {"strides": "1,2,2,2"}, {"output": "none"}):
        with pytest.raises(SettingError, match=f"option {next(iter(option))}: the file itself"):
            convert_file(STACKS / "whole_leaky.pth", Request(options=option))


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("leaky", {"activation": "swish"}, "choose from relu"),
        ("leaky", {"activation": "leaky_relu:steep"}, "steep is no number"),
        ("leaky", {"activation": "relu,relu"}, "2 values, this file has 3"),
        ("leaky", {"output": "softmax"}, "choose from tanh"),
        ("leaky", {"strides": "1,2,2"}, "3 values, this file has 4"),
        ("leaky", {"strides": "0,2,2,2"}, "whole numbers >= 1"),
        ("leaky", {"paddings": "0,1,1,-1"}, "whole numbers >= 0"),
        ("leaky", {"paddings": "half"}, "whole numbers >= 0"),
        ("leaky", {"epsilon": "-1"}, "numbers >= 0"),
        ("leaky", {"epsilon": "1e-5,1e-5"}, "2 values, this file has 3"),
        ("leaky", {"norm": "group:0"}, "choose from batch, instance"),
        ("leaky", {"norm": "group:4"}, "which group norm does not keep"),
        ("leaky", {"norm": "none"}, "main.1 is a norm"),
        ("leaky", {"upsample": "nearest"}, "no room"),
        ("leaky", {"upsample": "bicubic"}, "choose from nearest"),
        ("leaky", {"latent": "beta"}, "choose from normal"),
        ("leaky", {"order": "reverse"}, "choose from norm_first"),
        ("nonorm", {"epsilon": "0.1"}, "has no norms"),
        ("nonorm", {"norm": "batch"}, "has no norms"),
    ],
)
def test_options_out_of_range(name, options, message):
    with pytest.raises(SettingError, match=message):
        convert_file(STACKS / f"{name}.pth", Request(options=options))


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("leaky", {"paddings": "2,1,1,1"}, "makes a map of"),
        ("leaky", {"strides": "1,1024,1024,1024", "paddings": "0"}, "makes a map of"),
        ("groupnorm", {"norm": "group:5"}, "32 channels in 5 groups"),
    ],
)
def test_options_that_the_file_does_not_bear(name, options, message):
    with pytest.raises(CheckpointError, match=message):
        convert_file(STACKS / f"{name}.pth", Request(options=options))
