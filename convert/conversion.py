"""The whole way from a checkpoint file to a weights file."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mgp_jax.errors import CheckpointError, SettingError
from mgp_jax.generators.weights import save_weights
from mgp_jax.generators.zoo import FAMILIES, make_config

from .detect import detect
from .families.mobile_stylegan import named_constants
from .layout import Converted, Layout, apply
from .openvino import find_networks, read_networks
from .options import Options
from .torch_files import read_bytes, read_checkpoint
from .wrappers import places, unwrap

UNKNOWN_LICENCE = "not stated; see the source of the checkpoint"


@dataclass(frozen=True)
class Request:
    """How to convert, and what to write about the origin.

    Attributes:
        family: which family the checkpoint must belong to, or `auto`.
        options: settings that the checkpoint does not hold, by name.
        provenance: where the checkpoint comes from, as free text by topic.
        licence: licence of the weights.
        inside: keys that lead to the network inside the file, outermost first.
    """

    family: str = "auto"
    options: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    licence: str = UNKNOWN_LICENCE
    inside: Sequence[str] = ()


@dataclass(frozen=True)
class Conversion:
    """A finished conversion.

    Attributes:
        family: family of the network.
        layout: whose layout the checkpoint had.
        route: keys that led to the generator inside the file.
        converted: configuration, parameters, and what went where.
        provenance: where the weights come from.
        licence: licence of the weights.
        assumed: what the file does not show and nobody said, by the option that sets it.
        averaged: whether an averaged generator was taken although the trained one is there too.
    """

    family: str
    layout: str
    route: tuple[str, ...]
    converted: Converted
    provenance: Mapping[str, str]
    licence: str
    assumed: Mapping[str, str]
    averaged: bool

    def save(self, path: str | os.PathLike[str], half: bool = False) -> None:
        """Writes the weights file, in half precision if asked for."""
        made, origin = self.converted, self.provenance
        save_weights(path, self.family, made.config, made.params, origin, self.licence, half)


def convert_file(path: str | os.PathLike[str], request: Request | None = None) -> Conversion:
    """Converts a checkpoint.

    Args:
        path: its file; for a pair of OpenVINO's networks their folder, a file of them, or a wheel.
        request: how to convert.

    Raises:
        CheckpointError: the file cannot be read or does not fit any layout; it is named.
        SettingError: an option is unknown or out of its range.
    """
    tree, checksum = _read(path)
    try:
        return _convert(tree, Path(path).name, checksum, request or Request())
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None


def convert_bytes(data: bytes, name: str, request: Request | None = None) -> Conversion:
    """Converts a checkpoint that is in memory, for example out of an archive."""
    checksum = hashlib.sha256(data).hexdigest()
    try:
        return _convert(read_bytes(data), name, checksum, request or Request())
    except CheckpointError as error:
        raise CheckpointError(f"{name}: {error}") from None


def _read(path: str | os.PathLike[str]) -> tuple[Any, str]:
    """Returns the tensors that a path stands for, and the checksum of the file that holds them."""
    place = find_networks(path)
    if place is None:
        tree = read_checkpoint(path)
        with open(path, "rb") as file:
            return tree, hashlib.file_digest(file, "sha256").hexdigest()
    try:
        networks, files = read_networks(place)
        tree = named_constants(networks)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    numbers = {name: data for name, data in files.items() if name.endswith(".bin")}
    sums = (f"{name} {hashlib.sha256(data).hexdigest()}" for name, data in numbers.items())
    return tree, "; ".join(sums)


def _convert(tree: Any, name: str, checksum: str, request: Request) -> Conversion:
    try:
        state = unwrap(tree, request.inside)
        layout = detect(state.shapes, request.family)
        options = Options(request.options)
        options.check(layout.options, str(layout))
        plan = layout.plan(state, options)
        converted = apply(plan, state)
        channels = converted.config.get("image_channels", 3)
        if channels not in (1, 3):
            raise CheckpointError(
                f"its images have {channels} channels, which is not supported; generators of "
                "colour and of gray images are"
            )
        family = plan.family or layout.family
        _check_settings(family, converted)
    except CheckpointError as error:
        raise CheckpointError(f"{error}{_elsewhere(tree)}") from None
    origin = {"file": name, "sha256": checksum, "layout": f"{family} ({layout.name})"}
    if request.options:
        origin["options"] = " ".join(f"{k}={v}" for k, v in sorted(request.options.items()))
    if clash := origin.keys() & request.provenance.keys():
        raise SettingError(f"provenance {', '.join(sorted(clash))}: set by the conversion itself")
    return Conversion(
        family,
        layout.name,
        state.route,
        converted,
        {**request.provenance, **origin},
        request.licence,
        {**(_assumed(layout, request) if plan.assumed is None else plan.assumed), **plan.noted},
        state.averaged,
    )


def _check_settings(family: str, converted: Converted) -> None:
    """Refuses what could not be loaded: tensors may fit the layout and make no network."""
    if family in FAMILIES:
        try:
            make_config(family, converted.config)
        except SettingError as error:
            raise CheckpointError(str(error)) from None


def _assumed(layout: Layout, request: Request) -> Mapping[str, str]:
    """Returns what a layout takes for the options that are not given."""
    left = {name: option for name, option in layout.options.items() if name not in request.options}
    return {name: option.assumed for name, option in left.items() if option.assumed}


def _elsewhere(tree: Any) -> str:
    """Says how to choose another part of the file, if there is any."""
    parts = places(tree)
    if not parts:
        return ""
    return (
        f"; --inside KEY chooses another part of the file: {', '.join(f'{p:.60}' for p in parts)}"
    )
