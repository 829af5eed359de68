"""The weights file: what goes in comes out, and what is no weights file says so in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from networks import write_generator
from safetensors import safe_open
from safetensors.numpy import save_file

from mgp_jax.errors import WeightsError
from mgp_jax.generators import Generator, load_generator, load_weights, make_generator, save_weights
from mgp_jax.generators.weights import FORMAT, flatten, unflatten

PARAMS = {
    "layer0": {"kernel": np.arange(6.0).reshape(2, 3), "bias": np.zeros(3)},
    "layer1": {"style": {"bias": np.ones(2, np.float16)}},
    "scale": np.float32(2),
}
CONFIG = {"latent_size": 4, "channels": [8, 4], "blend": 0.5, "name": "ä", "tanh": True}


def write(path: Path) -> Path:
    save_weights(path, "dcgan", CONFIG, PARAMS, {"source": "here", "note": "ü"}, "CC0-1.0")
    return path


def test_what_goes_in_comes_out(tmp_path: Path):
    weights = load_weights(write(tmp_path / "a.safetensors"))
    assert (weights.family, weights.config, weights.licence) == ("dcgan", CONFIG, "CC0-1.0")
    assert weights.provenance == {"source": "here", "note": "ü"}
    assert weights.params.keys() == PARAMS.keys()
    for name, array in flatten(PARAMS).items():
        mine = flatten(weights.params)[name]
        assert mine.dtype == np.float32
        np.testing.assert_array_equal(mine, array)


def test_it_is_an_ordinary_safetensors_file(tmp_path: Path):
    with safe_open(str(write(tmp_path / "a.safetensors")), framework="numpy") as file:
        assert set(file.keys()) == {
            *("layer0.kernel", "layer0.bias", "layer1.style.bias", "scale"),
        }
        header = json.loads(file.metadata()["mgp_jax"])
    assert header["format"] == FORMAT and header["family"] == "dcgan"


def test_the_same_content_gives_the_same_bytes(tmp_path: Path):
    one = write(tmp_path / "one").read_bytes()
    other = dict(reversed(PARAMS.items()))
    config = dict(reversed(CONFIG.items()))
    provenance = {"note": "ü", "source": "here"}
    save_weights(tmp_path / "two", "dcgan", config, other, provenance, "CC0-1.0")
    assert (tmp_path / "two").read_bytes() == one
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one", "two"]


def test_arrays_of_any_layout_are_stored_as_they_look(tmp_path: Path):
    array = np.arange(24.0).reshape(2, 3, 4)
    odd = {"a": array.transpose(2, 0, 1), "b": array[:, ::-1], "c": array[..., 1:3]}
    save_weights(tmp_path / "w", "dcgan", {}, {**odd, "d": jax.numpy.asarray(array)}, {}, "")
    params = load_weights(tmp_path / "w").params
    for name, expected in {**odd, "d": array}.items():
        np.testing.assert_array_equal(params[name], expected)


def test_half_precision_takes_half_the_space(tmp_path: Path):
    random = np.random.default_rng(0)
    # Channels of very different size, one of them empty; a bias stays as it is.
    kernel = random.normal(size=(3, 3, 8, 5)) * np.array([1e-3, 1, 50, 0, 1])
    params = {"layer": {"kernel": kernel, "bias": random.normal(size=5), "scale": np.array(3.0)}}
    files = {half: tmp_path / f"half {half}" for half in (False, True)}
    for half, file in files.items():
        save_weights(file, "dcgan", {}, params, {}, "", half)
    saved = files[False].stat().st_size - files[True].stat().st_size
    assert 2 * kernel.size - 200 < saved < 2 * kernel.size
    full, loaded = (load_weights(file).params for file in files.values())
    assert jax.tree.structure(loaded) == jax.tree.structure(full)
    for mine, value in zip(jax.tree.leaves(loaded), jax.tree.leaves(full), strict=True):
        most = np.abs(value).max(tuple(range(value.ndim - 1)))
        assert mine.dtype == np.float32
        assert np.all(np.abs(mine - value) <= 0.51 * most / 32767)
    np.testing.assert_array_equal(loaded["layer"]["bias"], full["layer"]["bias"])


def test_flattening_can_be_undone():
    flat = flatten(PARAMS)
    assert list(flat) == ["layer0.kernel", "layer0.bias", "layer1.style.bias", "scale"]
    assert jax.tree.structure(unflatten(flat)) == jax.tree.structure(PARAMS)


def test_a_generator_comes_back(tiny: Generator, tmp_path: Path):
    loaded = load_generator(write_generator(tmp_path / "some.name.safetensors", tiny))
    assert (loaded.name, loaded.family, loaded.config) == ("some.name", "dcgan", tiny.config)
    assert dict(loaded.provenance) == {"from": "a test"} and loaded.licence == "CC0-1.0"
    assert loaded.graph == tiny.graph
    jax.tree.map(np.testing.assert_array_equal, loaded.params, dict(tiny.params))


def without_metadata(path: Path) -> None:
    save_file({"a": np.zeros(1, np.float32)}, path)


def with_header(**change: Any) -> Callable[[Path], None]:
    """Writes a file whose header differs; None leaves an entry out."""

    def spoil(path: Path) -> None:
        with safe_open(str(path), framework="numpy") as file:
            header = json.loads(file.metadata()["mgp_jax"]) | change
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = {k: v for k, v in header.items() if v is not None}
        save_file(tensors, path, {"mgp_jax": json.dumps(header)})

    return spoil


def with_tensors(change: Callable[[dict[str, np.ndarray]], None]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        change(tensors)
        save_file(tensors, path, metadata)

    return spoil


def several_wrong(tensors: dict[str, np.ndarray]) -> None:
    del tensors["layer0.bias"]
    tensors["layer1.kernel"] = tensors["layer1.kernel"][1:]
    tensors["layer9.kernel"] = np.zeros(1, np.float32)


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (Path.unlink, "no such file"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "not a readable weights file"),
    "empty": (lambda path: path.write_bytes(b""), "not a readable weights file"),
    "text": (lambda path: path.write_text("Dear all,\n" * 9), "not a readable weights file"),
    "noise": (
        lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)),
        "not a readable weights file",
    ),
    "truncated": (
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        "not a readable weights file",
    ),
    "no metadata": (without_metadata, "not written by mgp-convert"),
    "metadata of something else": (
        lambda path: save_file({"a": np.zeros(1, np.float32)}, path, {"mgp_jax": "[1]"}),
        "not written by mgp-convert",
    ),
    "damaged metadata": (
        lambda path: save_file({"a": np.zeros(1, np.float32)}, path, {"mgp_jax": "{"}),
        "not a readable weights file",
    ),
    "newer": (with_header(format=FORMAT + 1), f"format {FORMAT + 1}, this version reads {FORMAT}"),
    "no family": (with_header(family=None), "family"),
    "no configuration": (with_header(config=None), "config"),
    "another family": (with_header(family="vgg16"), "holds vgg16 weights, not a generator"),
    "unknown setting": (
        with_header(config={"latent_size": 8, "channels": [8, 8, 4], "colour": 1}),
        "unknown settings colour",
    ),
    "missing setting": (with_header(config={"latent_size": 8}), "required field `channels`"),
    "a setting of another type": (
        with_header(config={"latent_size": "8", "channels": [8, 8, 4]}),
        r"settings of dcgan: Expected `int`, got `str` - at `\$.latent_size`",
    ),
    "another size": (
        with_header(config={"latent_size": 9, "channels": [8, 8, 4]}),
        r"layer0.kernel is \[4, 4, 8, 8\], should be \[4, 4, 9, 8\]",
    ),
    "units of another size": (
        with_tensors(lambda tensors: tensors.update({"layer0.kernel:unit": np.ones(9, "f4")})),
        "not a readable weights file",
    ),
    "several tensors": (
        with_tensors(several_wrong),
        r"layer0.bias missing; layer9.kernel unexpected; layer1.kernel is \[3, 4, 8, 8\]",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_generator_is_refused_in_one_line(tiny: Generator, tmp_path: Path, name: str):
    spoil, message = BROKEN[name]
    path = write_generator(tmp_path / "broken.safetensors", tiny)
    spoil(path)
    with pytest.raises(WeightsError, match=message) as caught:
        load_generator(path)
    text = str(caught.value)
    assert "\n" not in text and "broken" in text


def test_unknown_names_are_explained():
    with pytest.raises(WeightsError, match=r"faces46: neither a file nor a bundled .*faces64"):
        load_generator("faces46")


def test_making_a_generator_names_everything_that_is_wrong(tiny: Generator):
    several = flatten(tiny.params)
    several_wrong(several)
    with pytest.raises(WeightsError) as caught:
        make_generator("dcgan", tiny.config, unflatten(several), name="mine")
    start = "mine: layer0.bias missing; layer9.kernel unexpected; layer1.kernel is [3, 4, 8, 8], "
    assert str(caught.value).startswith(start)
