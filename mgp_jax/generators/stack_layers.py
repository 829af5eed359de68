"""The kinds of layers of sequential generators, as data that knows how to act.

Kernels are those of correlations: that of a transposed convolution is flipped in both axes
beforehand, and is applied to the input with zeros put between its pixels.
"""

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from mgp_jax.errors import SettingError
from mgp_jax.generators.convolution import DIMENSIONS, convolve_transposed, correlate
from mgp_jax.generators.layers import pixel_shuffle, upsample_nearest
from mgp_jax.generators.stack_base import NO_MARGINS, Arrays, Layer, Margins, Pair, Size, Weighted
from mgp_jax.generators.stack_pointwise import Activation, Affine, GroupNorm, PReLU


@dataclass(frozen=True)
class Dense(Weighted):
    """A linear layer from a vector to a map: out[y, x, o] = sum_i in[i] kernel[y, x, i, o] + bias.

    Attributes:
        height: of the map.
        width: of the map.
        channels: of the map.
        bias_per_pixel: whether every pixel has a bias of its own.
    """

    height: int
    width: int
    channels: int
    bias_per_pixel: bool = False
    kind: str = field(default="dense", init=False)

    def size(self, size: Size) -> Size:
        """Returns the size of the map."""
        if size[:2] != (1, 1):
            raise SettingError(f"layers: a dense layer on a map of {size}, a vector is needed")
        return self.height, self.width, self.channels

    def parameters(self, size: Size, gain: float, rngs: nnx.Rngs) -> dict[str, nnx.Param]:
        """Returns a random kernel and a bias of zeros."""
        made = self.height, self.width, self.channels
        kernel = rngs.params.normal((*made[:2], size[2], self.channels))
        bias = jnp.zeros(made if self.bias_per_pixel else self.channels)
        return {"kernel": nnx.Param(gain / size[2] ** 0.5 * kernel), "bias": nnx.Param(bias)}

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Maps float[N, 1, 1, I] to float[N, height, width, channels]."""
        return jnp.einsum("ni,yxio->nyxo", x[:, 0, 0], params["kernel"]) + params["bias"]


@dataclass(frozen=True)
class Convolution(Weighted):
    """A convolution (correlation).

    Attributes:
        channels: of the output.
        kernel: rows and columns.
        stride: rows and columns.
        padding: zeros around the input.
    """

    channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Margins = NO_MARGINS
    kind: str = field(default="convolution", init=False)

    def size(self, size: Size) -> Size:
        """Returns the size of the output."""
        sides = zip(size, self.kernel, self.stride, self.padding, strict=False)
        height, width = ((n + sum(p) - k) // s + 1 for n, k, s, p in sides)
        return height, width, self.channels

    def is_same(self, size: int) -> bool:
        """Whether the kernel is size x size and the output as large as the input."""
        margin = (size // 2, size // 2)
        found = self.kernel, self.stride, self.padding
        return found == ((size, size), (1, 1), (margin, margin))

    def parameters(self, size: Size, gain: float, rngs: nnx.Rngs) -> dict[str, nnx.Param]:
        """Returns a random kernel and a bias of zeros."""
        return _random(self, size, gain / (size[2] * np.prod(self.kernel)) ** 0.5, rngs)

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Correlates with the kernel and adds the bias."""
        kernel = params["kernel"]
        (top, bottom), (left, right) = self.padding
        y: Any  # what has a gradient of its own is typed as an object
        if self.stride != (1, 1):
            y = lax.conv_general_dilated(
                x, kernel, self.stride, self.padding, dimension_numbers=DIMENSIONS
            )
        elif (top, left) == (bottom, right):
            y = correlate(x, kernel, (top, left))
        else:
            y = correlate(enlarge(x, self.padding), kernel, 0)
        return y + params["bias"]


@dataclass(frozen=True)
class Transposed(Weighted):
    """A transposed convolution.

    Attributes:
        channels: of the output.
        kernel: rows and columns.
        stride: rows and columns.
        padding: how much of the output is cut off at each side; an output padding makes the second
            number of each pair smaller, and a negative number adds pixels of zeros.
    """

    channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Margins = NO_MARGINS
    kind: str = field(default="transposed", init=False)

    def size(self, size: Size) -> Size:
        """Returns the size of the output."""
        sides = zip(size, self.kernel, self.stride, self.padding, strict=False)
        height, width = ((n - 1) * s + k - sum(p) for n, k, s, p in sides)
        return height, width, self.channels

    def parameters(self, size: Size, gain: float, rngs: nnx.Rngs) -> dict[str, nnx.Param]:
        """Returns a random kernel and a bias of zeros."""
        seen = size[2] * np.prod(self.kernel) / np.prod(self.stride)
        return _random(self, size, gain / seen**0.5, rngs)

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Correlates the input, with zeros between its pixels, with the kernel; adds the bias."""
        return self._correlate(x, params["kernel"]) + params["bias"]

    def _correlate(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        rows, columns = self.kernel
        square = rows if rows == columns else 0
        if self.stride == (1, 1):
            y: Any = correlate(x, kernel, (rows - 1, columns - 1))
            return enlarge(y, _minus(self.padding, 0))
        if self.stride == (2, 2) and square == 3:
            return enlarge(convolve_transposed(x, kernel), _minus(self.padding, 0))
        if self.stride == (2, 2) and square == 2:
            wider = jnp.pad(kernel, ((1, 1), (1, 1), (0, 0), (0, 0)))
            return enlarge(convolve_transposed(x, wider), _minus(self.padding, 0))
        if self.stride == (2, 2) and square == 4 and min(map(min, self.padding)) >= 1:
            # This leaves the outermost pixels out.
            return enlarge(convolve_transposed(x, kernel), _minus(self.padding, 1))
        sides = zip(self.kernel, self.padding, strict=True)
        pads = [(k - 1 - before, k - 1 - behind) for k, (before, behind) in sides]
        return lax.conv_general_dilated(
            x, kernel, (1, 1), pads, lhs_dilation=self.stride, dimension_numbers=DIMENSIONS
        )


@dataclass(frozen=True)
class Upsample(Layer):
    """Enlargement by a whole factor.

    Attributes:
        factor: how many times.
        method: `nearest`; `bilinear`, where pixels are squares; or `bilinear_aligned`, where they
            are points and the corners stay (`align_corners` of PyTorch).
    """

    factor: int
    method: str = "nearest"
    kind: str = field(default="upsample", init=False)

    def __post_init__(self) -> None:
        if self.method not in ("nearest", "bilinear", "bilinear_aligned"):
            raise SettingError(f"layers: upsampling by {self.method}")

    def size(self, size: Size) -> Size:
        """Returns the enlarged size."""
        return self.factor * size[0], self.factor * size[1], size[2]

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Enlarges the map."""
        if self.method == "nearest":
            return upsample_nearest(x, self.factor)
        rows, columns = (self._weights(n).astype(x.dtype) for n in x.shape[1:3])
        return jnp.einsum("nhwc,yh,xw->nyxc", x, rows, columns)

    def _weights(self, size: int) -> np.ndarray:
        """Returns how much each old pixel of an axis counts in each new one: [new, old]."""
        count = self.factor * size
        if self.method == "bilinear_aligned":
            places = np.linspace(0, size - 1, count)
        else:
            places = np.clip((np.arange(count) + 0.5) / self.factor - 0.5, 0, size - 1)
        distance = np.abs(places[:, None] - np.arange(size))
        return np.maximum(0.0, 1.0 - distance)


@dataclass(frozen=True)
class PixelShuffle(Layer):
    """Enlargement that takes the new pixels from channels (Shi et al. 2016).

    Attributes:
        factor: how many times.
    """

    factor: int
    kind: str = field(default="pixel_shuffle", init=False)

    def size(self, size: Size) -> Size:
        """Returns the enlarged size."""
        channels, rest = divmod(size[2], self.factor**2)
        if rest:
            raise SettingError(f"layers: {size[2]} channels shuffled by {self.factor}")
        return self.factor * size[0], self.factor * size[1], channels

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Maps float[N, H, W, f f C] to float[N, f H, f W, C]; channel c f f + row f + column."""
        return pixel_shuffle(x, self.factor)


@dataclass(frozen=True)
class Pad(Layer):
    """Padding by what is in the map.

    Attributes:
        margins: pixels at each side.
        mode: `reflect` or `edge`.
    """

    margins: Margins
    mode: str
    kind: str = field(default="pad", init=False)

    def __post_init__(self) -> None:
        if self.mode not in ("reflect", "edge"):
            raise SettingError(f"layers: padding by {self.mode}")

    def size(self, size: Size) -> Size:
        """Returns the padded size."""
        return size[0] + sum(self.margins[0]), size[1] + sum(self.margins[1]), size[2]

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Pads the map."""
        return jnp.pad(x, ((0, 0), *self.margins, (0, 0)), self.mode)


KINDS: dict[str, type[Layer]] = {
    kind.kind: kind
    for kind in (
        *(Dense, Convolution, Transposed, Upsample, PixelShuffle, Pad),
        *(Affine, GroupNorm, Activation, PReLU),
    )
}


def enlarge(x: jax.Array, margins: Margins) -> jax.Array:
    """Puts zeros around the map, or cuts off where margins are negative."""
    if margins == NO_MARGINS:
        return x
    zero = jnp.zeros((), x.dtype)
    return lax.pad(x, zero, ((0, 0, 0), *((*pair, 0) for pair in margins), (0, 0, 0)))


def _minus(padding: Margins, done: int) -> Margins:
    """Returns the margins that cut off a padding of which `done` pixels are cut off already."""
    (top, bottom), (left, right) = padding
    return ((done - top, done - bottom), (done - left, done - right))


def _random(
    layer: Convolution | Transposed, size: Size, scale: float, rngs: nnx.Rngs
) -> dict[str, nnx.Param]:
    kernel = scale * rngs.params.normal((*layer.kernel, size[2], layer.channels))
    return {"kernel": nnx.Param(kernel), "bias": nnx.Param(jnp.zeros(layer.channels))}
