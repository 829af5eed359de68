"""The weights file: one `.safetensors` with configuration, provenance and licence in its metadata.

Parameters are float32 arrays under dotted names (`layer0.kernel`). To take half the space, those of
several axes may be stored as 16-bit integers, with a unit for every index of the last axis beside
them (`layer0.kernel:unit`): images then keep 8 to 20 dB more than with float16, whose 11 bits the
eight layers of a mapping network blur too much. They are float32 again when read. The metadata has
the single entry `mgp_jax`, a JSON object, because the order of several entries is not
deterministic.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mgp_jax.errors import WeightsError
from mgp_jax.files import replacing

FORMAT = 1
UNIT = ":unit"
LARGEST = 2**15 - 1
HEADER = ("family", "config", "provenance", "licence")


@dataclass(frozen=True)
class Weights:
    """The content of a weights file.

    Attributes:
        family: what the weights are for, for example `dcgan` or `vgg16`.
        config: fields of the family's configuration.
        params: nested dictionaries of float32 arrays.
        provenance: where the weights come from, as free text by topic.
        licence: licence of the weights.
    """

    family: str
    config: Mapping[str, Any]
    params: Mapping[str, Any]
    provenance: Mapping[str, str]
    licence: str


def save_weights(
    path: str | os.PathLike[str],
    family: str,
    config: Mapping[str, Any],
    params: Mapping[str, Any],
    provenance: Mapping[str, str],
    licence: str,
    half: bool = False,
) -> None:
    """Writes a weights file, atomically; the same content gives the same bytes.

    Args:
        path: file to write.
        family: what the weights are for.
        config: fields of the family's configuration, JSON values.
        params: nested dictionaries of arrays, stored as float32.
        provenance: where the weights come from, as free text by topic.
        licence: licence of the weights.
        half: store arrays of several axes in half precision, 16 bits a number.
    """
    header = {
        "format": FORMAT,
        "family": family,
        "config": dict(config),
        "provenance": dict(provenance),
        "licence": licence,
    }
    tensors = {
        name: np.ascontiguousarray(value, np.float32) for name, value in flatten(params).items()
    }
    if half:
        tensors = _halve(tensors)
    data = save(tensors, {"mgp_jax": json.dumps(header, sort_keys=True)})
    with replacing(path) as file:
        file.write(data)


def load_weights(path: str | os.PathLike[str]) -> Weights:
    """Reads a weights file.

    Raises:
        WeightsError: the file is missing, is no weights file, or is from a newer version.
    """
    try:
        with safe_open(str(path), framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get("mgp_jax", "null"))
            tensors = _widen({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path}: not a readable weights file ({error})") from None
    if not isinstance(header, dict):
        raise WeightsError(f"{path}: a safetensors file, but not written by mgp-convert")
    if header.get("format") != FORMAT:
        raise WeightsError(f"{path}: format {header.get('format')}, this version reads {FORMAT}")
    if missing := [name for name in HEADER if name not in header]:
        raise WeightsError(f"{path}: not a readable weights file (no {', '.join(missing)})")
    return Weights(
        family=header["family"],
        config=header["config"],
        params=unflatten(tensors),
        provenance=header["provenance"],
        licence=header["licence"],
    )


def _halve(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Turns arrays of several axes into integers and their units, by the last axis."""
    halved: dict[str, np.ndarray] = {}
    for name, value in tensors.items():
        if value.ndim < 2:
            halved[name] = value
            continue
        most = np.max(np.abs(value), axis=tuple(range(value.ndim - 1)))
        unit = np.where(most > 0, most, 1) / np.float32(LARGEST)
        halved[name] = np.round(value / unit).astype(np.int16)
        halved[name + UNIT] = unit
    return halved


def _widen(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Undoes `_halve`, but for the rounding."""
    units = {name.removesuffix(UNIT): value for name, value in tensors.items() if UNIT in name}
    return {
        name: value.astype(np.float32) * units[name] if name in units else value
        for name, value in tensors.items()
        if UNIT not in name
    }


def flatten(params: Mapping[str, Any]) -> dict[str, Any]:
    """Turns nested dictionaries into one with dotted names."""
    return flatten_dict(dict(params), sep=".")


def unflatten(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Undoes `flatten`."""
    return unflatten_dict(dict(flat), sep=".")
