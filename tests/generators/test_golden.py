"""Every stage of converted generators against what the original PyTorch code computed.

The arrays are described in tests/data/golden/README.md. All comparisons are in float32 at the
highest matrix-product precision, within 1e-4 * max(1, max|golden|).
"""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np
import pytest

from convert.conversion import Request, convert_file
from mgp_jax.codes import compose
from mgp_jax.generators import Features, Generator, load_generator
from mgp_jax.generators.layers import pixel_norm

GOLDEN = Path(__file__).parents[1] / "data" / "golden"

FIXTURES = (
    "dcgan",
    "pggan_mganprior",
    "pggan_mganprior_fused",
    "pggan_mganprior_legacyfile",
    "pggan_genforce",
    "pggan_genforce_fused",
    "pgan_ganzoo",
    "pgan_ganzoo_tanh",
)
LEVELS_OF_DETAIL = {"image_lod_1": "1", "image_lod_2": "2", "image_lod_0p25": "0.25"}


@pytest.fixture(autouse=True)
def highest_precision():
    with jax.default_matmul_precision("highest"):
        yield


@pytest.fixture(scope="module")
def generator_of(tmp_path_factory: pytest.TempPathFactory):
    """Converts a fixture, writes the weights file and loads it, once for each set of options."""
    folder = tmp_path_factory.mktemp("converted")

    @functools.cache
    def make(name: str, lod: str = "") -> Generator:
        path = folder / f"{name}{lod}.safetensors"
        request = Request(options={"lod": lod} if lod else {})
        convert_file(GOLDEN / f"{name}.pth", request).save(path)
        # Equal networks share one compiled program if only their arrays differ.
        return dataclasses.replace(load_generator(path), name=lod or "full", provenance=())

    return make


def golden(name: str) -> Mapping[str, np.ndarray]:
    name = name.removesuffix("_legacyfile")  # the same network in another container
    with np.load(GOLDEN / f"{name}.npz") as arrays:
        return dict(arrays)


def assert_close(mine, nchw: np.ndarray, what: str):
    mine = mine.maps if isinstance(mine, Features) else mine
    mine = np.moveaxis(np.asarray(mine), -1, 1)[: len(nchw)]
    assert mine.shape == nchw.shape, what
    error = np.abs(mine - nchw).max()
    assert error <= 1e-4 * max(1, np.abs(nchw).max()), f"{what}: off by {error}"


@jax.jit
def run_stages(generator: Generator, z: jax.Array) -> list:
    """Returns what every stage makes."""
    made = []
    x = z
    for k in range(len(generator.stages)):
        x = generator.apply(generator.params, x, k, k + 1)
        made.append(x)
    return made


@jax.jit
def compose_everywhere(generator: Generator, z: jax.Array, alphas: list) -> list:
    """Returns the image of several codes composed at each cut in turn."""
    images = []
    for cut, alpha in enumerate(alphas):
        maps = generator.apply(generator.params, z, 0, cut)
        # The published code divides by the number of codes, although alpha starts at 1/n already.
        composed = compose(maps, alpha) / len(z)
        images.append(generator.apply(generator.params, composed[None], cut))
    return images


@pytest.mark.parametrize("name", FIXTURES)
def test_every_stage(name, generator_of):
    arrays = golden(name)
    generator = generator_of(name)
    made = run_stages(generator, arrays["z"])
    features = [key for key in arrays if key.startswith("feat_")]
    assert len(features) == len(made) - 1
    for key in features:
        assert_close(made[int(key.removeprefix("feat_"))], arrays[key], key)
    for key in (key for key in arrays if key.startswith("featn_")):
        assert_close(pixel_norm(made[int(key.removeprefix("featn_"))]), arrays[key], key)
    assert_close(made[-1], arrays["image"], "image")


@pytest.mark.parametrize("key", LEVELS_OF_DETAIL)
@pytest.mark.parametrize("name", ["pggan_genforce", "pggan_genforce_fused"])
def test_level_of_detail(name, key, generator_of):
    arrays = golden(name)
    generator = generator_of(name, LEVELS_OF_DETAIL[key])
    image = run_stages(generator, arrays["z"][:1])[-1]
    assert_close(image, arrays[key], key)
    assert generator.resolution == arrays[key].shape[-1]


@pytest.mark.parametrize(
    "name", ["pggan_mganprior", "pggan_mganprior_fused", "pggan_mganprior_legacyfile"]
)
def test_multi_code_composition_at_every_layer(name, generator_of):
    arrays = golden(name)
    generator = generator_of(name)
    cuts = range(len(generator.stages) + 1)
    alphas = [arrays[f"mz_alpha_{cut}"][0] for cut in cuts]
    images = compose_everywhere(generator, arrays["mz_z"][0], alphas)
    for cut in cuts:
        assert_close(images[cut], arrays[f"mz_image_{cut}"], f"composing layer {cut}")


def test_the_bundled_faces():
    arrays = golden("dcgan_face_real")
    generator = load_generator("faces64")
    made = run_stages(generator, arrays["z"])
    for k, features in enumerate(made[:-1]):
        assert_close(features.mean((1, 2)), arrays[f"featmean_{k}"], f"featmean_{k}")
        rms = (features**2).mean((1, 2)) ** 0.5
        assert_close(rms, arrays[f"featrms_{k}"], f"featrms_{k}")
        if f"feat_{k}" in arrays:
            # Of every eighth channel, to keep the file small.
            assert_close(features[:1, ..., ::8], arrays[f"feat_{k}"], f"feat_{k}")
    assert_close(made[-1], arrays["image"], "image")
