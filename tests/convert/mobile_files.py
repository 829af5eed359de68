"""A small MobileStyleGAN in its two formats: a training checkpoint, and files of OpenVINO."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
from checkpoints import tensor, write_zip

Tensors = dict[str, np.ndarray]

LATENT, DEPTH = 6, 3
# Behind the start and every block; before a doubling divisible by 4.
WIDTHS = (12, 8, 8, 5)
BLOCKS = len(WIDTHS) - 1
STYLES = 3 * BLOCKS + 2
TYPES = {"<f4": "f32", "<f2": "f16", "<i8": "i64"}


def training_tensors(seed: int = 0) -> Tensors:
    """Draws the state dict of a training checkpoint, float32."""
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {"style_mean": (1, 1, LATENT)}
    for i in range(1, DEPTH + 1):
        shapes |= {f"mapping_net.layers.{i}.weight": (LATENT, LATENT)}
        shapes |= {f"mapping_net.layers.{i}.bias": (LATENT,)}
    shapes |= {"student.input.input": (1, WIDTHS[0], 4, 4)}
    shapes |= _styled(
        "student.conv1", WIDTHS[0], WIDTHS[0], {"weight": (WIDTHS[0], WIDTHS[0], 3, 3)}
    )
    shapes |= _image("student.to_img1", WIDTHS[0])
    for i, (before, width) in enumerate(pairwise(WIDTHS)):
        block = f"student.layers.{i}"
        shapes |= _modulation(f"{block}.up", before)
        for conv, inputs in (("conv1", before // 4), ("conv2", width)):
            weights = {"weight_dw": (inputs, 1, 3, 3), "weight_permute": (width, inputs, 1, 1)}
            shapes |= _styled(f"{block}.{conv}", inputs, width, weights)
        shapes |= _image(f"{block}.to_img", width)
    tensors = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    for name in tensors:
        if name.startswith("mapping_net"):
            tensors[name] = tensors[name] * 100  # what the learning-rate multiplier takes back
    tensors["style_mean"] = np.tile(tensors["style_mean"], (1, STYLES, 1))
    tensors |= {
        "student.idwt.g0_col": np.full((1, 1, 2, 1), 0.5**0.5),
        "student.device_info": np.zeros(1),
        "synthesis_net.input.input": np.zeros((1, 4, 4, 4)),
    }
    return {name: value.astype(np.float32) for name, value in tensors.items()}


def _modulation(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    weight, bias = f"{name}.modulation.weight", f"{name}.modulation.bias"
    return {weight: (channels, LATENT), bias: (channels,)}


def _styled(
    name: str, inputs: int, outputs: int, weights: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[int, ...]]:
    return {
        **{f"{name}.conv.{part}": shape for part, shape in weights.items()},
        f"{name}.conv.style_inv": (1, 1, inputs, 1, 1),
        **_modulation(f"{name}.conv", inputs),
        f"{name}.noise.weight": (1,),
        f"{name}.bias": (1, outputs, 1, 1),
    }


def _image(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    shapes = {f"{name}.conv.weight": (12, channels, 1, 1), f"{name}.bias": (1, 12, 1, 1)}
    return shapes | _modulation(f"{name}.conv", channels)


def write_checkpoint(path: Path, tensors: Tensors) -> Path:
    """Writes a training checkpoint in PyTorch's format."""
    tree, storages = {}, {}
    for key, (name, value) in enumerate(tensors.items()):
        steps = [stride // value.itemsize for stride in np.ascontiguousarray(value).strides]
        tree[name] = tensor(str(key), value.size, 0, value.shape, tuple(steps))
        storages[str(key)] = value.astype("<f4").tobytes()
    return write_zip(path, {"epoch": 3, "state_dict": tree}, storages)


class Exported:
    """A network in the making: layers one after another, constants in one piece of memory."""

    def __init__(self, name: str):
        self.net = ET.Element("net", name=name, version="10")
        self.layers = ET.SubElement(self.net, "layers")
        self.edges = ET.SubElement(self.net, "edges")
        self.data = b""

    def add(self, kind: str, *inputs: int, name: str = "", **facts: object) -> int:
        number = len(self.layers)
        layer = ET.SubElement(
            self.layers, "layer", id=str(number), name=name or f"{kind}_{number}", type=kind
        )
        if facts:
            ET.SubElement(layer, "data", {key: str(value) for key, value in facts.items()})
        for port, source in enumerate(inputs):
            numbers = (source, 0, number, port)
            keys = ("from-layer", "from-port", "to-layer", "to-port")
            ET.SubElement(self.edges, "edge", dict(zip(keys, map(str, numbers), strict=True)))
        return number

    def constant(self, value: object, name: str = "") -> int:
        array = np.asarray(value)
        array = array.astype("<f4") if array.dtype.kind == "f" else array.astype("<i8")
        facts = {
            "element_type": TYPES[array.dtype.str],
            "shape": ", ".join(map(str, array.shape)),
            "offset": len(self.data),
            "size": array.nbytes,
        }
        self.data += array.tobytes()
        return self.add("Const", name=name, **facts)

    def write(self, folder: Path) -> None:
        name = self.net.get("name")
        ET.ElementTree(self.net).write(folder / f"{name}.xml")
        (folder / f"{name}.bin").write_bytes(self.data)


def write_networks(folder: Path, tensors: Tensors, noise: Mapping[str, np.ndarray]) -> Path:
    """Writes what the export makes of a training checkpoint.

    Args:
        folder: where to write the four files.
        tensors: the state dict.
        noise: a noise map (1, 1, H, W) for every convolution, by its name behind `student.`.
    """
    folder.mkdir(exist_ok=True)
    _mapping(tensors).write(folder)
    _synthesis(tensors, noise).write(folder)
    return folder


def _mapping(tensors: Tensors) -> Exported:
    net = Exported("MappingNetwork")
    x = net.add("Parameter", name="var")
    x = net.add("Multiply", x, net.constant(np.ones((1, 1))))
    for i in range(1, DEPTH + 1):
        weight, bias = (tensors[f"mapping_net.layers.{i}.{what}"] for what in ("weight", "bias"))
        x = net.add("MatMul", x, net.constant(0.01 * weight / LATENT**0.5))
        shape = net.add("Concat", net.add("ShapeOf", x), net.constant(np.array([1])))
        x = net.add("Add", x, net.add("Reshape", net.constant(0.01 * bias), shape))
        x = net.add("PReLU", x, net.constant(np.array([0.2])))
        x = net.add("Multiply", x, net.constant(np.full((1, 1), 2**0.5)))
    net.add("Result", x)
    return net


def _synthesis(tensors: Tensors, noise: Mapping[str, np.ndarray]) -> Exported:
    net = Exported("SynthesisNetwork")
    style = net.add("Parameter", name="style")

    def modulation(module: str, taps: int) -> int:
        weight, bias = (tensors[f"student.{module}.modulation.{p}"] for p in ("weight", "bias"))
        name = f"m.{module}.modulation"
        y = net.add("MatMul", style, net.constant(weight, f"{name}.weight"))
        y = net.add("Add", y, net.constant(bias[None], f"{name}.bias"))
        y = net.add("Reshape", y, net.add("ShapeOf", y))
        scale = np.full((1, 1, 1, 1), 1 / (len(weight) * taps) ** 0.5) if taps else None
        return y if scale is None else net.add("Multiply", y, net.constant(scale))

    def convolution(x: int, module: str) -> int:
        x = net.add("Multiply", modulation(f"{module}.conv", 9), x)
        part = {p: tensors.get(f"student.{module}.conv.{p}") for p in ("weight_dw", "style_inv")}
        depth = part["weight_dw"]
        if depth is None:
            kernel = whole = tensors[f"student.{module}.conv.weight"]
        else:
            x = net.add(
                "GroupConvolution", x, net.constant(depth[:, None], f"m.{module}.conv.weight_dw")
            )
            kernel = tensors[f"student.{module}.conv.weight_permute"]
            whole = kernel * np.swapaxes(depth, 0, 1)
        inverse = np.asarray(part["style_inv"])[0]
        norm = ((whole * inverse) ** 2).sum((1, 2, 3)) / (9 * whole.shape[1]) + 1e-8
        x = net.add("Convolution", x, net.constant(kernel / norm[:, None, None, None] ** 0.5))
        strength = tensors[f"student.{module}.noise.weight"]
        x = net.add("Add", x, net.constant(strength * noise[module]))
        x = net.add("Add", x, net.constant(tensors[f"student.{module}.bias"], f"m.{module}.bias"))
        return net.add("PReLU", x, net.constant(np.array([0.2])))

    def doubling(x: int, channels: int) -> int:
        half = np.full((channels // 4, 1, 1, 2, 1), 0.5**0.5)
        low, high = net.add("VariadicSplit", x), net.add("VariadicSplit", x)
        low = net.add("GroupConvolutionBackpropData", low, net.constant(half))
        high = net.add("GroupConvolutionBackpropData", high, net.constant(half * [[1], [-1]]))
        return net.add("Add", low, high)

    const = net.constant(tensors["student.input.input"], "m.input.input")
    x = convolution(net.add("Broadcast", const), "conv1")
    for i, before in enumerate(WIDTHS[:-1]):
        x = doubling(net.add("Multiply", modulation(f"layers.{i}.up", 0), x), before)
        x = convolution(x, f"layers.{i}.conv1")
        x = convolution(x, f"layers.{i}.conv2")
    image = f"layers.{BLOCKS - 1}.to_img"
    x = net.add("Multiply", x, modulation(f"{image}.conv", 1))
    weight, bias = (tensors[f"student.{image}.{what}"] for what in ("conv.weight", "bias"))
    x = net.add("Convolution", x, net.constant(weight, f"m.{image}.conv.weight"))
    x = net.add("Add", x, net.constant(bias, f"m.{image}.bias"))
    net.add("Result", doubling(x, 12))
    return net
