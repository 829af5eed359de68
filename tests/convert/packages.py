"""Checkpoints of well-known packages: names, shapes, a rule for the weights, and what came out.

A fixture `tests/data/packages/NAME.npz` holds the names and shapes of a state dict and a few of the
numbers that the package itself computed with weights made by the rule below. `make_packages.py`
makes them, and says which package and version it was; tests need neither the package nor PyTorch.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from checkpoints import tensor, write_zip

FOLDER = Path(__file__).parents[1] / "data" / "packages"
FILTERS = {"kernel": np.outer((1, 3, 3, 1), (1, 3, 3, 1)) / 16, "f": np.array((1, 2, 1))}
PICKED = 96  # numbers of a map


class Fixture(NamedTuple):
    """What a package computed.

    Attributes:
        about: package, version, settings.
        tensors: the state dict.
        z: latent codes float[N, D].
        maps: numbers picked from each map, by label if there are several.
    """

    about: Mapping[str, Any]
    tensors: Mapping[str, np.ndarray]
    z: np.ndarray
    maps: Mapping[int, np.ndarray]


def weights(shapes: Mapping[str, tuple[int, ...]], equalised: bool) -> dict[str, np.ndarray]:
    """Returns the weights of the rule: the same everywhere, and nothing is zero or one."""
    made: dict[str, np.ndarray] = {}
    for name, shape in shapes.items():
        source = np.random.RandomState(zlib.crc32(name.encode()))
        normal = source.standard_normal(tuple(shape))
        *_, last = name.split(".")
        if last in FILTERS:
            value = FILTERS[last]
        elif last == "dct_weights":
            value = cosines(*shape[1:])
        elif last == "num_batches_tracked":
            value = 0
        elif "running_var" in last:
            value = 0.5 + normal**2
        elif len(shape) == 1 and "weight" in last:
            value = 1 + 0.3 * normal
        elif len(shape) < 2 or last == "bias":
            value = 0.2 + 0.2 * normal
        elif equalised:
            value = normal * (100 if name.startswith("mapping") else 1)
        else:
            # Mapping networks of stylegan2_pytorch multiply by 0.1 when they run.
            gain = 14 if name.startswith(("S.", "SE.")) else 1.4
            value = gain * normal / np.prod(shape[1:]) ** 0.5
        made[name] = np.asarray(value, np.int64 if last == "num_batches_tracked" else np.float32)
    for name in [name for name in made if name.endswith("weight_orig")]:
        stem = name.removesuffix("orig")
        matrix = made[name].reshape(len(made[name]), -1).astype(np.float64)
        left, _, right = np.linalg.svd(matrix, full_matrices=False)
        sign = np.sign(left[0, 0])
        made[f"{stem}u"] = (sign * left[:, 0]).astype(np.float32)
        made[f"{stem}v"] = (sign * right[0]).astype(np.float32)
    return made


def cosines(channels: int, height: int, width: int) -> np.ndarray:
    """Returns the constants of lightweight_gan for sums by frequency, float[1, C, H, W]."""
    made = np.zeros((1, channels, height, width))
    for channel in range(channels // 16 * 16):
        group = channel // (channels // 16)
        frequencies = (0, group) if group < 8 else (group - 8, 0)
        waves = (
            np.cos(np.pi * k * (np.arange(size) + 0.5) / size)
            for k, size in zip(frequencies, (height, width), strict=True)
        )
        made[0, channel] = np.outer(*(wave / np.linalg.norm(wave) for wave in waves))
    return made


def write_fixture(
    name: str, folder: Path, wrap: Callable[[dict[str, Any]], Any] = lambda state: state
) -> Path:
    """Writes the state dict of a fixture, in what its training wraps it, as PyTorch does."""
    tree: dict[str, Any] = {}
    storages: dict[str, bytes] = {}
    for key, value in read_fixture(name).tensors.items():
        kind = "LongStorage" if value.dtype == np.int64 else "FloatStorage"
        strides = tuple(stride // value.itemsize for stride in value.strides)
        tree[key] = tensor(key, value.size, 0, value.shape, strides, kind)
        storages[key] = value.tobytes()
    return write_zip(folder / f"{name}.pth", wrap(tree), storages)


def pick(maps: np.ndarray) -> np.ndarray:
    """Returns some numbers of maps float[N, H, W, C], from everywhere."""
    flat = np.ravel(maps)
    return flat[np.arange(PICKED) * 7919 % flat.size].astype(np.float32)


def read_fixture(name: str) -> Fixture:
    """Reads a fixture and makes its weights."""
    with np.load(FOLDER / f"{name}.npz") as arrays:
        about = json.loads(bytes(arrays["about"]))
        maps = {int(key[4:]): arrays[key] for key in arrays.files if key.startswith("maps")}
        z = arrays["z"]
    return Fixture(about, weights(about["shapes"], about["equalised"]), z, maps)
