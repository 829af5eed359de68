"""DCGAN in the layout of the PyTorch tutorial: a Sequential `main` of numbered modules.

Other packages insert Dropout modules, which shifts the numbers, or further blocks. So the layers
are found by what their tensors look like: four axes make a transposed convolution, running
statistics a batch norm, which belongs to the convolution before it.
"""

import re
from typing import Any

import numpy as np

from ..layout import Layout, Plan, Row, Shape, Shapes, Sizes, Transform
from ..options import Options
from ..transforms import flip, keep, transposed_hwio
from ..wrappers import StateDict

BATCH_NORM_EPSILON = 1e-5
NORM_TENSORS = ("weight", "running_var", "bias", "running_mean")
NAME = re.compile(r"main\.(\d{1,4})\.(\w+)")


def matches(shapes: Shapes) -> bool:
    """The first numbered weight of `main` has four axes."""
    weights = {n: shape for (n, name), shape in _numbered(shapes).items() if name == "weight"}
    return bool(weights) and len(weights[min(weights)]) == 4


def plan(state: StateDict, options: Options) -> Plan:
    """Folds every batch norm into the convolution before it."""
    convolutions, norms = _pair(state.shapes)
    last = len(norms)
    rows: list[Row] = []
    for i, n in enumerate(convolutions):
        inputs, outputs = "latent" if i == 0 else f"c{i - 1}", f"c{i}" if i < last else "image"
        weight: dict[str, Shape] = {f"main.{n}.weight": (inputs, outputs, 4, 4)}
        # The tutorial has no biases here; other packages may.
        own: dict[str, Shape] = {f"main.{n}.bias": (outputs,)}
        own = own if own.keys() <= state.tensors.keys() else {}
        kernel = _flipped if i else transposed_hwio
        if i < last:
            norm: dict[str, Shape] = {f"main.{norms[i]}.{t}": (outputs,) for t in NORM_TENSORS}
            scale = dict(list(norm.items())[:2])
            rows.append(Row(f"layer{i}.kernel", weight | scale, _fold_kernel(kernel)))
            rows.append(Row(f"layer{i}.bias", norm | own, _fold_bias))
        else:
            rows.append(Row(f"layer{i}.kernel", weight, kernel))
            rows.append(Row(f"layer{i}.bias", own or weight, keep if own else _no_bias))

    def configure(sizes: Sizes) -> dict[str, Any]:
        return {
            "latent_size": sizes["latent"],
            "channels": [sizes[f"c{i}"] for i in range(last)],
            "image_channels": sizes["image"],
        }

    ignored = {"main.*.num_batches_tracked": "a counter of training steps"}
    return Plan(tuple(rows), configure, ignored)


def _numbered(shapes: Shapes) -> dict[tuple[int, str], tuple[int, ...]]:
    """Returns the shapes by module number and tensor name."""
    found = ((NAME.fullmatch(key), shape) for key, shape in shapes.items())
    return {(int(match[1]), match[2]): shape for match, shape in found if match}


def _pair(shapes: Shapes) -> tuple[list[int], list[int]]:
    """Returns the module numbers of the convolutions and of the batch norms between them.

    Where one of a pair is not in the file, its usual number is given, so that its tensors are
    reported as missing.
    """
    numbered = _numbered(shapes)
    kinds: dict[int, str] = {}
    for (n, name), shape in sorted(numbered.items()):
        if name == "weight" and len(shape) == 4:
            kinds[n] = "convolution"
        elif name != "bias" and n not in kinds:
            kinds[n] = "norm"
    convolutions: list[int] = []
    norms: list[int] = []
    for n, kind in sorted(kinds.items()):
        if kind == "norm":
            if len(convolutions) == len(norms):
                convolutions.append(n - 1)
            norms.append(n)
        else:
            if len(convolutions) > len(norms):
                norms.append(convolutions[-1] + 1)
            convolutions.append(n)
    if len(convolutions) == len(norms):
        convolutions.append(norms[-1] + 2)
    return convolutions, norms


def _flipped(weight: np.ndarray) -> np.ndarray:
    return flip(transposed_hwio(weight))


def _scale(gamma: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return gamma / np.sqrt(variance + BATCH_NORM_EPSILON)


def _fold_kernel(kernel: Transform) -> Transform:
    return lambda weight, gamma, variance: kernel(weight) * _scale(gamma, variance)


def _fold_bias(
    gamma: np.ndarray,
    variance: np.ndarray,
    shift: np.ndarray,
    mean: np.ndarray,
    own: np.ndarray | float = 0.0,
) -> np.ndarray:
    return (own - mean) * _scale(gamma, variance) + shift


def _no_bias(weight: np.ndarray) -> np.ndarray:
    return np.zeros(weight.shape[1])


LAYOUTS = (Layout("dcgan", "PyTorch tutorial", matches, plan),)
