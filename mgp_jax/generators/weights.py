"""The weights file: one `.safetensors` with configuration, provenance and licence in its metadata.

Parameters are arrays under dotted names (`layer0.kernel`), float32, or float16 to take half the
space; they are computed with in float32 either way. The metadata has the single entry `mgp_jax`, a
JSON object, because the order of several entries is not deterministic.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mgp_jax.errors import WeightsError
from mgp_jax.files import replacing

FORMAT = 1
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
        half: store them as float16.

    Raises:
        WeightsError: a value is too large for float16.
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
        tensors = {name: _halve(path, name, value) for name, value in tensors.items()}
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
            tensors = {name: _widen(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
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


def _halve(path: str | os.PathLike[str], name: str, value: np.ndarray) -> np.ndarray:
    if np.any(np.abs(value) > np.finfo(np.float16).max):
        raise WeightsError(f"{path}: {name} has values that half precision cannot hold")
    return value.astype(np.float16)


def _widen(value: np.ndarray) -> np.ndarray:
    return value.astype(np.float32) if value.dtype == np.float16 else value


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turns nested dictionaries into one with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def unflatten(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Undoes `flatten`."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *parents, last = name.split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return nested
