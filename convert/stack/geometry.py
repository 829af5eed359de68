"""Strides and paddings, which no state dict shows: given, published, or usual for the kernel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mgp_jax.errors import CheckpointError

from .elements import SAME, Kernel, Pair
from .options import StackOptions, spell_list
from .parts import Part

ASK = "say how with --option strides=S,S,... --option paddings=P,P,..., a number for each of"


@dataclass(frozen=True)
class Site:
    """A convolution and where it stands.

    Attributes:
        part: the module.
        transposed: whether it is a transposed one.
        on_vector: whether its input has one pixel.
    """

    part: Part
    transposed: bool
    on_vector: bool


def place_kernels(
    sites: Sequence[Site], options: StackOptions
) -> tuple[list[Kernel], Mapping[str, str]]:
    """Returns the convolutions with strides and paddings, and what of these was assumed.

    Raises:
        CheckpointError: neither the file nor the options tell, and no stride is usual.
        SettingError: an option is not a list of the right length.
    """
    count = len(sites)
    strides = options.numbers("strides", count)
    paddings = options.paddings(count)
    output_paddings = options.numbers("output_paddings", count)
    kernels = []
    for i, site in enumerate(sites):
        size: Pair = site.part.weight[2:]  # type: ignore[assignment]
        sides = [
            _usual(site, k, strides[i] if strides else None, paddings[i] if paddings else None)
            for k in size
        ]
        if None in sides:
            names = ", ".join(other.part.name for other in sites)
            raise CheckpointError(
                f"{site.part.name} has a kernel of {size[0]} x {size[1]}, for which no stride and "
                f"padding are usual; {ASK} {names}"
            )
        (s, p, o), (t, q, n) = sides  # type: ignore[misc]
        if output_paddings:
            o = n = output_paddings[i]
        padding: Any = SAME if SAME in (p, q) else (p, q)
        kernels.append(Kernel(site.part, site.transposed, (s, t), padding, (o, n)))
    assumed = {}
    if not strides and kernels:
        assumed["strides"] = spell_list([k.stride[0] for k in kernels], always=True)
    if not paddings and kernels:
        values = [k.padding if isinstance(k.padding, str) else k.padding[0] for k in kernels]
        assumed["paddings"] = spell_list(values, always=True)
    if not output_paddings and any(k.output_padding[0] for k in kernels):
        values = [k.output_padding[0] for k in kernels]
        assumed["output_paddings"] = spell_list(values, always=True)
    return kernels, assumed


def _usual(
    site: Site, size: int, stride: int | None, padding: int | str | None
) -> tuple[int, int | str, int] | None:
    """Returns stride, padding and output padding along one axis; None if nothing is usual."""
    if not site.transposed:
        if stride is None:
            stride = 1
        if padding is None:
            padding = size // 2 if size % 2 else SAME
        return stride, padding, 0
    if padding == SAME:
        return None
    if stride is None:
        # An even kernel doubles: 4 with padding 1, 2 with 0, 6 with 2. On one pixel nothing counts.
        stride = 1 if site.on_vector or size == 1 else 2 if size % 2 == 0 and size < 8 else None
    if stride is None:
        return None
    if padding is not None:
        return stride, padding, 0
    if site.on_vector:
        return stride, 0, 0
    beyond = size - stride
    if beyond < 0 or (beyond % 2 and stride == 1):
        return None
    # What makes the output `stride` times as large as the input.
    return stride, (beyond + 1) // 2, beyond % 2
