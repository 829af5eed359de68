"""What the layouts of lucidrains' packages share: their self-attention, images, blur."""

from fnmatch import fnmatchcase

import numpy as np

from mgp_jax.errors import CheckpointError
from mgp_jax.generators.linear_attention import HEADS, SIZE

from ..layout import Row, Shape, Size
from ..transforms import hwio, keep
from ..wrappers import StateDict

INNER = HEADS * SIZE
BLUR = (1, 2, 1)
ALPHA = "left out (images of four channels are cut to three)"


def attention_rows(target: str, norm: str, attention: str, channels: str, near: bool) -> list[Row]:
    """Returns the rows of a self-attention behind a norm.

    Args:
        target: our name of it.
        norm: the package's name of the norm.
        attention: the package's name of the rest.
        channels: of the map.
        near: whether pixels also attend to their neighbours, in `lightweight_gan`.
    """
    far = "lin_" if near else ""
    key_value = f"{attention}.to_{far}kv.net"
    depthwise: dict[str, Shape] = {f"{key_value}.0.weight": (channels, 1, 3, 3)}
    rows = [
        *norm_rows(f"{target}.norm", norm, channels),
        Row(f"{target}.depthwise", depthwise, lambda weight: hwio(weight)[:, :, 0]),
        pointwise(f"{target}.query", f"{attention}.to_{far}q", INNER, channels),
        pointwise(f"{target}.key_value", f"{key_value}.1", 2 * INNER, channels),
        pointwise(f"{target}.out", f"{attention}.to_out", channels, INNER * (1 + near)),
        Row(f"{target}.bias", {f"{attention}.to_out.bias": (channels,)}, keep),
    ]
    if near:
        rows += [
            pointwise(f"{target}.near_query", f"{attention}.to_q", INNER, channels),
            pointwise(f"{target}.near_key_value", f"{attention}.to_kv", 2 * INNER, channels),
        ]
    return rows


def norm_rows(target: str, name: str, channels: str) -> list[Row]:
    """Returns the rows of a norm over the channels of a pixel."""
    shape: Shape = (1, channels, 1, 1)
    parts = {"scale": f"{name}.g", "shift": f"{name}.b"}
    return [Row(f"{target}.{part}", {key: shape}, np.ravel) for part, key in parts.items()]


def pointwise(target: str, name: str, outputs: Size, inputs: Size) -> Row:
    """Returns the row of the weight of a 1x1 convolution."""
    return Row(target, {f"{name}.weight": (outputs, inputs, 1, 1)}, lambda w: w[:, :, 0, 0].T)


def dense_rows(target: str, name: str, outputs: Size, inputs: Size) -> list[Row]:
    """Returns the rows of a 1x1 convolution with a bias."""
    bias = Row(f"{target}.bias", {f"{name}.bias": (outputs,)}, keep)
    return [pointwise(f"{target}.kernel", name, outputs, inputs), bias]


def check_blur(state: StateDict, pattern: str) -> dict[str, str]:
    """Checks that stored filters are the ones that `mgp_jax` has built in.

    Args:
        state: the state dict.
        pattern: names of the filters.

    Returns: the pattern, with the reason why nothing is made from these tensors.

    Raises:
        CheckpointError: a filter is another one.
    """
    for key, value in state.tensors.items():
        if fnmatchcase(key, pattern) and not np.array_equal(value, BLUR):
            raise CheckpointError(f"{key} is not the filter {BLUR}, the only one supported")
    return {pattern: f"the filter {BLUR}, which is built in"}
