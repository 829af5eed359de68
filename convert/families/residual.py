"""What the layouts of BigGAN and SNGAN share: spectral norm, norms, attention, labels."""

from collections.abc import Sequence

import numpy as np

from ..layout import Row, Shape, Size
from ..stack.folding import Source, constant, join
from ..transforms import hwio, keep, spectral
from ..wrappers import StateDict


def weight_of(state: StateDict, name: str, shape: Shape, inputs: Size | None = None) -> Source:
    """Returns a weight as it acts: with spectral norm, divided by its largest singular value.

    Args:
        state: the state dict.
        name: of the module.
        shape: of the weight.
        inputs: length of the right singular vector; that of the second axis unless given.
    """
    if f"{name}.weight_orig" not in state.tensors:
        return Source({f"{name}.weight": shape})
    tensors: dict[str, Shape] = {f"{name}.weight_orig": shape, f"{name}.weight_u": shape[:1]}
    # Files of 2018 have no right singular vector; it follows from the left one.
    if f"{name}.weight_v" not in state.tensors:
        return Source(tensors, _with_left)
    tensors[f"{name}.weight_v"] = (shape[1] if inputs is None else inputs,)
    return Source(tensors, spectral)


def _with_left(weight: np.ndarray, u: np.ndarray) -> np.ndarray:
    return weight / np.linalg.norm(u @ weight.reshape(len(u), -1))


def row(target: str, source: Source) -> Row:
    """Returns the row of a parameter."""
    return Row(target, source.tensors, source.transform)


def layer_rows(
    state: StateDict, target: str, name: str, outputs: Size, inputs: str, size: int
) -> list[Row]:
    """Returns the rows of a square convolution with a bias."""
    shape: Shape = (outputs, inputs, size, size)
    weight = weight_of(state, name, shape, (size**2, inputs))
    return [
        row(f"{target}.kernel", weight.then(hwio)),
        Row(f"{target}.bias", {f"{name}.bias": (outputs,)}, keep),
    ]


def norm_rows(
    targets: tuple[str, str], factor: Source, summand: Source, mean: Source, variance: Source
) -> list[Row]:
    """Returns the rows of a norm: (x - mean) / sqrt(variance) * factor + summand.

    Args:
        targets: names of the factor and of the summand.
        factor: float[C], or float[condition, C] for a part that is linear in a condition.
        summand: the same.
        mean: float[C].
        variance: float[C], epsilon included.
    """

    def shift(b: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray) -> np.ndarray:
        return b - m * g / np.sqrt(v)

    return [
        row(targets[0], join(lambda g, v: g / np.sqrt(v), factor, variance)),
        row(targets[1], join(shift, summand, factor, mean, variance)),
    ]


def attention_rows(
    state: StateDict, target: str, name: str, words: Sequence[str], channels: str
) -> list[Row]:
    """Returns the rows of a self-attention; `words` name query, key, value and output."""
    few, half = f"{channels} eighth", f"{channels} half"
    gain: Shape = (1,) if state.shapes.get(f"{name}.gamma") == (1,) else ()
    rows = [Row(f"{target}.gain", {f"{name}.gamma": gain}, np.ravel)]
    shapes: tuple[Shape, ...] = (
        (few, channels),
        (few, channels),
        (half, channels),
        (channels, half),
    )
    for part, word, shape in zip(("query", "key", "value", "out"), words, shapes, strict=True):
        weight = weight_of(state, f"{name}.{word}", (*shape, 1, 1))
        rows.append(row(f"{target}.{part}", weight.then(lambda w: w[:, :, 0, 0].T)))
    return rows


def label_rows(table: Source, classes: int, label: int | None) -> list[Row]:
    """Returns the rows of a label: the vectors of all classes, or of the only one to keep."""
    kept = slice(None) if label is None else slice(label, label + 1)
    even = np.full(classes if label is None else 1, 1 / (classes if label is None else 1))
    return [
        row("condition.label.table", table.then(lambda vectors: vectors[kept])),
        row("condition.label.weights", constant(even)),
    ]
