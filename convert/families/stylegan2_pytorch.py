"""StyleGAN2 in the layout of the package stylegan2_pytorch of lucidrains.

The mapping network and the synthesis are two modules, `S` and `G`, in a training's checkpoint
beside their averages `SE` and `GE`. Images in [0, 1] are brought to [-1, 1] by the to-RGB layers. A
training draws one noise image for each image, uniform in [0, 1], of which all blocks take a corner;
here it is brought to mean 0 and variance 1, as noise is in the other families.
"""

from typing import Any

import numpy as np

from ..layout import Layout, Plan, Row, Shape, Shapes, Sizes, count
from ..options import LUCIDRAINS_MULTIPLIER, Options
from ..transforms import Transform, hwio, scaled, transposed_hwio
from ..wrappers import RAW, StateDict
from .linear_attention import ALPHA, attention_rows, check_blur, dense_rows, norm_rows
from .style import (
    AVERAGED_CODES,
    averaged_row,
    mapping_rows,
    mapping_widths,
    multiplier,
    transpose,
)

SPREAD = 12**-0.5  # standard deviation of a uniform distribution


def plan(state: StateDict, options: Options) -> Plan:
    """Plan for stylegan2_pytorch."""
    shapes = state.shapes
    mapper, network = _networks(shapes)
    blocks = count(shapes, rf"{network}\.blocks\.(\d{{1,2}})\.")
    depth = (count(shapes, rf"{mapper}\.net\.(\d{{1,3}})\.") + 1) // 2
    mapping = mapping_rows(
        lambda i: f"{mapper}.net.{2 * i}.weight",
        lambda i: f"{mapper}.net.{2 * i}.bias",
        depth,
        "w",
        1.0,
        multiplier(options, float(LUCIDRAINS_MULTIPLIER)),
        use_wscale=False,
    )
    mapping[:1] = [_of_length_one(row) for row in mapping[:1]]
    starts_from_style = f"{network}.to_initial_block.weight" in shapes
    rows = [*mapping, averaged_row(mapping, 1.0), *_first_rows(network, starts_from_style)]
    channels = (*shapes.get(f"{network}.blocks.0.to_rgb.conv.weight", ()), 0)[0]
    attends = []
    for i in range(blocks):
        block, inputs, outputs = f"{network}.blocks.{i}", f"c{max(i - 1, 0)}", f"c{i}"
        rows.append(Row(f"layer{i}.noise", {}, _corner(4 * 2**i, 2 * 2**blocks)))
        for k, width in enumerate((inputs, outputs)):
            rows += _layer_rows(f"layer{i}.conv{k}", block, k + 1, outputs, width)
        rows += _rgb_rows(block, i, blocks, channels)
        attention = f"{network}.attns.{i}"
        if f"{attention}.0.fn.norm.g" in shapes:
            rows += _attention_rows(f"layer{i}.attention", attention, inputs)
            attends.append(i)

    def configure(sizes: Sizes) -> dict[str, Any]:
        return {
            "latent_size": sizes["latent"],
            "w_size": sizes["w"],
            "mapping": mapping_widths(sizes, depth, 1),
            "channels": [sizes[f"c{i}"] for i in range(blocks)],
            "image_channels": 3 if channels == 4 else channels,
            "attention": attends,
            "starts_from_style": starts_from_style,
        }

    noted = {
        "noise": "one image drawn for all (none is stored)",
        "mean style": f"of {AVERAGED_CODES} codes (none is stored)",
        **({"alpha": ALPHA} if channels == 4 else {}),
    }
    ignored = {**check_blur(state, "*.to_rgb.upsample.1.f"), "S.*": RAW, "G.*": RAW}
    return Plan(tuple(rows), configure, ignored, noted=noted)


def _networks(shapes: Shapes) -> tuple[str, str]:
    """Returns the names of mapping and synthesis, the averaged ones if they are there."""
    averaged = any(key.startswith("GE.") for key in shapes)
    return ("SE", "GE") if averaged else ("S", "G")


def _of_length_one(row: Row) -> Row:
    """Codes are brought to length 1 there, and to a mean square of 1 here."""
    return Row(row.target, row.sources, lambda w: row.transform(w) / w.shape[1] ** 0.5)


def _first_rows(network: str, starts_from_style: bool) -> list[Row]:
    """Rows of the first map, with the convolution in it that stands between it and block 0."""
    name = f"{network}.initial_conv"
    conv: dict[str, Shape] = {f"{name}.weight": ("c0", "c0", 3, 3)}
    bias: dict[str, Shape] = {f"{name}.bias": ("c0",)}
    if not starts_from_style:
        start: dict[str, Shape] = {f"{network}.initial_block": (1, "c0", 4, 4)}

        def constant(maps: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
            return _convolved(np.moveaxis(maps, 1, -1), weight) + bias

        return [Row("layer0.const", start | conv | bias, constant)]
    start = {f"{network}.to_initial_block.weight": ("w", "c0", 4, 4)}

    def kernel(maps: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return _convolved(transposed_hwio(maps).transpose(2, 0, 1, 3), weight).transpose(1, 2, 0, 3)

    return [
        Row("layer0.const", bias, lambda bias: np.broadcast_to(bias, (1, 4, 4, len(bias)))),
        Row("layer0.kernel", start | conv, kernel),
    ]


def _convolved(maps: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Returns float[N, H, W, C] correlated with a weight (out, in, 3, 3), zeros around."""
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.einsum("nyxikl,oikl->nyxo", windows, weight)


def _layer_rows(target: str, block: str, number: int, outputs: str, inputs: str) -> list[Row]:
    """Rows of a modulated convolution; uniform noise of mean 1/2 adds to its bias."""
    noise = f"{block}.to_noise{number}"
    strength: dict[str, Shape] = {f"{noise}.weight": (outputs, 1)}
    shape: Shape = (outputs, inputs, 3, 3)
    return [
        Row(f"{target}.kernel", {f"{block}.conv{number}.weight": shape}, hwio),
        Row(
            f"{target}.bias",
            {f"{noise}.bias": (outputs,), **strength},
            lambda bias, weight: bias + weight[:, 0] / 2,
        ),
        Row(f"{target}.noise_strength", strength, scaled(np.ravel, SPREAD)),
        *_style_rows(f"{target}.style", f"{block}.to_style{number}", inputs),
    ]


def _style_rows(target: str, name: str, channels: str) -> list[Row]:
    return [
        Row(f"{target}.kernel", {f"{name}.weight": (channels, "w")}, transpose),
        Row(f"{target}.bias", {f"{name}.bias": (channels,)}, lambda bias: bias + 1),
    ]


def _rgb_rows(block: str, index: int, blocks: int, channels: int) -> list[Row]:
    """Rows of a to-RGB; twice their sum less 1 is the image in [-1, 1], without alpha."""
    last = index == blocks - 1
    target, name = "to_rgb" if last else f"layer{index}.rgb", f"{block}.to_rgb"
    kept, bias = 3 if channels == 4 else channels, -1.0 if last else 0.0
    shape: Shape = ("image", f"c{index}", 1, 1)
    return [
        Row(f"{target}.kernel", {f"{name}.conv.weight": shape}, lambda w: 2 * w[:kept, :, 0, 0].T),
        Row(f"{target}.bias", {}, lambda: np.full(kept, bias)),
        *_style_rows(f"{target}.style", f"{name}.to_style", f"c{index}"),
    ]


def _attention_rows(target: str, name: str, channels: str) -> list[Row]:
    inner = f"{target}.attention"
    return [
        *attention_rows(inner, f"{name}.0.fn.norm", f"{name}.0.fn.fn", channels, near=False),
        *norm_rows(f"{target}.norm", f"{name}.1.fn.norm", channels),
        *dense_rows(f"{target}.dense0", f"{name}.1.fn.fn.0", (2, channels), channels),
        *dense_rows(f"{target}.dense1", f"{name}.1.fn.fn.2", channels, (2, channels)),
    ]


def _corner(size: int, whole: int) -> Transform:
    """Makes the noise map of a block, which adds the noise image with its axes swapped."""

    def draw() -> np.ndarray:
        noise = np.random.RandomState(0).uniform(size=(whole, whole))
        return ((noise[:size, :size].T - 0.5) / SPREAD)[None, :, :, None]

    return draw


def _matches(shapes: Shapes) -> bool:
    network = _networks(shapes)[1]
    return f"{network}.blocks.0.to_style1.weight" in shapes


LAYOUTS = (Layout("stylegan2_pytorch", "stylegan2_pytorch", _matches, plan),)
