"""The bundled MobileStyleGAN against what OpenVINO computes of the files it comes from.

The arrays are described in tests/data/golden/README.md: every 16th channel of the maps, parts of
the images. The bundled file holds 16 bits a number, so its images are compared by PSNR. With the
package that it comes from in the folder MGP_JAX_SOURCES, every stage is compared in float32.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np
import pytest

from convert.bundled import RANDOM_FACE
from convert.conversion import convert_file
from mgp_jax.generators import Generator, load_generator

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "mobile_stylegan_random_face.npz"
EDGES = (0, 480, 960)


@pytest.fixture(scope="module")
def arrays() -> Mapping[str, np.ndarray]:
    with np.load(GOLDEN) as stored:
        return dict(stored)


@jax.jit
def run(generator: Generator, z: jax.Array) -> dict:
    """Returns what every stage makes of one code, and its image."""
    x, made = z, {}
    for k, name in enumerate(generator.stages):
        x = made[name] = generator.apply(generator.params, x, k, k + 1)
    return made


def parts(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns what is stored of an image: means of 32 x 32 pixels, and three places of it."""
    small = image.reshape(32, 32, 32, 32, 3).mean((1, 3))
    return small, np.stack([image[edge:, edge:][:24, :24] for edge in EDGES])


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(4 / np.mean(np.square(one - other))))


def test_the_bundled_file_draws_the_same_faces(arrays: Mapping[str, np.ndarray]):
    generator = load_generator("faces1024")
    for code, small, crops in zip(arrays["z"], arrays["image32"], arrays["crops"], strict=True):
        made = run(generator, code[None])
        mine = parts(np.asarray(made["to_rgb"])[0])
        assert psnr(mine[0], small) > 70
        assert psnr(mine[1], crops) > 65


@pytest.mark.skipif(
    not (Path(os.environ.get("MGP_JAX_SOURCES", "/nowhere")) / RANDOM_FACE.file).exists(),
    reason=f"needs {RANDOM_FACE.title} in the folder MGP_JAX_SOURCES",
)
def test_every_stage_of_the_original(arrays: Mapping[str, np.ndarray], tmp_path: Path):
    conversion = convert_file(Path(os.environ["MGP_JAX_SOURCES"]) / RANDOM_FACE.file)
    conversion.save(tmp_path / "original.safetensors")
    generator = load_generator(tmp_path / "original.safetensors")

    def check(mine, expected: np.ndarray, most: float, what: str):
        error = np.abs(np.asarray(mine) - expected).max()
        assert error <= 1e-4 * max(1, most), f"{what}: off by {error}"

    with jax.default_matmul_precision("highest"):
        first = run(generator, arrays["z"][:1])
        for k in range(8):
            maps = np.asarray(first[f"layer{2 * k}"].maps)[0]
            step = max(1, len(maps) // 16)
            most = float(arrays[f"stage{k}_max"])
            check(maps[::step, ::step, ::16], arrays[f"stage{k}"], most, f"stage{k}")
            check(np.abs(maps).mean(), arrays[f"stage{k}_meanabs"], 1, f"mean of stage{k}")
        for i, code in enumerate(arrays["z"]):
            made = run(generator, code[None])
            check(made["mapping"][0], arrays["w"][i], np.abs(arrays["w"]).max(), "w")
            mine = parts(np.asarray(made["to_rgb"])[0])
            for part, key in zip(mine, ("image32", "crops"), strict=True):
                check(part, arrays[key][i], np.abs(arrays[key]).max(), f"{key} {i}")
