"""The weights file."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from mgp_jax.errors import WeightsError
from mgp_jax.generators import DCGANConfig, load_generator, load_weights, random_generator
from mgp_jax.generators import save_weights as save
from mgp_jax.generators.weights import flatten, unflatten

CONFIG = {"latent_size": 8, "channels": [8, 4], "image_channels": 3}


@pytest.fixture(scope="module")
def params():
    return random_generator(DCGANConfig(8, (8, 4))).params


def write(path, params, config=CONFIG, family="dcgan"):
    save(path, family, config, params, {"source": "here"}, "CC0")
    return path


def test_what_is_saved_is_loaded(tmp_path, params):
    weights = load_weights(write(tmp_path / "a.safetensors", params))
    assert (weights.family, weights.config, weights.licence) == ("dcgan", CONFIG, "CC0")
    assert weights.provenance == {"source": "here"}
    for name, value in flatten(params).items():
        np.testing.assert_array_equal(flatten(weights.params)[name], value)
    generator = load_generator(tmp_path / "a.safetensors")
    assert (generator.name, generator.resolution) == ("a", 16)


def test_the_same_content_gives_the_same_bytes(tmp_path, params):
    first = write(tmp_path / "a.safetensors", params).read_bytes()
    backwards = unflatten(dict(reversed(flatten(params).items())))
    assert write(tmp_path / "b.safetensors", backwards).read_bytes() == first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer1.bias": None}, "layer1.bias missing"),
        ({"layer9.bias": np.zeros(3)}, "layer9.bias unexpected"),
        ({"layer1.bias": np.zeros(5)}, r"layer1.bias is \[5\], should be \[4\]"),
    ],
)
def test_parameters_that_do_not_fit_are_named(tmp_path, params, change, message):
    changed = {k: v for k, v in (flatten(params) | change).items() if v is not None}
    with pytest.raises(WeightsError, match=message):
        load_generator(write(tmp_path / "a.safetensors", unflatten(changed)))


def test_other_files_are_refused_in_one_line(tmp_path, params):
    foreign, text, new = (tmp_path / f"{n}.safetensors" for n in ("foreign", "text", "new"))
    save_file({"x": np.zeros(3, np.float32)}, foreign)
    text.write_text("hello")
    save_file({"x": np.zeros(3, np.float32)}, new, {"mgp_jax": json.dumps({"format": 99})})
    cases = {
        foreign: "not written by mgp-convert",
        text: "not a readable weights file",
        new: "format 99",
        tmp_path / "missing.safetensors": "no such file",
        write(tmp_path / "vgg.safetensors", params, family="vgg16"): "not a generator",
        write(
            tmp_path / "odd.safetensors", params, {**CONFIG, "depth": 3}
        ): "unknown settings depth",
    }
    for path, message in cases.items():
        with pytest.raises(WeightsError, match=message) as caught:
            load_generator(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_an_unknown_name_lists_the_bundled_ones():
    with pytest.raises(WeightsError, match=r"nonsense: neither a file nor .*\(faces64\)"):
        load_generator("nonsense")
