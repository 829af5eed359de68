"""Tells convolutions from transposed ones: their weights differ in the order of two axes only."""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

from mgp_jax.errors import CheckpointError

from .parts import Part

SHUFFLES = (2, 3, 4)
TRANSPOSED_NAME = re.compile(r"deconv|transp|convt|tconv|dconv|conv_t", re.IGNORECASE)


def find_kinds(
    weights: Sequence[Part], norms: Callable[[int], int], hints: Sequence[bool | None]
) -> tuple[list[bool], list[int]]:
    """Follows the channels from layer to layer.

    Args:
        weights: the layers with weights of two axes (linear) or four.
        norms: the channels of the norm behind the layer of an index; 0 if there is none.
        hints: for every layer, whether it is transposed, where somebody said so.

    Returns: for every layer whether it is a transposed convolution, and the indices of those of
        which the shapes do not tell.

    Raises:
        CheckpointError: a layer does not take what the one before it makes.
    """
    found: list[bool | None] = []
    channels = 0
    for i, part in enumerate(weights):
        shape = part.weight
        if len(shape) == 2:
            _check(not channels or shape[1] == channels, weights, i, channels)
            found.append(False)
            channels = shape[0]
            continue
        if i and len(weights[i - 1].weight) == 2:
            # A vector is reshaped to a square map; a norm of it tells the channels.
            norm = norms(i - 1)
            given = [norm] if norm and norm != channels else [shape[0], shape[1]]
            fits = [c for c in given if is_square(channels, c)]
        else:
            fits = [channels] if i else [shape[0]]
            if not set(fits) & set(shape[:2]):
                # A pixel shuffle takes new pixels from channels.
                fits = [channels // f**2 for f in SHUFFLES if channels % f**2 == 0]
        transposed, plain = shape[0] in fits, shape[1] in fits and i > 0
        _check(transposed or plain, weights, i, channels)
        hint = hints[i]
        if transposed and plain:
            found.append(hint)
        else:
            found.append(transposed)
        is_transposed = transposed if hint is None or not (transposed and plain) else hint
        channels = shape[1] if is_transposed else shape[0]
    open_ones = [i for i, kind in enumerate(found) if kind is None]
    usual = _usual(weights, found)
    pairs = zip(weights, found, strict=True)
    kinds = [usual(part) if kind is None else kind for part, kind in pairs]
    return kinds, open_ones


def is_square(features: int, channels: int) -> bool:
    """Whether a vector can be a square map of so many channels."""
    pixels, rest = divmod(features, max(channels, 1))
    return not rest and pixels > 0 and math.isqrt(pixels) ** 2 == pixels


def _usual(weights: Sequence[Part], found: Sequence[bool | None]) -> Callable[[Part], bool]:
    """Returns what a layer is most likely to be whose shape does not tell."""
    votes: Counter[tuple[tuple[int, ...], bool]] = Counter(
        (part.weight[2:], kind)
        for part, kind in zip(weights[1:], found[1:], strict=True)
        if kind is not None and len(part.weight) == 4
    )

    def guess(part: Part) -> bool:
        if TRANSPOSED_NAME.search(part.name):
            return True
        kernel = part.weight[2:]
        for_it, against = votes[kernel, True], votes[kernel, False]
        return for_it > against or (for_it == against and kernel[0] % 2 == 0)

    return guess


def _check(fits: bool, weights: Sequence[Part], i: int, channels: int) -> None:
    if not fits:
        raise CheckpointError(
            f"not a plain stack of layers: {weights[i].name or 'the weight'} is "
            f"{list(weights[i].weight)}, which does not take the {channels} channels of "
            f"{weights[i - 1].name}"
        )
