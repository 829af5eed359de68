"""StyleGAN in two layouts: mganprior and genforce.

Both hold the same numbers under different names. Doubling layers may be "fused", which flips their
kernels: mganprior shows it in names and axes, genforce does not show it at all.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mgp_jax.errors import SettingError

from ..layout import Layout, Plan, Row, Shape, Shapes, Sizes, count
from ..options import Options
from ..transforms import Transform, flip, hwio, keep
from ..wrappers import StateDict
from .growing import LOWER_RGB, stored_level
from .style import (
    check_filters,
    constant_map,
    gained,
    mapping_rows,
    mapping_widths,
    mean_row,
    multiplier,
    noise_map,
    per_style,
    transpose,
)

ROOT2 = 2**0.5
# Where fused_scale is `auto`, layers of this resolution and above are fused.
FUSED_FROM = 128


@dataclass(frozen=True)
class Names:
    """What a layout calls its tensors; `{}` is a number.

    Attributes:
        dense: a layer of the mapping network: weight and bias.
        rgb: the to-RGB layer of a resolution: weight; the bias has the same name everywhere.
        bias: bias of a layer.
        noise: noise of a layer: the noise itself and its weight.
        style: the dense layer from a style vector: weight and bias.
    """

    dense: tuple[str, str]
    rgb: str
    bias: str
    noise: tuple[str, str]
    style: tuple[str, str]


MGANPRIOR = Names(
    dense=("mapping.dense{}.fc.weight", "mapping.dense{}.wscale.bias"),
    rgb="synthesis.output{}.conv.weight",
    bias="synthesis.layer{}.epilogue.bias",
    noise=(
        "synthesis.layer{}.epilogue.apply_noise.noise",
        "synthesis.layer{}.epilogue.apply_noise.weight",
    ),
    style=(
        "synthesis.layer{}.epilogue.style_mod.dense.fc.weight",
        "synthesis.layer{}.epilogue.style_mod.dense.wscale.bias",
    ),
)
GENFORCE = Names(
    dense=("mapping.dense{}.weight", "mapping.dense{}.bias"),
    rgb="synthesis.output{}.weight",
    bias="synthesis.layer{}.bias",
    noise=("synthesis.layer{}.apply_noise.noise", "synthesis.layer{}.apply_noise.weight"),
    style=("synthesis.layer{}.style.weight", "synthesis.layer{}.style.bias"),
)


def plan_mganprior(state: StateDict, options: Options) -> Plan:
    """Plan for the layout of the multi-code paper's code; fused layers are stored as HWIO."""

    def kernel(i: int) -> tuple[str, Shape, Transform]:
        plain, fused = f"synthesis.layer{i}.conv.weight", f"synthesis.layer{i}.weight"
        if i % 2 == 0 and fused in state.tensors and plain not in state.tensors:
            return fused, (3, 3, f"c{i - 1}", f"c{i}"), flip
        return plain, (f"c{i}", f"c{i - 1}", 3, 3), hwio

    # This code never blends: a fractional level switches the whole block off.
    return _plan(
        state, options, MGANPRIOR, kernel, math.ceil(stored_level(state, "synthesis.lod", options))
    )


def plan_genforce(state: StateDict, options: Options) -> Plan:
    """Plan for genforce's layout, in which nothing shows whether a layer is fused."""
    choice = options.choice("fused_scale", ("auto", "true", "false"), "auto")

    def kernel(i: int) -> tuple[str, Shape, Transform]:
        fused = _resolution(i) >= FUSED_FROM if choice == "auto" else choice == "true"
        shape: Shape = (f"c{i}", f"c{i - 1}", 3, 3)
        transform = (lambda w: flip(hwio(w))) if fused and i % 2 == 0 else hwio
        return f"synthesis.layer{i}.weight", shape, transform

    lod = stored_level(state, "synthesis.lod", options)
    if lod != int(lod):
        raise SettingError(
            f"level of detail {lod:g}: the network is blending in a resolution, which is not "
            "supported for StyleGAN; choose a whole one with the option lod=0, 1, ..."
        )
    return _plan(state, options, GENFORCE, kernel, int(lod))


def _plan(state: StateDict, options: Options, names: Names, kernel: Any, dropped: int) -> Plan:
    shapes = state.shapes
    all_blocks = max(
        count(shapes, r"synthesis\.output(\d{1,3})\."),
        (count(shapes, r"synthesis\.layer(\d{1,3})\.") + 1) // 2,
    )
    blocks = all_blocks - dropped
    if blocks < 1:
        raise SettingError(f"lod: a network of {all_blocks} resolutions has levels below that")
    layers = 2 * blocks
    use_wscale = bool(options.flag("use_wscale", True))
    depth = count(shapes, r"mapping\.dense(\d{1,3})\.")
    copies = per_style(state, "truncation.w_avg", names.style[0].format(0), 2 * all_blocks)
    if copies > 1 and dropped:
        raise SettingError("lod: only 0 is possible where the mapping has a style for every layer")
    rows = mapping_rows(
        names.dense[0].format,
        names.dense[1].format,
        depth,
        "w" if copies == 1 else (copies, "w"),
        ROOT2,
        multiplier(options),
        use_wscale,
    )
    rows.append(mean_row("truncation.w_avg", copies))
    const: Shape = (1, "c0", 4, 4)
    rows.append(Row("layer0.const", {"synthesis.layer0.const": const}, constant_map))
    for i in range(layers):
        if i:
            key, shape, transform = kernel(i)
            rows.append(Row(f"layer{i}.kernel", {key: shape}, gained(transform, ROOT2, use_wscale)))
        size = _resolution(i)
        channels, double = (f"c{i}",), (2, f"c{i}")
        noise, strength = (name.format(i) for name in names.noise)
        weight, bias = (name.format(i) for name in names.style)
        dense = gained(transpose, 1.0, use_wscale)
        rows += [
            Row(f"layer{i}.bias", {names.bias.format(i): channels}, keep),
            Row(f"layer{i}.noise", {noise: (1, 1, size, size)}, noise_map),
            Row(f"layer{i}.noise_strength", {strength: channels}, keep),
            Row(f"layer{i}.style.kernel", {weight: (double, "w")}, dense),
            Row(f"layer{i}.style.bias", {bias: (double,)}, _one_more),
        ]
    rgb: Shape = ("image", f"c{layers - 1}", 1, 1)
    to_rgb = gained(lambda w: w[:, :, 0, 0].T, 1.0, use_wscale)
    rows.append(Row("to_rgb.kernel", {names.rgb.format(blocks - 1): rgb}, to_rgb))
    rows.append(Row("to_rgb.bias", {f"synthesis.output{blocks - 1}.bias": ("image",)}, keep))

    def configure(sizes: Sizes) -> dict[str, Any]:
        return {
            "latent_size": sizes["latent"],
            "w_size": sizes["w"],
            "mapping": mapping_widths(sizes, depth, copies),
            "channels": [sizes[f"c{i}"] for i in range(layers)],
            "image_channels": sizes["image"],
            "final_tanh": bool(options.flag("final_tanh", False)),
            "enlarge": 2**dropped,
        }

    ignored = check_filters(state, ("synthesis.layer*.blur.kernel",), (1, 2, 1), 1.0)
    ignored["synthesis.lod"] = "level of detail, part of the configuration"
    ignored["truncation.truncation"] = "truncation factors, made anew from psi and cut-off"
    for b in range(blocks, all_blocks):
        unused = (f"layer{2 * b}", f"layer{2 * b + 1}", f"output{b}")
        ignored |= {f"synthesis.{name}.*": "beyond the level of detail in use" for name in unused}
    ignored["synthesis.output*"] = LOWER_RGB
    return Plan(tuple(rows), configure, ignored)


def _resolution(i: int) -> int:
    return 4 * 2 ** (i // 2)


def _one_more(bias: np.ndarray) -> np.ndarray:
    """Adds the one that the code adds to the first half, the scales."""
    return bias + np.repeat([1.0, 0.0], len(bias) // 2)


def _has(key: str, marker: str):
    def matches(shapes: Shapes) -> bool:
        return key in shapes and marker in shapes

    return matches


LAYOUTS = (
    Layout(
        "stylegan",
        "mganprior",
        _has("synthesis.layer0.const", "synthesis.layer0.epilogue.bias"),
        plan_mganprior,
    ),
    Layout(
        "stylegan",
        "genforce",
        _has("synthesis.layer0.const", "synthesis.layer0.bias"),
        plan_genforce,
    ),
)
