"""The kinds of layers of sequential generators, as data that knows how to act.

Every layer maps float[N, H, W, I] to float[N, H', W', O]. Kernels are those of correlations: that
of a transposed convolution is flipped in both axes beforehand, and is applied to the input with
zeros put between its pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from mgp_jax.errors import SettingError
from mgp_jax.generators.convolution import DIMENSIONS, convolve_transposed, correlate
from mgp_jax.generators.layers import upsample_nearest

Size = tuple[int, int, int]  # height, width, channels
Pair = tuple[int, int]  # rows, columns
Margins = tuple[Pair, Pair]  # (top, bottom), (left, right)
Arrays = Mapping[str, jax.Array]

NO_MARGINS: Margins = ((0, 0), (0, 0))
ACTIVATIONS = {
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": jax.nn.gelu,
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
}
WITH_PARAMETER = ("leaky_relu", "elu")  # slope, alpha


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
        n, h, w, _ = x.shape
        f = self.factor
        x = x.reshape(n, h, w, -1, f, f).transpose(0, 1, 4, 2, 5, 3)
        return x.reshape(n, f * h, f * w, -1)


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


@dataclass(frozen=True)
class Affine(Layer):
    """A factor and a summand for every channel: a norm with fixed statistics.

    Attributes:
        per_pixel: whether every pixel has its own.
    """

    names: ClassVar[tuple[str, ...]] = ("scale", "shift")

    per_pixel: bool = False
    kind: str = field(default="affine", init=False)

    def parameters(self, size: Size, gain: float, rngs: nnx.Rngs) -> dict[str, nnx.Param]:
        """Returns ones and zeros."""
        shape = size if self.per_pixel else size[2:]
        return {"scale": nnx.Param(jnp.ones(shape)), "shift": nnx.Param(jnp.zeros(shape))}

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Multiplies and adds."""
        return x * params["scale"] + params["shift"]


@dataclass(frozen=True)
class GroupNorm(Affine):
    """Brings groups of channels to mean 0 and variance 1 over space, then multiplies and adds.

    Source: Wu and He 2018; with one channel in a group, instance norm (Ulyanov et al. 2016).

    Attributes:
        groups: their number; 0 for one of every channel.
        epsilon: added to the variance.
    """

    groups: int = 0
    epsilon: float = 1e-5
    kind: str = field(default="group_norm", init=False)

    def size(self, size: Size) -> Size:
        """Returns the size as it is."""
        if self.groups and size[2] % self.groups:
            raise SettingError(f"layers: {size[2]} channels in {self.groups} groups")
        return size

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Normalises every image by itself."""
        n, h, w, c = x.shape
        grouped = x.reshape(n, h, w, self.groups or c, -1)
        mean = jnp.mean(grouped, (1, 2, 4), keepdims=True)
        variance = jnp.var(grouped, (1, 2, 4), keepdims=True)
        x = ((grouped - mean) * lax.rsqrt(variance + self.epsilon)).reshape(x.shape)
        return super().__call__(x, params)


@dataclass(frozen=True)
class Activation(Layer):
    """An activation function.

    Attributes:
        name: one of `ACTIVATIONS`.
        parameter: the slope of `leaky_relu` below 0, or the alpha of `elu`.
    """

    name: str
    parameter: float | None = None
    kind: str = field(default="activation", init=False)

    def __post_init__(self) -> None:
        if self.name not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise SettingError(f"layers: activation {self.name}, choose from {known}")
        if (self.parameter is not None) != (self.name in WITH_PARAMETER):
            raise SettingError(f"layers: activation {self.name} of {self.parameter}")

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Applies the function to every number."""
        function = ACTIVATIONS[self.name]
        return function(x) if self.parameter is None else function(x, self.parameter)


@dataclass(frozen=True)
class PReLU(Layer):
    """A leaky ReLU with a learned slope (He et al. 2015).

    Attributes:
        shared: whether all channels have one slope.
    """

    names: ClassVar[tuple[str, ...]] = ("slope",)

    shared: bool = False
    kind: str = field(default="prelu", init=False)

    def parameters(self, size: Size, gain: float, rngs: nnx.Rngs) -> dict[str, nnx.Param]:
        """Returns slopes of a quarter."""
        return {"slope": nnx.Param(jnp.full(1 if self.shared else size[2], 0.25))}

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Multiplies what is below 0 by the slope."""
        return jnp.where(x >= 0, x, params["slope"] * x)


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
