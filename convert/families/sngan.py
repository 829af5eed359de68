"""SNGAN and its kin in the layout of torch-mimicry.

DCGAN, WGAN-GP, SSGAN, InfoMax-GAN, cGAN-PD and SAGAN are the same network of residual blocks there.
The last two have a label in every norm, SAGAN also spectral norm and a self-attention, whose place
the number of blocks tells.
"""

from typing import Any

import numpy as np

from mgp_jax.errors import CheckpointError

from ..layout import Layout, Plan, Row, Shape, Shapes, Sizes, count
from ..options import Options
from ..stack.folding import Source, constant, join
from ..stack.kinds import is_square
from ..wrappers import StateDict
from .residual import attention_rows, label_rows, layer_rows, norm_rows, row, weight_of

EPSILON = 1e-5
ATTENTION = ("theta", "phi", "g", "o")
ATTENDS = {3: 2, 5: 3}  # behind which of so many blocks; as published for 32 and 128 pixels
COUNTER = "a counter of training steps"


def plan(state: StateDict, options: Options) -> Plan:
    """Plan for torch-mimicry."""
    shapes = state.shapes
    blocks = count(shapes, r"block(\d{1,2})\.") - 2
    pixels = _pixels(shapes)
    latent = (*(shapes.get("l1.weight") or shapes.get("l1.weight_orig") or ()), 0, 0)[1]
    embedding = shapes.get("block2.b1.embed.weight", ())
    classes = embedding[0] if len(embedding) == 2 else 0
    label = options.label(classes) if classes else None
    rows = _first_rows(state, pixels)
    if classes:
        rows += label_rows(constant(np.eye(classes)), classes, label)
    for i in range(1, blocks + 1):
        name, target, one, other = f"block{i + 1}", f"layer{i}", f"c{i - 1}", f"c{i}"
        for k, width in enumerate((one, other)):
            norm = f"{name}.b{k + 1}"
            rows += _norm_rows(f"{target}.norm{k}", norm, width, (latent, classes))
            rows += layer_rows(state, f"{target}.conv{k}", f"{name}.c{k + 1}", other, width, 3)
        rows += layer_rows(state, f"{target}.shortcut", f"{name}.c_sc", other, one, 1)
    attends = []
    if "attn_block.gamma" in shapes:
        if blocks not in ATTENDS:
            raise CheckpointError(f"self-attention somewhere in {blocks} blocks; 3 or 5 are known")
        attends = [ATTENDS[blocks]]
        behind = f"c{attends[0]}"
        rows += attention_rows(
            state, f"layer{attends[0]}.attention", "attn_block", ATTENTION, behind
        )
    last = f"c{blocks}"
    rows += _norm_rows("to_rgb.norm", f"b{blocks + 2}", last, (0, 0))
    rows += layer_rows(state, "to_rgb", f"c{blocks + 2}", "image", last, 3)

    def configure(sizes: Sizes) -> dict[str, Any]:
        kept = 1 if label is not None else classes
        labels = {"labels": {"classes": kept, "size": classes, "join": "code_first"}}
        return {
            "latent_size": sizes["latent"],
            "channels": [sizes[f"c{i}"] for i in range(blocks + 1)],
            "start": pixels,
            "attention": attends,
            "image_channels": sizes["image"],
            **(labels if classes else {}),
        }

    return Plan(tuple(rows), configure, {"*.num_batches_tracked": COUNTER}, {})


def _pixels(shapes: Shapes) -> int:
    """Returns the height of the first map: its layer makes so many numbers for every channel."""
    outputs = (*shapes.get("l1.bias", ()), 0)[0]
    first = shapes.get("block2.c1.weight") or shapes.get("block2.c1.weight_orig") or (0, 0)
    channels = first[1] if len(first) == 4 else 0
    if not channels or not is_square(outputs, channels):
        raise CheckpointError(f"l1 makes {outputs} numbers, which are no square map")
    return round((outputs // channels) ** 0.5)


def _first_rows(state: StateDict, pixels: int) -> list[Row]:
    """Rows of the layer from the code to the first map, whose outputs are (channel, y, x)."""
    shape: Shape = ((pixels**2, "c0"), "latent")

    def fill(values: np.ndarray) -> np.ndarray:
        maps = values.reshape(-1, pixels, pixels, *values.shape[1:])
        return np.moveaxis(maps, 0, -1)

    return [
        row("layer0.kernel", weight_of(state, "l1", shape).then(fill)),
        Row("layer0.bias", {"l1.bias": shape[:1]}, fill),
    ]


def _norm_rows(target: str, name: str, channels: str, about: tuple[int, int]) -> list[Row]:
    """Rows of a norm; `about` are the length of a code and the number of classes, 0 without."""
    latent, classes = about
    inner = f"{name}.bn" if classes else name
    mean, variance = (Source({f"{inner}.running_{what}": (channels,)}) for what in ("mean", "var"))
    known = mean, variance.then(lambda v: v + EPSILON)
    names = (f"{target}.scale", f"{target}.shift")
    if not classes:
        factor, summand = (Source({f"{name}.{part}": (channels,)}) for part in ("weight", "bias"))
        return norm_rows(names, factor, summand, *known)
    # The label alone sets factor and summand; the code, which stands in front of it, does not.
    table = Source({f"{name}.embed.weight": (classes, (2, channels))})

    def half(which: int):
        def take(rows: np.ndarray) -> np.ndarray:
            columns = np.split(rows, 2, axis=1)[which]
            return np.concatenate([np.zeros((latent, columns.shape[1])), columns])

        return table.then(take)

    none = join(lambda mean: np.zeros_like(mean), mean)
    kernels = (f"{target}.scale_kernel", f"{target}.shift_kernel")
    return [
        row(names[0], none),
        row(names[1], none),
        *norm_rows(kernels, half(0), half(1), *known),
    ]


def _matches(shapes: Shapes) -> bool:
    return "l1.bias" in shapes and any(key.startswith("block2.c_sc.") for key in shapes)


LAYOUTS = (Layout("sngan", "torch-mimicry", _matches, plan),)
