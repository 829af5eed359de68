"""3x3 convolutions with fewer multiplications: Winograd's minimal filtering.

A tile of outputs is made of sums and differences of inputs, one matrix product over the channels
for each of them, and sums and differences of the products. Where the channels are many, the matrix
products are all that counts, and there are fewer of them than taps. The rounding is that of the
plain sum, times two or three. All arrays are NHWC float32.

Source: Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", F(2x2, 3x3).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

# Pixels that are worked on at a time: more would not be faster, but take more memory.
GROUP = 4096
# Below so many channels or pixels the sums, or the transform of the kernel, cost what is gained.
CHANNELS = 256
PIXELS = 1024

Parts = list[jax.Array]


def pays(x: jax.Array, kernel: jax.Array) -> bool:
    """Returns whether `convolve` is faster than the plain sum, on CPU.

    Args:
        x: float[N, H, W, I].
        kernel: float[k, k, I, O].
    """
    n, h, w, _ = x.shape
    fits = kernel.shape[:2] == (3, 3) and h % 2 == 0 and w % 2 == 0
    return fits and min(kernel.shape[2:]) >= CHANNELS and n * h * w >= PIXELS


def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Correlates with a 3x3 kernel, stride 1, zero padding that keeps the size.

    Tiles of 2x2 pixels with 16 instead of 36 products each.

    Args:
        x: float[N, H, W, I] with even H and W.
        kernel: float[3, 3, I, O].

    Returns: float[N, H, W, O].
    """
    weights = _both_axes(kernel, (0, 0), _kernel_of_pairs)

    def group(x: jax.Array) -> jax.Array:
        padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        products = _multiply(_both_axes(padded, (1, 2), _pairs), weights)
        return _interleave(products, _join_pairs)

    return _in_groups(group, x)


def convolve_upsampled(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Doubles the resolution by nearest neighbour, then correlates with a 3x3 kernel.

    Every input pixel becomes 2x2 pixels with 9 instead of 36 products.

    Args:
        x: float[N, H, W, I].
        kernel: float[3, 3, I, O].

    Returns: float[N, 2 H, 2 W, O].
    """
    weights = _both_axes(kernel, (0, 0), _kernel_of_doubles)

    def group(x: jax.Array) -> jax.Array:
        return _interleave(_multiply(_both_axes(x, (1, 2), _doubles), weights), _join_doubles)

    return _in_groups(group, x)


def _pairs(x: jax.Array, axis: int) -> Parts:
    """What the two pixels of a tile see of an axis padded with one zero on each side."""
    size = x.shape[axis] - 3
    a, b, c, d = (lax.slice_in_dim(x, k, k + size, stride=2, axis=axis) for k in range(4))
    return [a - c, b + c, c - b, b - d]


def _kernel_of_pairs(kernel: jax.Array, axis: int) -> Parts:
    a, b, c = (lax.index_in_dim(kernel, k, axis, keepdims=False) for k in range(3))
    return [a, (a + b + c) / 2, (a - b + c) / 2, c]


def _join_pairs(m: Parts) -> Parts:
    return [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]


def _doubles(x: jax.Array, axis: int) -> Parts:
    """What the two pixels made of one see: it, and the steps to its neighbours."""
    return [_shifted(x, axis, -1) - x, x, _shifted(x, axis, 1) - x]


def _shifted(x: jax.Array, axis: int, by: int) -> jax.Array:
    """The neighbour before (-1) or behind (1) every pixel, zero outside of the image."""
    padding = [(0, 0, 0)] * x.ndim
    padding[axis] = (-by, by, 0)
    return lax.pad(x, jnp.zeros((), x.dtype), padding)


def _kernel_of_doubles(kernel: jax.Array, axis: int) -> Parts:
    a, b, c = (lax.index_in_dim(kernel, k, axis, keepdims=False) for k in range(3))
    return [a, a + b + c, c]


def _join_doubles(m: Parts) -> Parts:
    return [m[0] + m[1], m[1] + m[2]]


def _both_axes(
    x: jax.Array, axes: tuple[int, int], transform: Callable[[jax.Array, int], Parts]
) -> jax.Array:
    """Transforms one axis, then the other; the parts, K * K of them, become the first axis."""
    first, second = axes
    return jnp.stack([part for row in transform(x, first) for part in transform(row, second)])


def _multiply(parts: jax.Array, weights: jax.Array) -> jax.Array:
    """One matrix product a part: float[K * K, N, H, W, I] to float[K, K, N, H, W, O]."""
    k = round(len(parts) ** 0.5)
    flat = parts.reshape(k * k, -1, parts.shape[-1])
    products = jnp.einsum("kpi,kio->kpo", flat, weights)
    return products.reshape(k, k, *parts.shape[1:-1], weights.shape[-1])


def _interleave(products: jax.Array, join: Callable[[Parts], Parts]) -> jax.Array:
    """Joins the products to tiles of 2x2 pixels: [K, K, N, H, W, O] to [N, 2 H, 2 W, O]."""
    _, _, n, h, w, outputs = products.shape
    rows = [jnp.stack(join(list(row)), axis=3) for row in join(list(products))]
    return jnp.stack(rows, axis=2).reshape(n, 2 * h, 2 * w, outputs)


def _in_groups(function: Callable[[jax.Array], jax.Array], x: jax.Array) -> jax.Array:
    """Applies a function to a few maps at a time, in groups of equal size."""
    n, h, w, _ = x.shape
    most = max(1, GROUP // (h * w))
    maps = max(size for size in range(1, min(n, most) + 1) if n % size == 0)
    if maps == n:
        return function(x)
    done = lax.map(function, x.reshape(n // maps, maps, *x.shape[1:]))
    return done.reshape(n, *done.shape[2:])
