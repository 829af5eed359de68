"""PGGAN in four layouts: mganprior, genforce, pytorch_GAN_zoo and pro-gan-pth.

All are the same network (Karras et al. 2018). They differ in names, in where the equalised
learning rate applies, and in how far a half-trained network is faded in: mganprior and genforce
keep a level of detail `lod`, GAN zoo a blending factor `alpha`. Released files have neither.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mgp_jax.errors import CheckpointError, SettingError

from ..layout import Layout, Plan, Row, Shape, Shapes, Sizes, count
from ..options import Options
from ..transforms import Transform, equalised, flip, hwio, keep, scaled, transposed_hwio
from ..unpickler import Record
from ..wrappers import StateDict
from .growing import LOWER_RGB, stored_level

ROOT2 = 2**0.5
BEYOND = "beyond the level of detail in use"


@dataclass(frozen=True)
class Detail:
    """How much of a network is used.

    Attributes:
        blocks: number of resolutions in use.
        blend: weight of the enlarged image of the resolution before the last.
        enlarge: nearest-neighbour enlargement of the image.
    """

    blocks: int
    blend: float = 0.0
    enlarge: int = 1


def plan_mganprior(state: StateDict, options: Options) -> Plan:
    """Plan for the layout of the multi-code paper's code; fused layers are stored as HWIO."""
    blocks = _blocks(state.shapes)
    # This code never blends: a fractional level switches the whole block off.
    dropped = math.ceil(stored_level(state, "lod", options))
    detail = _checked(Detail(blocks - dropped, 0.0, 2**dropped), blocks)
    weights: list[tuple[str, Shape, Transform]] = []
    for i in range(2 * detail.blocks):
        plain, fused = f"layer{i}.conv.weight", f"layer{i}.weight"
        if fused in state.tensors and plain not in state.tensors and i and i % 2 == 0:
            weights.append((fused, (3, 3, f"c{i - 1}", f"c{i}"), flip))
        else:
            weights.append((plain, _oihw(i), _first if i == 0 else hwio))
    return _plan(
        weights,
        biases=[f"layer{i}.wscale.bias" for i in range(2 * detail.blocks)],
        to_rgb="output{}.conv.weight",
        rgb_bias="output{}.wscale.bias",
        detail=detail,
        tanh=bool(options.flag("final_tanh", False)),
        gains=(ROOT2, 1.0),
    )


def plan_genforce(state: StateDict, options: Options) -> Plan:
    """Plan for genforce's layout; fused layers are stored as (in, out, 3, 3)."""
    blocks = _blocks(state.shapes)
    lod = stored_level(state, "lod", options)
    dropped = math.floor(lod)
    detail = _checked(Detail(blocks - dropped, lod - dropped, 2**dropped), blocks)
    fused = options.flag("fused_scale")
    if fused is None:
        fused = _is_fused(state.shapes)
    weights: list[tuple[str, Shape, Transform]] = []
    for i in range(2 * detail.blocks):
        if fused and i and i % 2 == 0:
            shape: Shape = (f"c{i - 1}", f"c{i}", 3, 3)
            weights.append((f"layer{i}.weight", shape, lambda w: flip(transposed_hwio(w))))
        else:
            weights.append((f"layer{i}.weight", _oihw(i), _first if i == 0 else hwio))
    return _plan(
        weights,
        biases=[f"layer{i}.bias" for i in range(2 * detail.blocks)],
        to_rgb="output{}.weight",
        rgb_bias="output{}.bias",
        detail=detail,
        tanh=bool(options.flag("final_tanh", False)),
        gains=(ROOT2, 1.0) if options.flag("use_wscale", True) else None,
    )


def plan_ganzoo(state: StateDict, options: Options) -> Plan:
    """Plan for the layout of pytorch_GAN_zoo, which scales biases like weights."""
    keys = state.tensors
    module = ".module" if any(".module." in key for key in keys) else ""
    scales = count(keys, r"scaleLayers\.(\d{1,3})\.")
    config = state.beside.get("config")
    settings: Mapping[str, Any] = config.attributes if isinstance(config, Record) else {}
    alpha = options.number("alpha")
    if alpha is None:
        alpha = _fraction(settings.get("alpha", 0.0))
    if not alpha < 1:
        raise SettingError(f"option alpha={alpha}: a number below 1 is needed")
    detail = Detail(scales + 1, alpha if scales else 0.0)
    tanh = options.flag("final_tanh")
    if tanh is None:
        tanh = settings.get("lossCriterion") in ("DCGAN", "MSE")

    names = ["formatLayer", "groupScale0.0"]
    names += [f"scaleLayers.{s}.{k}" for s in range(scales) for k in (0, 1)]
    rows: list[Row] = []
    for i, name in enumerate(names):
        weight, bias = f"{name}{module}.weight", f"{name}{module}.bias"
        if i == 0:
            shape: Shape = ((16, "c0"), "latent")
            rows.append(Row("layer0.kernel", {weight: shape}, _dense))
            fold = scaled(_per_pixel, _zoo_scale(state, weight))
            rows.append(Row("layer0.bias", {bias: ((16, "c0"),)}, fold))
        else:
            fold = scaled(keep, _zoo_scale(state, weight))
            rows.append(Row(f"layer{i}.kernel", {weight: _oihw(i)}, equalised(hwio, ROOT2)))
            rows.append(Row(f"layer{i}.bias", {bias: (f"c{i}",)}, fold))
    used = {"to_rgb": scales}
    if detail.blend:
        used[f"layer{2 * scales}.previous_rgb"] = scales - 1
    for target, s in used.items():
        weight, bias = f"toRGBLayers.{s}{module}.weight", f"toRGBLayers.{s}{module}.bias"
        shape = ("image", f"c{2 * s + 1}", 1, 1)
        rows.append(Row(f"{target}.kernel", {weight: shape}, equalised(_rgb, ROOT2)))
        fold = scaled(keep, _zoo_scale(state, weight))
        rows.append(Row(f"{target}.bias", {bias: ("image",)}, fold))
    configure = _configure(detail, bool(tanh), bias_per_pixel=True)
    return Plan(tuple(rows), configure, {"toRGBLayers.*": LOWER_RGB})


def plan_progan_pth(state: StateDict, options: Options) -> Plan:
    """Plan for pro-gan-pth, which does not normalise the first map before the second layer."""
    settings = state.beside.get("conf")
    stored = not isinstance(settings, Mapping) or settings.get("use_eql") is not False
    use_wscale = bool(options.flag("use_wscale", stored))
    blocks = count(state.shapes, r"layers\.(\d{1,2})\.")
    dropped = math.ceil(options.number("lod") or 0.0)
    detail = _checked(Detail(blocks - dropped, 0.0, 2**dropped), blocks)

    def gained(transform: Transform) -> Transform:
        return equalised(transform, ROOT2) if use_wscale else transform

    def first(weight: np.ndarray) -> np.ndarray:
        # Its scale counts the inputs only, not the pixels that they are spread to.
        return transposed_hwio(weight) * (ROOT2 / len(weight) ** 0.5 if use_wscale else 1)

    rows: list[Row] = []
    for i in range(2 * detail.blocks):
        name = f"layers.{i // 2}.conv_{i % 2 + 1}"
        shape: Shape = _oihw(i) if i else ("latent", "c0", 4, 4)
        kernel = gained(hwio) if i else first
        rows.append(Row(f"layer{i}.kernel", {f"{name}.weight": shape}, kernel))
        rows.append(Row(f"layer{i}.bias", {f"{name}.bias": (f"c{i}",)}, keep))
    last = detail.blocks - 1
    name, shape = f"rgb_converters.{last}", ("image", f"c{2 * last + 1}", 1, 1)
    rows.append(Row("to_rgb.kernel", {f"{name}.weight": shape}, gained(_rgb)))
    rows.append(Row("to_rgb.bias", {f"{name}.bias": ("image",)}, keep))
    ignored = {
        f"{part}.{b}.*": BEYOND
        for part in ("layers", "rgb_converters")
        for b in range(detail.blocks, blocks)
    }
    configure = _configure(detail, bool(options.flag("final_tanh", False)), first_norm=False)
    return Plan(tuple(rows), configure, {**ignored, "rgb_converters.*": LOWER_RGB})


def _plan(
    weights: list[tuple[str, Shape, Transform]],
    *,
    biases: list[str],
    to_rgb: str,
    rgb_bias: str,
    detail: Detail,
    tanh: bool,
    gains: tuple[float, float] | None,
) -> Plan:
    """Makes the rows that mganprior and genforce share; no gains means stored as they act."""

    def gained(transform: Transform, which: int) -> Transform:
        return transform if gains is None else equalised(transform, gains[which])

    rows: list[Row] = []
    for i, (key, shape, transform) in enumerate(weights):
        rows.append(Row(f"layer{i}.kernel", {key: shape}, gained(transform, 0)))
        rows.append(Row(f"layer{i}.bias", {biases[i]: (f"c{i}",)}, keep))
    last = detail.blocks - 1
    used = {"to_rgb": last}
    if detail.blend:
        used[f"layer{2 * last}.previous_rgb"] = last - 1
    for target, b in used.items():
        shape = ("image", f"c{2 * b + 1}", 1, 1)
        rows.append(Row(f"{target}.kernel", {to_rgb.format(b): shape}, gained(_rgb, 1)))
        rows.append(Row(f"{target}.bias", {rgb_bias.format(b): ("image",)}, keep))
    ignored = {"lod": "level of detail, part of the configuration"}
    unused_blocks = range(detail.blocks, detail.blocks + detail.enlarge.bit_length() - 1)
    for b in unused_blocks:
        ignored |= {f"layer{2 * b}.*": BEYOND, f"layer{2 * b + 1}.*": BEYOND}
        ignored |= {f"output{b}.*": BEYOND}
    ignored["output*"] = LOWER_RGB
    return Plan(tuple(rows), _configure(detail, tanh), ignored)


def _configure(detail: Detail, tanh: bool, **further: Any):
    def configure(sizes: Sizes) -> dict[str, Any]:
        return {
            "latent_size": sizes["latent"],
            "channels": [sizes[f"c{i}"] for i in range(2 * detail.blocks)],
            "image_channels": sizes["image"],
            "final_tanh": tanh,
            "blend": detail.blend,
            "enlarge": detail.enlarge,
            **further,
        }

    return configure


def _oihw(i: int) -> Shape:
    return ("c0", "latent", 4, 4) if i == 0 else (f"c{i}", f"c{i - 1}", 3, 3)


def _first(weight: np.ndarray) -> np.ndarray:
    # A 4x4 convolution over a single padded pixel puts its kernel into the map back to front.
    return flip(hwio(weight))


def _rgb(weight: np.ndarray) -> np.ndarray:
    return weight[:, :, 0, 0].T


def _per_pixel(rows: np.ndarray) -> np.ndarray:
    """GAN zoo's rows (channel, y, x) -> (y, x, ..., channel)."""
    maps = rows.reshape(-1, 4, 4, *rows.shape[1:])
    return np.moveaxis(maps, 0, -1)


def _dense(weight: np.ndarray) -> np.ndarray:
    return _per_pixel(weight) * ROOT2 / weight.shape[1] ** 0.5


def _zoo_scale(state: StateDict, weight: str) -> float:
    """What GAN zoo multiplies a layer with behind its bias."""
    fan_in = math.prod(state.shapes.get(weight, (1,))[1:])
    return ROOT2 / max(fan_in, 1) ** 0.5


def _blocks(shapes: Shapes) -> int:
    layers = count(shapes, r"layer(\d{1,3})\.")
    return max(count(shapes, r"output(\d{1,3})\."), (layers + 1) // 2)


def _fraction(value: Any) -> float:
    if isinstance(value, int | float) and 0 <= value < math.inf:
        return float(value)
    raise CheckpointError("the stored level of detail or blending factor is not a number >= 0")


def _checked(detail: Detail, blocks: int) -> Detail:
    if detail.blocks - (detail.blend > 0) < 1:
        raise SettingError(f"lod: a network of {blocks} resolutions has levels below {blocks}")
    return detail


def _is_fused(shapes: Shapes) -> bool:
    """Whether any doubling layer has its axes as (in, out); invisible where the two are equal."""
    for i in range(2, count(shapes, r"layer(\d{1,3})\."), 2):
        weight, bias = shapes.get(f"layer{i}.weight", ()), shapes.get(f"layer{i}.bias", ())
        if len(weight) == 4 and len(bias) == 1 and weight[0] != weight[1] == bias[0]:
            return True
    return False


def _is_ganzoo(shapes: Shapes) -> bool:
    shape = shapes.get("formatLayer.module.weight") or shapes.get("formatLayer.weight") or ()
    return len(shape) == 2


LAYOUTS = (
    Layout("pggan", "mganprior", lambda s: "layer0.conv.weight" in s, plan_mganprior),
    Layout(
        "pggan",
        "genforce",
        lambda s: "layer0.weight" in s and "output0.weight" in s,
        plan_genforce,
    ),
    Layout("pggan", "pytorch_GAN_zoo", _is_ganzoo, plan_ganzoo),
    Layout(
        "pggan",
        "pro-gan-pth",
        lambda s: "layers.0.conv_1.weight" in s and "rgb_converters.0.weight" in s,
        plan_progan_pth,
    ),
)
