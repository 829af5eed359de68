"""BigGAN-deep in the layout of pytorch-pretrained-biggan.

Its batch norms hold statistics for 51 truncations from 0 to 1; those of one are taken. Which blocks
double the resolution is not in the state dict: every second does in all published networks.
"""

import math
from typing import Any

import numpy as np

from mgp_jax.errors import CheckpointError, SettingError

from ..layout import Layout, Plan, Row, Shape, Shapes, Sizes, count
from ..options import FLAGS, Options
from ..stack.folding import Source, constant
from ..wrappers import StateDict
from .residual import attention_rows, label_rows, layer_rows, norm_rows, row, weight_of

ATTENTION = tuple(f"snconv1x1_{word}" for word in ("theta", "phi", "g", "o_conv"))
EPSILON = 1e-4


def plan(state: StateDict, options: Options) -> Plan:
    """Plan for pytorch-pretrained-biggan."""
    shapes = state.shapes
    layers = range(count(shapes, r"generator\.layers\.(\d{1,3})\."))
    blocks = [k for k in layers if f"generator.layers.{k}.bn_0.running_means" in shapes]
    if not blocks:
        raise CheckpointError("a BigGAN without blocks")
    doubles = _doubles(options, len(blocks))
    truncation, epsilon = options.number("truncation"), options.number("epsilon")
    truncation = 1.0 if truncation is None else truncation
    if not 0 < truncation <= 1:
        raise SettingError(f"option truncation={truncation:g}: a number above 0, at most 1")
    epsilon = EPSILON if epsilon is None else epsilon
    classes = (*shapes.get("embeddings.weight", ()), 0, 0)[1]
    if not classes:
        raise CheckpointError("embeddings.weight is no matrix of the vectors of classes")
    label = options.label(classes)
    rows = label_rows(
        Source({"embeddings.weight": ("vector", "classes")}, np.transpose), classes, label
    )
    rows += _first_rows(state)

    def statistics(name: str, channels: str) -> tuple[Source, Source]:
        mean, variance = (
            Source({f"{name}.running_{what}": ("truncations", channels)}).then(
                lambda table: _at_truncation(table, truncation)
            )
            for what in ("means", "vars")
        )
        return mean, variance.then(lambda v: v + epsilon)

    attends = []
    for i, k in enumerate(blocks, 1):
        name, target = f"generator.layers.{k}", f"layer{i}"
        widths = (f"c{i - 1}", f"m{i}", f"m{i}", f"m{i}", f"c{i}")
        for n, size in enumerate((1, 3, 3, 1)):
            norm, goal = f"{name}.bn_{n}", f"{target}.norm{n}"
            known = statistics(norm, widths[n])
            one, zero = constant(np.ones(())), constant(np.zeros(()))
            names = (f"{goal}.scale", f"{goal}.shift")
            rows += norm_rows(names, one, zero, *known)
            factor, summand = (
                weight_of(state, f"{norm}.{part}", (widths[n], "condition")).then(np.transpose)
                for part in ("scale", "offset")
            )
            names = (f"{goal}.scale_kernel", f"{goal}.shift_kernel")
            rows += norm_rows(names, factor, summand, *known)
            layer = f"{name}.conv_{n}"
            rows += layer_rows(state, f"{target}.conv{n}", layer, widths[n + 1], widths[n], size)
        if f"generator.layers.{k + 1}.gamma" in shapes:
            behind = f"generator.layers.{k + 1}"
            rows += attention_rows(state, f"{target}.attention", behind, ATTENTION, f"c{i}")
            attends.append(i)
    last = f"c{len(blocks)}"
    scale, shift = (Source({f"generator.bn.{part}": (last,)}) for part in ("weight", "bias"))
    names = ("to_rgb.norm.scale", "to_rgb.norm.shift")
    rows += norm_rows(names, scale, shift, *statistics("generator.bn", last))
    rows += [
        _three(row) for row in layer_rows(state, "to_rgb", "generator.conv_to_rgb", last, last, 3)
    ]

    def configure(sizes: Sizes) -> dict[str, Any]:
        size = sizes["vector"]
        kept = classes if label is None else 1
        return {
            "latent_size": sizes["condition"] - size,
            "labels": {"classes": kept, "size": size, "join": "code_first"},
            "channels": [sizes[f"c{i}"] for i in range(len(blocks) + 1)],
            "doubles": doubles,
            "attention": attends,
            "reduction": sizes["c0"] // max(sizes["m1"], 1),
            "truncation": truncation,
        }

    assumed = {"truncation": "1", "epsilon": f"{EPSILON:g}", "doubles": _spell(doubles)}
    return Plan(
        tuple(rows),
        configure,
        assumed={name: value for name, value in assumed.items() if name not in options.values},
    )


def _first_rows(state: StateDict) -> list[Row]:
    """Rows of the layer from the condition to 4 x 4, whose outputs are (y, x, channel)."""
    name = "generator.gen_z"
    shape: Shape = ((16, "c0"), "condition")
    fill = lambda w: w.reshape(4, 4, -1, w.shape[1]).swapaxes(2, 3)  # noqa: E731
    return [
        row("layer0.kernel", weight_of(state, name, shape).then(fill)),
        Row("layer0.bias", {f"{name}.bias": shape[:1]}, lambda bias: bias.reshape(4, 4, -1)),
    ]


def _three(row: Row) -> Row:
    """Cuts the image to three channels: the others are computed by the package and not used."""
    return Row(row.target, row.sources, lambda *values: row.transform(*values)[..., :3])


def _at_truncation(table: np.ndarray, truncation: float) -> np.ndarray:
    """Returns the row of a truncation; between two rows the package's own mixture of both."""
    part, start = math.modf(truncation / (1.0 / (len(table) - 1))) if len(table) > 1 else (0.0, 0.0)
    last = len(table) - 1
    first, second = (table[min(int(start) + k, last)] for k in (0, 1))
    return part * first + (1 - part) * second if part else first


def _doubles(options: Options, blocks: int) -> list[bool]:
    text = options.text("doubles")
    if text is None:
        return [k % 2 == 1 for k in range(blocks)]
    words = [word.strip().lower() for word in text.split(",")]
    if len(words) != blocks or not all(word in FLAGS for word in words):
        raise SettingError(
            f"option doubles={text}: yes or no is needed for each of {blocks} blocks"
        )
    return [FLAGS[word] for word in words]


def _spell(doubles: list[bool]) -> str:
    return ",".join("yes" if double else "no" for double in doubles)


def _matches(shapes: Shapes) -> bool:
    return "embeddings.weight" in shapes and any(
        key.startswith("generator.gen_z.") for key in shapes
    )


LAYOUTS = (Layout("biggan", "pytorch-pretrained-biggan", _matches, plan),)
