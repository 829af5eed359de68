"""MobileStyleGAN in two layouts: as OpenVINO stores it, and the checkpoints of its training.

Training keeps separable kernels, the style they were normalised with, and strengths of noise. The
export multiplies all that out; it has a noise map for every layer and no mean style. A training
checkpoint has no noise maps: standard normal ones are drawn, from the same seed every time, as the
export draws them.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mgp_jax.errors import CheckpointError

from ..layout import Layout, Plan, Row, Shape, Size, Sizes, count
from ..openvino import Constant, Network, constant_at
from ..options import Options
from ..transforms import hwio, keep
from ..wrappers import StateDict
from .growing import LOWER_RGB
from .style import (
    averaged_row,
    constant_map,
    mapping_rows,
    mapping_widths,
    multiplier,
    noise_map,
    transpose,
)

ROOT2 = 2**0.5
SLOPE = 0.2
CONVOLUTION_BIAS = re.compile(r"^m\.conv1\.bias$|\.conv[12]\.bias$")
EPSILON = 1e-8
KINDS = (
    *("Add", "Broadcast", "Concat", "Const", "Convolution", "Gather", "GroupConvolution"),
    *("GroupConvolutionBackpropData", "MatMul", "Multiply", "PReLU", "Parameter", "Power"),
    *("ReduceMean", "Reshape", "Result", "ShapeOf", "Squeeze", "Tile", "Unsqueeze"),
    "VariadicSplit",
)


def named_constants(networks: Mapping[str, Network]) -> dict[str, Constant]:
    """Finds the parameters among the constants of both networks.

    Most have a name. The others lost it in the export and are found by their place: the mapping
    network is a chain of products; a kernel and a noise map lead to the bias of their layer, and
    behind a modulation comes a factor.

    Returns: constants by the names that the training code would give them.

    Raises:
        CheckpointError: there are layers, slopes or factors that a MobileStyleGAN does not have.
    """
    for name, network in networks.items():
        _check_arithmetic(name, network)
    found: dict[str, Constant | None] = {}
    products = [layer for layer in networks["MappingNetwork"] if layer.kind == "MatMul"]
    for i, product in enumerate(products):
        found[f"mapping.{i}.weight"] = constant_at(product, "<Const")
        found[f"mapping.{i}.bias"] = constant_at(product, ">Add <Reshape <Const")
    for layer in networks["SynthesisNetwork"]:
        if layer.constant is None or not layer.name.startswith("m."):
            continue
        found[layer.name] = layer.constant
        parent = layer.name.removesuffix(".bias")
        if layer.name.endswith(".conv.modulation.bias"):
            factor = ">Add >Reshape >Multiply <Const"
            found[f"{parent}.scale"] = constant_at(layer, factor)
        elif CONVOLUTION_BIAS.search(layer.name):
            found[f"{parent}.noise"] = constant_at(layer, ">Add <Add <Const")
            found[f"{parent}.kernel"] = constant_at(layer, ">Add <Add <Convolution <Const")
    return {name: constant for name, constant in found.items() if constant is not None}


def _check_arithmetic(name: str, network: Network) -> None:
    for layer in network:
        checks: dict[str, tuple[str, float]] = {}
        if layer.kind not in KINDS:
            raise CheckpointError(f"{name}.xml: a layer of the kind {layer.kind:.40}, unknown here")
        if layer.kind == "PReLU":
            checks["slope"] = ("<Const", SLOPE)
            if name == "MappingNetwork":
                checks["gain"] = (">Multiply <Const", ROOT2)
        elif layer.kind == "GroupConvolutionBackpropData":
            checks["filter"] = ("<Const", 1 / ROOT2)
        for what, (way, value) in checks.items():
            stored = constant_at(layer, way)
            if stored is None or not np.allclose(np.abs(stored.array()), value, rtol=1e-3):
                message = f"the {what} of {layer.name:.80} is not {value:.4g}"
                raise CheckpointError(f"{name}.xml: {message}")


def plan_openvino(state: StateDict, options: Options) -> Plan:
    """Plan for the constants of an exported pair of networks."""
    depth = count(state.shapes, r"mapping\.(\d{1,3})\.")
    layers = _layers(state)
    mapping = mapping_rows(
        "mapping.{}.weight".format, "mapping.{}.bias".format, depth, "w", 1.0, 1.0, False
    )
    rows = [*mapping, averaged_row(mapping, ROOT2)]
    rows.append(Row("layer0.const", {"m.input.input": (1, _width(0, layers), 4, 4)}, constant_map))
    for i in range(layers):
        target, source = f"layer{i}", f"m.{_place(i)}"
        inputs, outputs, pixels = _inputs(i, layers), _width(i, layers), 4 * 2 ** ((i + 1) // 2)
        noise: dict[str, Shape] = {f"{source}.noise": (1, 1, pixels, pixels)}
        size = 1 if i else 3
        kernel: dict[str, Shape] = {f"{source}.kernel": (outputs, inputs, size, size)}
        rows += [
            Row(f"{target}.kernel", kernel, _pointwise if i else hwio),
            Row(f"{target}.bias", {f"{source}.bias": (1, outputs, 1, 1)}, np.ravel),
            Row(f"{target}.noise", noise, _normalised),
            Row(f"{target}.noise_strength", noise, _strength),
            *_scaled_style(f"{target}.style", f"{source}.conv.modulation", inputs),
        ]
        if i:
            depthwise: dict[str, Shape] = {f"{source}.conv.weight_dw": (inputs, 1, 1, 3, 3)}
            rows.append(Row(f"{target}.depthwise", depthwise, _depthwise))
        if i % 2:
            up = f"m.layers.{i // 2}.up.modulation"
            before = _width(i - 1, layers)
            weight, bias = {f"{up}.weight": (before, "w")}, {f"{up}.bias": (1, before)}
            rows.append(Row(f"{target}.up.kernel", weight, transpose))
            rows.append(Row(f"{target}.up.bias", bias, np.ravel))
    rows += _image_rows(f"m.layers.{layers // 2 - 1}.to_img", layers)
    style = f"m.layers.{layers // 2 - 1}.to_img.conv.modulation"
    rows += _scaled_style("to_rgb.style", style, _width(layers - 1, layers))
    return Plan(tuple(rows), _configure(layers, depth))


def plan_training(state: StateDict, options: Options) -> Plan:
    """Plan for a training checkpoint of MobileStyleGAN.pytorch."""
    depth = count(state.shapes, r"mapping_net\.layers\.(\d{1,3})\.") - 1
    layers = _layers(state)
    rows = mapping_rows(
        lambda i: f"mapping_net.layers.{i + 1}.weight",
        lambda i: f"mapping_net.layers.{i + 1}.bias",
        depth,
        "w",
        1.0,
        multiplier(options),
    )
    styles = 3 * (layers // 2) + 2
    rows.append(Row("truncation.mean", {"style_mean": (1, styles, "w")}, _mean_of_styles))
    const: dict[str, Shape] = {"student.input.input": (1, _width(0, layers), 4, 4)}
    rows.append(Row("layer0.const", const, constant_map))
    for i in range(layers):
        target, source = f"layer{i}", f"student.{_place(i)}"
        inputs, outputs = _inputs(i, layers), _width(i, layers)
        strength: dict[str, Shape] = {f"{source}.noise.weight": (1,)}
        weights: dict[str, Shape] = {f"{source}.conv.style_inv": (1, 1, inputs, 1, 1)}
        if i:
            depthwise: dict[str, Shape] = {f"{source}.conv.weight_dw": (inputs, 1, 3, 3)}
            rows.append(Row(f"{target}.depthwise", depthwise, _depthwise))
            weights |= {f"{source}.conv.weight_permute": (outputs, inputs, 1, 1), **depthwise}
        else:
            weights |= {f"{source}.conv.weight": (outputs, inputs, 3, 3)}
        rows += [
            Row(f"{target}.kernel", weights, _separable_kernel if i else _dense_kernel),
            Row(f"{target}.bias", {f"{source}.bias": (1, outputs, 1, 1)}, np.ravel),
            Row(f"{target}.noise", strength, _drawn(i)),
            Row(f"{target}.noise_strength", strength, keep),
            *_trained_style(f"{target}.style", f"{source}.conv.modulation", inputs, 9),
        ]
        if i % 2:
            up = f"student.layers.{i // 2}.up.modulation"
            rows += _trained_style(f"{target}.up", up, _width(i - 1, layers), 0)
    image = f"student.layers.{layers // 2 - 1}.to_img"
    rows += _image_rows(image, layers)
    last = _width(layers - 1, layers)
    rows += _trained_style("to_rgb.style", f"{image}.conv.modulation", last, 1)
    return Plan(tuple(rows), _configure(layers, depth), TRAINING_IGNORED)


TRAINING_IGNORED = {
    "synthesis_net.*": "the network that was distilled",
    "loss.*": "part of the training loss",
    "inception.*": "a network that measured the training",
    "kid.*": "a measure of the training",
    "*device_info": "tells the device",
    "student.*g?_???": "the Haar transform, which is built in",
    "student.to_img1.*": LOWER_RGB,
    "student.layers.*.to_img.*": LOWER_RGB,
}


def _layers(state: StateDict) -> int:
    """Returns the number of convolution layers: one at the start and two in every block."""
    return 2 * count(state.shapes, r"(?:m|student)\.layers\.(\d{1,2})\.") + 1


def _place(i: int) -> str:
    """Returns what the training code calls a convolution layer."""
    return f"layers.{(i - 1) // 2}.conv{2 - i % 2}" if i else "conv1"


def _width(i: int, layers: int) -> Size:
    """Channels behind a layer; a doubling makes a quarter of them."""
    return (4, f"q{i}") if i % 2 == 0 and i < layers - 1 else f"c{i}"


def _inputs(i: int, layers: int) -> Size:
    """Channels of what a layer convolves."""
    return f"q{i - 1}" if i % 2 else _width(max(i - 1, 0), layers)


def _configure(layers: int, depth: int) -> Callable[[Sizes], dict[str, Any]]:
    def width(i: int, sizes: Sizes) -> int:
        size = _width(i, layers)
        return size[0] * sizes[size[1]] if isinstance(size, tuple) else sizes[str(size)]

    return lambda sizes: {
        "latent_size": sizes["latent"],
        "w_size": sizes["w"],
        "mapping": mapping_widths(sizes, depth, 1),
        "channels": [width(i, sizes) for i in range(layers)],
        "image_channels": sizes["image"],
    }


def _scaled_style(target: str, source: str, channels: Size) -> list[Row]:
    weight: dict[str, Shape] = {f"{source}.weight": (channels, "w")}
    bias: dict[str, Shape] = {f"{source}.bias": (1, channels)}
    scale: dict[str, Shape] = {f"{source}.scale": (1, 1, 1, 1)}
    return [
        Row(f"{target}.kernel", weight | scale, lambda w, factor: w.T * factor.item()),
        Row(f"{target}.bias", bias | scale, lambda b, factor: np.ravel(b) * factor.item()),
    ]


def _trained_style(target: str, source: str, channels: Size, taps: int) -> list[Row]:
    """Rows of a modulation; `taps` of the convolution behind it, 0 if none is."""

    def scaled(value: np.ndarray) -> np.ndarray:
        return value * (_scale(len(value), taps) if taps else 1.0)

    weight: dict[str, Shape] = {f"{source}.weight": (channels, "w")}
    return [
        Row(f"{target}.kernel", weight, lambda w: scaled(w).T),
        Row(f"{target}.bias", {f"{source}.bias": (channels,)}, scaled),
    ]


def _image_rows(source: str, layers: int) -> list[Row]:
    bands: Size = (4, "image")
    weight: dict[str, Shape] = {f"{source}.conv.weight": (bands, _width(layers - 1, layers), 1, 1)}
    return [
        Row("to_rgb.kernel", weight, _pointwise),
        Row("to_rgb.bias", {f"{source}.bias": (1, bands, 1, 1)}, np.ravel),
    ]


def _scale(inputs: int, taps: int) -> float:
    """Returns the factor of equalised learning rate."""
    return 1 / (inputs * taps) ** 0.5


def _dense_kernel(style: np.ndarray, weight: np.ndarray) -> np.ndarray:
    scaled = _scale(weight.shape[1], 9) * style[0] * weight
    return hwio(weight * _normaliser(scaled))


def _separable_kernel(style: np.ndarray, point: np.ndarray, depth: np.ndarray) -> np.ndarray:
    scaled = _scale(len(depth), 9) * style[0] * depth.swapaxes(0, 1) * point
    return _pointwise(point * _normaliser(scaled))


def _normaliser(weight: np.ndarray) -> np.ndarray:
    return 1 / np.sqrt(np.sum(weight**2, axis=(1, 2, 3), keepdims=True) + EPSILON)


def _pointwise(weight: np.ndarray) -> np.ndarray:
    return weight[:, :, 0, 0].T


def _depthwise(weight: np.ndarray) -> np.ndarray:
    return weight.reshape(-1, 3, 3).transpose(1, 2, 0)


def _strength(noise: np.ndarray) -> np.ndarray:
    return np.sqrt(np.mean(noise**2, keepdims=True)).reshape(1)


def _normalised(noise: np.ndarray) -> np.ndarray:
    """A noise map of mean square 1: its strength, which the export multiplied in, apart."""
    return noise_map(noise / (_strength(noise) or 1.0))


def _drawn(i: int) -> Callable[[np.ndarray], np.ndarray]:
    pixels = 4 * 2 ** ((i + 1) // 2)
    return lambda _: np.random.RandomState(i).standard_normal((1, pixels, pixels, 1))


def _mean_of_styles(mean: np.ndarray) -> np.ndarray:
    """The mean style, of which the checkpoint has a copy for every layer."""
    return mean.mean(axis=(0, 1))


LAYOUTS = (
    Layout(
        "mobile_stylegan",
        "OpenVINO",
        lambda shapes: "m.input.input" in shapes,
        plan_openvino,
    ),
    Layout(
        "mobile_stylegan",
        "MobileStyleGAN.pytorch",
        lambda shapes: "student.input.input" in shapes,
        plan_training,
    ),
)
