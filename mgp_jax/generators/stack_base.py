"""A layer of a sequential generator as data: what every kind of layer says of itself.

Every layer maps float[N, H, W, I] to float[N, H', W', O].
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
from flax import nnx

Size = tuple[int, int, int]  # height, width, channels
Pair = tuple[int, int]  # rows, columns
Margins = tuple[Pair, Pair]  # (top, bottom), (left, right)
Arrays = Mapping[str, jax.Array]

NO_MARGINS: Margins = ((0, 0), (0, 0))


def frozen(value: Any) -> Any:
    """Returns lists as tuples, all the way down."""
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class Layer:
    """A layer without weights that leaves the size as it is.

    Attributes:
        kind: what it is called in a weights file.
    """

    names: ClassVar[tuple[str, ...]] = ()

    kind: str = field(default="", init=False)

    def size(self, size: Size) -> Size:
        """Returns height, width and channels of what it makes of a map."""
        return size

    def parameters(self, size: Size, gain: float, rngs: nnx.Rngs) -> dict[str, nnx.Param]:
        """Returns random parameters for a map of a size; their names are `names`."""
        return {}

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Maps float[N, H, W, I] to float[N, H', W', O]."""
        raise NotImplementedError


@dataclass(frozen=True)
class Weighted(Layer):
    """A layer with a kernel and a bias."""

    names: ClassVar[tuple[str, ...]] = ("kernel", "bias")
