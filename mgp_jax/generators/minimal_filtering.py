"""Convolutions with fewer multiplications: Winograd's minimal filtering.

A tile of outputs is made of sums and differences of inputs, one matrix product over the channels
for each of them, and sums and differences of the products. Where the channels are many, the matrix
products are all that counts, and there are fewer of them than taps. The rounding is that of the
plain sum, times two to ten. All arrays are NHWC float32.

Source: Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", F(4x4, 3x3) and,
for the four phases of a convolution of stride 2, F(2x2, 2x2).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from mgp_jax.generators.products import multiply

# Pixels that are worked on at a time: more would not be faster, but take more memory.
GROUP = 4096
# Below so many channels or pixels the sums, or the transform of the kernel, cost what is gained.
CHANNELS = 64
PIXELS = 256

Parts = list[jax.Array]


class Filtering(NamedTuple):
    """A convolution along one axis; two-dimensional ones do the same along both.

    Attributes:
        tile: pixels of the input that a tile moves on by.
        split: of an array and its axis, what the products take of the inputs, a list of arrays
            with one entry a tile.
        weigh: of a kernel and its axis, what the inputs are multiplied with; of the same length.
        join: of the products, the pixels of a tile of outputs.
    """

    tile: int
    split: Callable[[jax.Array, int], Parts]
    weigh: Callable[[jax.Array, int], Parts]
    join: Callable[[Parts], Parts]

    def __call__(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        """Filters float[N, H, W, I]; H and W must be multiples of the tile."""
        weights = _both_axes(kernel, (0, 0), self.weigh)

        def group(x: jax.Array) -> jax.Array:
            return _interleave(_multiply(_both_axes(x, (1, 2), self.split), weights), self.join)

        return _in_groups(group, x)

    def pays(self, x: jax.Array, kernel: jax.Array) -> bool:
        """Returns whether this is faster than the plain sum, on CPU, and exact enough."""
        n, h, w, _ = x.shape
        fits = x.dtype == jnp.float32 and h % self.tile == 0 and w % self.tile == 0
        return fits and min(kernel.shape[2:]) >= CHANNELS and n * h * w >= PIXELS


def _split_fours(x: jax.Array, axis: int) -> Parts:
    a, b, c, d, e, f = (_every(x, axis, 4, start) for start in range(-1, 5))
    return [
        4 * a - 5 * c + e,
        d + e - 4 * (b + c),
        e - d + 4 * (b - c),
        e - c + 2 * (d - b),
        e - c - 2 * (d - b),
        4 * b - 5 * d + f,
    ]


def _weigh_fours(kernel: jax.Array, axis: int) -> Parts:
    a, b, c = _taps(kernel, axis)
    even, odd = a / 24 + c / 6, b / 12
    return [a / 4, -(a + b + c) / 6, -(a - b + c) / 6, even + odd, even - odd, c]


def _join_fours(m: Parts) -> Parts:
    inner, outer = m[1] + m[2], m[3] + m[4]
    inner_odd, outer_odd = m[1] - m[2], m[3] - m[4]
    return [
        m[0] + inner + outer,
        inner_odd + 2 * outer_odd,
        inner + 4 * outer,
        inner_odd + 8 * outer_odd + m[5],
    ]


def _split_doubles(x: jax.Array, axis: int) -> Parts:
    """Returns the inputs of the two pixels made of one: it, and the steps to its neighbours."""
    before, here, behind = (_every(x, axis, 1, start) for start in (-1, 0, 1))
    return [before - here, here, behind - here]


def _weigh_doubles(kernel: jax.Array, axis: int) -> Parts:
    a, b, c = _taps(kernel, axis)
    return [a, a + b + c, c]


def _join_doubles(m: Parts) -> Parts:
    return [m[0] + m[1], m[1] + m[2]]


def _split_phases(x: jax.Array, axis: int) -> Parts:
    """Returns the inputs of the even and odd pixels made of two; of four, every other is even."""
    a, b, c, d = (_every(x, axis, 2, start) for start in range(-1, 3))
    return [a - b, b, b - c, b - c, c, c - d]


def _weigh_phases(kernel: jax.Array, axis: int) -> Parts:
    a, b, c, d = _taps(kernel, axis)
    return [a, a + c, c, b, b + d, d]


def _join_phases(m: Parts) -> Parts:
    return [m[0] + m[1], m[3] + m[4], m[1] - m[2], m[4] - m[5]]


def _split_strided(x: jax.Array, axis: int) -> Parts:
    """Returns the even and the odd inputs of two pixels, as channels side by side."""
    a, b, c, d, e, f = (_every(x, axis, 4, start) for start in range(-1, 5))
    pairs = ((a - c, b - d), (c, d), (c - e, d - f))
    return [jnp.concatenate(pair, -1) for pair in pairs]


def _weigh_strided(kernel: jax.Array, axis: int) -> Parts:
    a, b, c, d = _taps(kernel, axis)
    return [jnp.concatenate(pair, -2) for pair in ((a, b), (a + c, b + d), (c, d))]


def _join_strided(m: Parts) -> Parts:
    return [m[0] + m[1], m[1] - m[2]]


# A 3x3 kernel, stride 1, zero padding that keeps the size: 36 instead of 144 products for a tile of
# 4x4 pixels. float[N, H, W, I] to float[N, H, W, O].
convolve = Filtering(4, _split_fours, _weigh_fours, _join_fours)

# Twice the resolution by nearest neighbour, then a 3x3 kernel: 9 instead of 36 products for every
# input pixel. float[N, H, W, I] to float[N, 2 H, 2 W, O].
convolve_upsampled = Filtering(1, _split_doubles, _weigh_doubles, _join_doubles)

# A 4x4 kernel over the zero-stuffed input, as `convolution.convolve_transposed`: 36 instead of 64
# products for 2x2 input pixels. float[N, H, W, I] to float[N, 2 H, 2 W, O].
convolve_transposed = Filtering(2, _split_phases, _weigh_phases, _join_phases)

# A 4x4 kernel, stride 2, padding 1: the adjoint of the one before, with as many products.
# float[N, 2 H, 2 W, I] to float[N, H, W, O].
convolve_strided = Filtering(4, _split_strided, _weigh_strided, _join_strided)


def _every(x: jax.Array, axis: int, stride: int, start: int) -> jax.Array:
    """Returns every `stride`-th pixel of an axis from `start` on, zero outside of the image."""
    size = x.shape[axis] // stride
    padding = [(0, 0, 0)] * x.ndim
    padding[axis] = (-start, start + (size - 1) * stride + 1 - x.shape[axis], 0)
    moved = lax.pad(x, jnp.zeros((), x.dtype), padding)
    return lax.slice_in_dim(moved, 0, None, stride, axis)


def _taps(kernel: jax.Array, axis: int) -> Parts:
    return [lax.index_in_dim(kernel, k, axis, keepdims=False) for k in range(kernel.shape[axis])]


def _both_axes(
    x: jax.Array, axes: tuple[int, int], transform: Callable[[jax.Array, int], Parts]
) -> jax.Array:
    """Transforms one axis, then the other; what comes of them becomes the first two axes.

    Args:
        x: an array.
        axes: the first axis, and where the second one is once the first has been transformed: that
            of a kernel is gone then.
        transform: makes K arrays of an array and its axis.

    Returns: the array of K * K parts, [K of the second axis, K of the first axis, ...].
    """
    first, second = axes
    # Apart, they compile much faster than as one long sum for each of the parts.
    parts = lax.optimization_barrier(jnp.stack(transform(x, first)))
    return jnp.stack(transform(parts, second + 1))


def _multiply(parts: jax.Array, weights: jax.Array) -> jax.Array:
    """One matrix product a part: float[K, K, N, H, W, I] to float[K, K, N, H, W, O]."""
    k, _, *_, inputs = parts.shape
    flat = parts.reshape(k * k, -1, inputs)
    products = multiply(flat, weights.reshape(k * k, inputs, -1))
    return products.reshape(*parts.shape[:-1], -1)


def _interleave(products: jax.Array, join: Callable[[Parts], Parts]) -> jax.Array:
    """Joins the products to tiles of T x T pixels: [K, K, N, H, W, O] to [N, T H, T W, O]."""
    columns = lax.optimization_barrier(jnp.stack(join(list(products)), axis=4))
    tiles = jnp.stack(join(list(columns)), axis=2)
    n, h, t, w, _, outputs = tiles.shape
    return tiles.reshape(n, h * t, w * t, outputs)


def _in_groups(function: Callable[[jax.Array], jax.Array], x: jax.Array) -> jax.Array:
    """Applies a function to a few maps at a time, in groups of equal size."""
    n, h, w, _ = x.shape
    most = max(1, GROUP // (h * w))
    maps = max(size for size in range(1, min(n, most) + 1) if n % size == 0)
    if maps == n:
        return function(x)
    done = lax.map(function, x.reshape(n // maps, maps, *x.shape[1:]))
    return done.reshape(n, *done.shape[2:])
