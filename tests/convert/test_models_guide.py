"""The page about models names every layout, option and unsupported network that there is."""

import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from convert.conversion import Request, convert_bytes
from convert.detect import LAYOUTS, UNSUPPORTED
from mgp_jax.generators import SequentialConfig

GUIDE = (Path(__file__).parents[2] / "notebooks" / "guides" / "models.md").read_text()


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_layout_and_options_are_named(layout):
    assert layout.family in GUIDE.lower()
    assert layout.name.lower() in GUIDE.lower()
    for option in layout.options:
        assert f"`{option}`" in GUIDE or f"--option {option}=" in GUIDE


@pytest.mark.parametrize("name", ["StyleGAN3", "resnet", "constant input", "class-conditional"])
def test_what_is_not_supported_is_named(name):
    assert any(name in unsupported for unsupported, _, _ in UNSUPPORTED)
    assert name in GUIDE


def trained_by_the_guide() -> bytes:
    """What the guide's example of code would save."""
    code = re.findall(r"nn\.(?!Sequential)(\w+)\(([^)]*)\)", GUIDE)
    start = next(k for k, (kind, _) in enumerate(code) if kind == "ConvTranspose2d")
    tensors = {}
    for number, (kind, settings) in enumerate(code[start : start + 11]):
        numbers = [int(text) for text in re.findall(r"\b(\d+)(?=,|$)", settings)]
        if kind == "ConvTranspose2d":
            shape = (*numbers[:2], numbers[2], numbers[2])
            tensors[f"main.{number}.weight"] = np.full(shape, 0.01, np.float32)
        elif kind == "BatchNorm2d":
            for name in ("weight", "bias", "running_mean", "running_var"):
                tensors[f"main.{number}.{name}"] = np.ones(numbers[0], np.float32)
    return save(tensors)


def test_the_example_of_what_a_file_does_not_show():
    data = trained_by_the_guide()
    assumed = convert_bytes(data, "G.safetensors").assumed
    line = ", ".join(f"{name} {value}" for name, value in assumed.items())
    assert f"    assumed: {line}\n" in GUIDE
    (command,) = re.findall(r"mgp-convert G\.pth .*", GUIDE)
    options = dict(re.findall(r"--option (\w+)=(\S+)", command))
    assert options.keys() < assumed.keys() and len(options) == 4
    made = convert_bytes(data, "G.safetensors", Request(options=options))
    config = SequentialConfig(**made.converted.config)
    assert (config.resolution, config.image_channels, config.output) == (28, 1, "sigmoid")
