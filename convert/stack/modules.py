"""Reads a stack from modules that were stored as objects, which show everything but the forward.

Nothing of a module is run: its class is a name, its settings are attributes of an inert record.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mgp_jax.errors import CheckpointError
from mgp_jax.generators.stack_base import Layer
from mgp_jax.generators.stack_layers import Pad, PixelShuffle, Upsample
from mgp_jax.generators.stack_pointwise import Activation

from ..unpickler import Record
from .elements import SAME, Element, Kernel, Linear, Norm, Pair, Shape, Slope
from .parts import Part

CONTAINERS = ("Sequential", "ModuleList", "DataParallel", "DistributedDataParallel")
# Without effect in evaluation mode, or on how the numbers lie in memory.
WITHOUT_EFFECT = re.compile(r"Identity|\w*Dropout\w*|Flatten")
RESHAPING = re.compile(r"view|reshape|unflatten|unsqueeze", re.IGNORECASE)
NUMBERS = (int, float)
MAX_DEPTH = 32
MAX_MODULES = 2000


@dataclass
class Modules:
    """What stored modules show.

    Attributes:
        elements: all elements in the order in which the modules were registered.
        known: those with tensors, by name.
        in_order: whether the order is certain, because all containers are Sequentials.
        output: what the image ends in, where a module shows it.
    """

    elements: list[Element] = field(default_factory=list)
    known: dict[str, Element] = field(default_factory=dict)
    in_order: bool = True

    @property
    def has_activations(self) -> bool:
        """Whether activations are modules; otherwise they are in the code, which is not there."""
        return any(isinstance(element, Activation | Slope) for element in self.elements)


def read_modules(root: Record, parts: Mapping[str, Part]) -> Modules:
    """Walks through stored modules.

    Args:
        root: the outermost module.
        parts: the modules with tensors, by name.

    Raises:
        CheckpointError: a module has settings that are not supported, or damaged ones.
    """
    found = Modules()
    visits = 0

    def visit(record: Record, name: str, depth: int) -> None:
        nonlocal visits
        visits += 1
        if depth > MAX_DEPTH or visits > MAX_MODULES:
            raise CheckpointError("nested too deeply to be a network")
        kind = record.kind.rpartition(".")[2]
        children = list(_children(record))
        if record.kind.startswith("torch.nn.") and kind not in CONTAINERS:
            for element in _element(kind, record.attributes, parts.get(name), name):
                found.elements.append(element)
                if isinstance(element, Linear | Kernel | Norm | Slope):
                    found.known[name] = element
            return
        if not children and not RESHAPING.search(kind):
            raise CheckpointError(f"{name or 'the network'} is a {kind}, of which nothing is known")
        if len(children) > 1 and kind != "Sequential":
            found.in_order = False
        for part, child in children:
            visit(child, f"{name}.{part}" if name else str(part), depth + 1)

    visit(root, "", 0)
    return found


def _children(record: Record) -> Iterator[tuple[Any, Record]]:
    modules = record.attributes.get("_modules")
    if isinstance(modules, Mapping):
        yield from ((name, child) for name, child in modules.items() if isinstance(child, Record))


def _element(
    kind: str, settings: Mapping[str, Any], part: Part | None, name: str
) -> Iterator[Element]:
    """Yields what a module of PyTorch is."""
    where = f"{name} ({kind})"
    if WITHOUT_EFFECT.fullmatch(kind):
        return
    if kind in ("Linear", "Conv2d", "ConvTranspose2d", "PReLU") and part is None:
        raise CheckpointError(f"{where} has no weight")
    match kind:
        case "Linear":
            yield Linear(_with_axes(part, 2, where))
        case "Conv2d" | "ConvTranspose2d":
            yield from _kernel(kind == "ConvTranspose2d", settings, part, where)
        case "PReLU":
            yield Slope(_with_axes(part, 1, where))
        case "BatchNorm1d" | "BatchNorm2d" | "InstanceNorm2d":
            yield _norm(kind, settings, part or Part(name, {}), where)
        case "GroupNorm":
            groups = _whole(settings.get("num_groups"), where)
            yield Norm(part or Part(name, {}), groups, _epsilon(settings, where))
        case "Upsample" | "UpsamplingNearest2d" | "UpsamplingBilinear2d":
            yield _upsample(settings, where)
        case "PixelShuffle":
            yield PixelShuffle(_whole(settings.get("upscale_factor"), where))
        case "ReflectionPad2d" | "ReplicationPad2d":
            yield _pad(settings.get("padding"), kind == "ReflectionPad2d", where)
        case "Unflatten":
            yield from _shape(settings.get("unflattened_size"))
        case "Embedding":
            return  # of a label, which has been taken out
        case _ if kind in ACTIVATIONS:
            yield ACTIVATIONS[kind](settings, where)
        case _:
            raise CheckpointError(f"{where}, which is not supported in a stack of layers")


def _kernel(
    transposed: bool, settings: Mapping[str, Any], part: Part | None, where: str
) -> Iterator[Element]:
    part = _with_axes(part, 4, where)
    groups, mode = settings.get("groups", 1), settings.get("padding_mode", "zeros")
    if groups != 1 or _pair(settings.get("dilation", (1, 1)), where) != (1, 1):
        raise CheckpointError(f"{where} with groups or dilation, which is not supported")
    stride = _pair(settings.get("stride"), where, least=1)
    given = settings.get("padding")
    padding: Pair | str = (0, 0)
    if given == SAME:
        padding = SAME
    elif given != "valid":
        padding = _pair(given, where)
    output_padding = _pair(settings.get("output_padding", (0, 0)), where)
    if mode in ("reflect", "replicate"):
        rows, columns = padding if isinstance(padding, tuple) else (0, 0)
        if padding == SAME:
            raise CheckpointError(f"{where} with padding=same of mode {mode}")
        yield Pad(((rows, rows), (columns, columns)), "reflect" if mode == "reflect" else "edge")
        padding = (0, 0)
    elif mode != "zeros":
        raise CheckpointError(f"{where} with padding of mode {mode!s:.20}")
    yield Kernel(part, transposed, stride, padding, output_padding)


def _norm(kind: str, settings: Mapping[str, Any], part: Part, where: str) -> Norm:
    epsilon = _epsilon(settings, where)
    if part.is_tracked:
        return Norm(part, None, epsilon)
    if kind != "InstanceNorm2d":
        raise CheckpointError(
            f"{where} without statistics of the training uses those of each batch, which is not "
            "supported: an image would depend on others"
        )
    return Norm(part, 0, epsilon)


def _upsample(settings: Mapping[str, Any], where: str) -> Upsample:
    factor, mode = settings.get("scale_factor"), settings.get("mode")
    if isinstance(factor, tuple | list) and len(factor) == 2 and factor[0] == factor[1]:
        factor = factor[0]
    if not isinstance(factor, NUMBERS) or not 1 <= factor <= 64 or factor != int(factor):
        raise CheckpointError(f"{where} by something else than a whole factor")
    if mode not in ("nearest", "bilinear"):
        raise CheckpointError(f"{where} of mode {mode!s:.20}; nearest and bilinear are supported")
    aligned = mode == "bilinear" and settings.get("align_corners") is True
    return Upsample(_whole(int(factor), where), "bilinear_aligned" if aligned else mode)


def _pad(padding: Any, reflects: bool, where: str) -> Pad:
    # PyTorch's order is left, right, top, bottom.
    sides = padding if isinstance(padding, tuple | list) else (padding,) * 4
    if len(sides) != 4:
        raise CheckpointError(f"{where} with damaged settings")
    left, right, top, bottom = (_whole(side, where, least=0) for side in sides)
    return Pad(((top, bottom), (left, right)), "reflect" if reflects else "edge")


def _shape(size: Any) -> Iterator[Shape]:
    sizes = size if isinstance(size, tuple | list) else getattr(size, "elements", ())
    if len(sizes) == 3 and all(type(n) is int for n in sizes):
        yield Shape(*sizes)


def _with_axes(part: Part | None, axes: int, where: str) -> Part:
    if part is None or len(part.weight) != axes:
        raise CheckpointError(f"{where} without a weight of {axes} axes")
    return part


def _pair(value: Any, where: str, least: int = 0) -> Pair:
    values = value if isinstance(value, tuple | list) else (value, value)
    if len(values) != 2:
        raise CheckpointError(f"{where} with damaged settings")
    one, other = (_whole(number, where, least) for number in values)
    return one, other


def _whole(value: Any, where: str, least: int = 1) -> int:
    if type(value) is not int or not least <= value <= 2**16:
        raise CheckpointError(f"{where} with damaged settings")
    return value


def _epsilon(settings: Mapping[str, Any], where: str) -> float:
    value = settings.get("eps", 1e-5)
    if type(value) not in NUMBERS or not 0 <= value < 1e6:
        raise CheckpointError(f"{where} with a damaged epsilon")
    return float(value)


def _with(name: str, setting: str, default: float) -> Callable[[Mapping[str, Any], str], Layer]:
    def make(settings: Mapping[str, Any], where: str) -> Layer:
        value = settings.get(setting, default)
        if type(value) not in NUMBERS or not -1e6 < value < 1e6:
            raise CheckpointError(f"{where} with damaged settings")
        return Activation(name, float(value))

    return make


def _gelu(settings: Mapping[str, Any], where: str) -> Layer:
    return Activation("gelu_tanh" if settings.get("approximate") == "tanh" else "gelu")


def _plain(name: str) -> Callable[[Mapping[str, Any], str], Layer]:
    return lambda settings, where: Activation(name)


ACTIVATIONS: dict[str, Callable[[Mapping[str, Any], str], Layer]] = {
    "ReLU": _plain("relu"),
    "LeakyReLU": _with("leaky_relu", "negative_slope", 0.01),
    "ELU": _with("elu", "alpha", 1.0),
    "SELU": _plain("selu"),
    "GELU": _gelu,
    "SiLU": _plain("silu"),
    "Tanh": _plain("tanh"),
    "Sigmoid": _plain("sigmoid"),
}
