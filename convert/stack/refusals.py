"""Tells what a network is that is no sequential generator, so that a refusal names it."""

import re
from collections.abc import Callable, Sequence

from mgp_jax.errors import CheckpointError

from ..layout import Shapes
from .parts import Part


def _any(pattern: str) -> Callable[[Shapes], bool]:
    compiled = re.compile(pattern)
    return lambda shapes: any(compiled.search(key) for key in shapes)


FEATURES: tuple[tuple[str, Callable[[Shapes], bool]], ...] = (
    (
        "attention",
        _any(r"(^|[._])(attn\w*|attention\w*|query\w*|key_conv|value_conv|gamma_attn)[._]"),
    ),
    (
        "residual connections",
        _any(
            r"(^|[._])(res_?(block|idual|net|layer|blk)?s?_?\d*|rb\d+|skip\w*|\w*shortcut\w*"
            r"|conv_sc|c_sc)[._]"
        ),
    ),
    ("styles", _any(r"(^|[._])(style\w*|modulation|mapping|to_?rgb\w*|rgb_layers|adain\w*)[._]")),
)
DISCRIMINATOR = re.compile(r"disc|critic|(^|[._])(netd|d)([._]|$)", re.IGNORECASE)


def refuse_others(shapes: Shapes, names: Sequence[str]) -> None:
    """Refuses networks that are known to be no plain stack.

    Args:
        shapes: all tensors.
        names: keys that led to the network, which may name it.

    Raises:
        CheckpointError: naming what the network is or has.
    """
    for name in names:
        if DISCRIMINATOR.search(name):
            raise CheckpointError(f"{name} is a discriminator by its name; a generator is needed")
    for feature, test in FEATURES:
        if test(shapes):
            raise CheckpointError(
                f"a network with {feature}, by the names of its tensors; only plain stacks of "
                "layers are supported in this layout"
            )


def refuse_other_ends(weights: Sequence[Part]) -> None:
    """Refuses networks that do not go from a vector to an image.

    Raises:
        CheckpointError: naming what the network is.
    """
    if not weights:
        raise CheckpointError("no layer with weights of 2 or 4 axes")
    if len(weights) == 1:
        raise CheckpointError("a network of one layer only, which is no generator")
    first, last = weights[0].weight, weights[-1].weight
    if len(first) == 4 and first[1] <= 4 and _is_chain(weights):
        if _makes_images(weights):
            raise CheckpointError(
                "an image-to-image network: it takes an image, so there is no latent code to search"
            )
        raise CheckpointError(
            "a discriminator or another network that takes images; a generator is needed"
        )
    if len(first) == 2 and len(last) == 2 and last[0] <= max(2, first[1]):
        raise CheckpointError(
            "a discriminator or another network that makes fewer numbers than it takes; a "
            "generator is needed"
        )


def _makes_images(weights: Sequence[Part]) -> bool:
    """Whether the channels go up and down again; those of a discriminator go up to the end."""
    last = weights[-1].weight
    widest = max(max(part.weight[:2]) for part in weights)
    return len(last) == 4 and min(last[:2]) <= 4 and (last[0] in (2, 3, 4) or last[1] < widest)


def _is_chain(weights: Sequence[Part]) -> bool:
    """Whether the first two layers read as convolutions, and not as transposed ones."""
    first, second = weights[0].weight, weights[1].weight
    return (first[0] in second[:2] and first[1] not in second[:2]) or len(second) == 2
