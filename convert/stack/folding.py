"""Where parameters of a stack come from: weights, norms, and norms folded into what precedes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mgp_jax.generators.stack_base import Layer, Margins
from mgp_jax.generators.stack_layers import Dense, Transposed

from ..layout import Shape as RowShape
from ..transforms import (
    Transform,
    flip,
    hwio,
    keep,
    spectral,
    spectral_transposed,
    transposed_hwio,
    weight_normed,
)
from .elements import Norm
from .parts import Part


@dataclass(frozen=True)
class Source:
    """What a parameter is made of.

    Attributes:
        tensors: the foreign tensors, with the shapes that they must have.
        transform: takes them in float64 and returns the parameter.
    """

    tensors: Mapping[str, RowShape] = field(default_factory=dict)
    transform: Transform = keep

    def then(self, change: Transform) -> "Source":
        """Returns the source with another step behind."""
        return Source(self.tensors, lambda *values: change(self.transform(*values)))


def constant(value: np.ndarray) -> Source:
    """Returns a parameter that is made of nothing."""
    return Source({}, lambda: value)


def weight_source(part: Part, transposed: bool) -> Source:
    """Returns the weight of a layer, as it acts."""
    outputs = part.weight[1 if transposed else 0]
    inputs = int(np.prod(part.weight)) // max(outputs, 1)
    shapes: dict[str, tuple[RowShape, ...]] = {
        "plain": (part.weight,),
        "spectral": (part.weight, (outputs,), (inputs,)),
        "lengths": (part.weight, part.shapes[part.sources[-1]]),
    }
    normalise = {
        "plain": keep,
        "spectral": spectral_transposed if transposed else spectral,
        "lengths": weight_normed,
    }
    keys = map(part.key, part.sources)
    return Source(dict(zip(keys, shapes[part.form], strict=True)), normalise[part.form])


def orient_kernel(layer: Layer, transposed: bool, margins: Margins) -> Transform:
    """Returns what brings a weight of four axes into the order of a layer."""
    if isinstance(layer, Dense):
        return lambda weight: _cut(transposed_hwio(weight), margins)
    if isinstance(layer, Transposed):
        return lambda weight: flip(transposed_hwio(weight))
    return hwio


def _cut(kernel: np.ndarray, margins: Margins) -> np.ndarray:
    """Cuts off the margins; negative ones add zeros."""
    pads = [(max(-before, 0), max(-behind, 0)) for before, behind in margins]
    kernel = np.pad(kernel, (*pads, (0, 0), (0, 0)))
    (top, bottom), (left, right) = ((max(a, 0), max(b, 0)) for a, b in margins)
    return kernel[top : len(kernel) - bottom, left : kernel.shape[1] - right]


def norm_sources(part: Part, channels: int, norm: Norm) -> dict[str, Source]:
    """Returns `scale` and `shift` of a norm; with stored statistics these are worked in."""
    shape = (channels,)
    tensors = {name: Source({part.key(name): shape}) for name in ("weight", "bias")}
    neutral = {"weight": np.ones(channels), "bias": np.zeros(channels)}
    for name, value in neutral.items():
        if name not in part.shapes:
            tensors[name] = constant(value)
    if norm.groups is not None:
        return {"scale": tensors["weight"], "shift": tensors["bias"]}
    variance, mean = (Source({part.key(name): shape}) for name in ("running_var", "running_mean"))

    def factor(gamma: np.ndarray, variance: np.ndarray) -> np.ndarray:
        return gamma / np.sqrt(variance + norm.epsilon)

    scale = join(factor, tensors["weight"], variance)
    shift = join(lambda beta, mean, scale: beta - mean * scale, tensors["bias"], mean, scale)
    return {"scale": scale, "shift": shift}


def fold(layer: Mapping[str, Source], norm: Mapping[str, Source]) -> dict[str, Source]:
    """Returns kernel and bias of a layer with the norm behind it in them."""

    def scaled(kernel: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return kernel * (scale if scale.ndim == 1 else scale[:, :, None])

    def shifted(bias: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
        return bias * scale + shift

    return {
        "kernel": join(scaled, layer["kernel"], norm["scale"]),
        "bias": join(shifted, layer["bias"], norm["scale"], norm["shift"]),
    }


def join(function: Transform, *sources: Source) -> Source:
    """Returns a parameter that is made of others."""
    tensors: dict[str, RowShape] = {}
    for source in sources:
        tensors |= source.tensors
    names = list(tensors)

    def transform(*values: np.ndarray) -> np.ndarray:
        by_name = dict(zip(names, values, strict=True))
        made = (s.transform(*(by_name[name] for name in s.tensors)) for s in sources)
        return function(*made)

    return Source(tensors, transform)
