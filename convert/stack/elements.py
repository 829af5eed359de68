"""The elements of a stack in PyTorch's terms, with everything known about them.

Layers without tensors are those of `mgp_jax` itself: `Activation`, `Upsample`, `PixelShuffle`,
`Pad`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mgp_jax.generators.stack_base import Layer

from .parts import Part

Pair = tuple[int, int]
SAME = "same"


@dataclass(frozen=True)
class Linear:
    """A linear layer; its weight is (out, in)."""

    part: Part


@dataclass(frozen=True)
class Kernel:
    """A convolution or a transposed convolution.

    Attributes:
        part: the module.
        transposed: which of the two; the weight is (out, in, h, w) or (in, out, h, w).
        stride: rows and columns.
        padding: rows and columns; or `SAME`, for an output as large as the input.
        output_padding: rows and columns.
    """

    part: Part
    transposed: bool
    stride: Pair = (1, 1)
    padding: Pair | str = (0, 0)
    output_padding: Pair = (0, 0)

    @property
    def inputs(self) -> int:
        """Channels of the input."""
        return self.part.weight[0 if self.transposed else 1]

    @property
    def outputs(self) -> int:
        """Channels of the output."""
        return self.part.weight[1 if self.transposed else 0]


@dataclass(frozen=True)
class Norm:
    """A norm.

    Attributes:
        part: the module, which may have no tensors.
        groups: None for the stored statistics; the number of groups of channels that are
            normalised together; 0 for every channel by itself.
        epsilon: added to the variance.
    """

    part: Part
    groups: int | None = None
    epsilon: float = 1e-5


@dataclass(frozen=True)
class Slope:
    """A PReLU."""

    part: Part


@dataclass(frozen=True)
class Shape:
    """What a vector is reshaped to: channels, height and width."""

    channels: int
    height: int
    width: int


Element = Linear | Kernel | Norm | Slope | Shape | Layer


@dataclass(frozen=True)
class Stack:
    """All elements of a stack, in order.

    Attributes:
        elements: the elements, without what the image ends in.
        output: `tanh`, `sigmoid` or `none`.
        latent: distribution of the latent code, `normal` or `uniform`.
        assumed: what the file does not show and nobody set, by the option that sets it.
    """

    elements: tuple[Element, ...]
    output: str
    latent: str
    assumed: Mapping[str, str] = field(default_factory=dict)
