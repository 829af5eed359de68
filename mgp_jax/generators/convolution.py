"""Convolutions in the formulation that `formulations.py` chooses for the backend in use.

Algebraically equal formulations differ up to fourfold in speed, inside a compiled loop even where
they do not outside; `tests/benchmarks/` measures them. All arrays are NHWC float32.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from mgp_jax.generators import minimal_filtering
from mgp_jax.generators.formulations import formulation
from mgp_jax.generators.products import multiply

DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Correlates `x` with `kernel`, stride 1, zero padding that keeps the size.

    Args:
        x: float[N, H, W, I].
        kernel: float[k, k, I, O] with odd k.

    Returns: float[N, H, W, O].
    """
    return correlate(x, kernel, kernel.shape[0] // 2)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def correlate(x: jax.Array, kernel: jax.Array, padding: int | tuple[int, int]) -> jax.Array:
    """Correlates `x` with `kernel`, stride 1.

    The gradient is written out as another correlation, with the flipped kernel. XLA's own gradient
    differs in its layout only, but runs at a third of the speed in a loop on CPU.

    Args:
        x: float[N, H, W, I].
        kernel: float[k, l, I, O].
        padding: zeros on each side, one number or one for rows and one for columns.

    Returns: float[N, H + 2 padding + 1 - k, W + 2 padding + 1 - l, O].
    """
    small = kernel.shape[:2] == (3, 3) and padding in (1, (1, 1))
    if small and formulation().products and minimal_filtering.convolve.pays(x, kernel):
        return minimal_filtering.convolve(x, kernel)
    return _by_xla(x, kernel, padding)


def _by_xla(
    x: jax.Array,
    kernel: jax.Array,
    padding: int | tuple[int, int],
    stride: int = 1,
    stuffing: int = 1,
) -> jax.Array:
    """Has XLA convolve, with as many channels as the formulation wants."""
    lanes, outputs = formulation().lanes, kernel.shape[3]
    missing_in, missing_out = (-size % lanes for size in kernel.shape[2:])
    if missing_in or missing_out:
        x = jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, missing_in)))
        kernel = jnp.pad(kernel, ((0, 0), (0, 0), (0, missing_in), (0, missing_out)))
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    y = lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        ((rows, rows), (columns, columns)),
        lhs_dilation=(stuffing, stuffing),
        dimension_numbers=DIMENSIONS,
    )
    return y[..., :outputs]


def _correlate_forward(
    x: jax.Array, kernel: jax.Array, padding: int | tuple[int, int]
) -> tuple[jax.Array, Any]:
    return correlate(x, kernel, padding), (x, kernel)


def _correlate_backward(
    padding: int | tuple[int, int], saved: Any, gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, kernel = saved
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    beyond = (kernel.shape[0] - 1 - rows, kernel.shape[1] - 1 - columns)
    # The compiler drops the kernel's gradient where nobody asks for it.
    if formulation().products:
        padded = jnp.pad(x, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
        of_kernel = _match(padded, gradient, kernel.shape[:2])
    else:
        (of_kernel,) = jax.vjp(lambda k: _by_xla(x, k, padding), kernel)[1](gradient)
    return correlate(gradient, adjoint(kernel), beyond), of_kernel


correlate.defvjp(_correlate_forward, _correlate_backward)


def _match(x: jax.Array, gradient: jax.Array, size: tuple[int, ...]) -> jax.Array:
    """Returns the gradient of a correlation's kernel, a matrix product for each of its taps.

    XLA's own is a convolution with the image as the kernel; in a loop on CPU, at 64 x 64 pixels and
    32 channels, it takes forty times as long.

    Args:
        x: float[N, H, W, I], padded.
        gradient: float[N, H + 1 - k, W + 1 - l, O], that of the result.
        size: (k, l), height and width of the kernel.

    Returns: float[k, l, I, O].
    """
    _, height, width, outputs = gradient.shape
    flat = gradient.reshape(-1, outputs)
    taps = [
        x[:, row : row + height, column : column + width].reshape(-1, x.shape[3]).T @ flat
        for row in range(size[0])
        for column in range(size[1])
    ]
    return jnp.stack(taps).reshape(*size, x.shape[3], outputs)


def adjoint(kernel: jax.Array) -> jax.Array:
    """Returns the kernel of the transposed map: flipped, inputs and outputs swapped."""
    return jnp.flip(kernel, (0, 1)).swapaxes(2, 3)


@jax.custom_vjp
def convolve_transposed(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Doubles the resolution with a transposed convolution of stride 2 and kernel size 4 or 3.

    On CPU minimal filtering, or a matrix product followed by an overlap-add, elsewhere a
    convolution of the zero-stuffed input. The latter is three times slower in a loop on CPU.

    Args:
        x: float[N, H, W, I].
        kernel: float[4, 4, I, O] or float[3, 3, I, O], the kernel of the correlation over the
            zero-stuffed input (the transposed-convolution kernel of PyTorch flipped in both axes).

    Returns: float[N, 2 H, 2 W, O] for size 4, where the outermost pixels are left out;
        float[N, 2 H + 1, 2 W + 1, O] for size 3.
    """
    if not formulation().products:
        return _stuff_and_correlate(x, kernel)
    if len(kernel) == 4 and minimal_filtering.convolve_transposed.pays(x, kernel):
        return minimal_filtering.convolve_transposed(x, kernel)
    return _overlap_add(x, kernel)


def _stuff_and_correlate(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return _by_xla(x, kernel, 2, stuffing=2)


def _overlap_add(x: jax.Array, kernel: jax.Array) -> jax.Array:
    n, h, w, inputs = x.shape
    size, _, _, outputs = kernel.shape
    matrix = kernel.transpose(2, 0, 1, 3).reshape(inputs, size * size * outputs)
    taps = multiply(x.reshape(-1, inputs), matrix).reshape(n, h, w, size, size, outputs)
    return _land(_land(taps, axis=1), axis=2)


def _land(taps: jax.Array, axis: int) -> jax.Array:
    """Adds up what lands on the even and on the odd output pixels of an axis, and interleaves them.

    The taps, 3 or 4 of them, are axis 3; afterwards it is gone.
    """
    even_size = taps.shape[3] == 4

    def tap(index: int, before: int, behind: int) -> jax.Array:
        values = lax.index_in_dim(taps, index, 3, keepdims=False)
        padding = [(0, 0, 0)] * values.ndim
        padding[axis] = (before, behind, 0)
        return lax.pad(values, jnp.zeros((), values.dtype), padding)

    # Zero-stuffed pixel 2i meets output pixel p at kernel index 2 + 2i - p.
    if even_size:
        even, odd = tap(2, 0, 0) + tap(0, 1, -1), tap(1, 0, 0) + tap(3, -1, 1)
    else:
        even, odd = tap(2, 0, 1) + tap(0, 1, 0), tap(1, 0, 1)
    shape = [2 * n if k == axis else n for k, n in enumerate(even.shape)]
    both = jnp.stack([even, odd], axis + 1).reshape(shape)
    # The last odd pixel of size 3 is the padding.
    return both if even_size else lax.slice_in_dim(both, 0, shape[axis] - 1, axis=axis)


def _transposed_forward(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, Any]:
    return convolve_transposed(x, kernel), (x, kernel)


def _transposed_backward(saved: Any, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, kernel = saved
    size = kernel.shape[0]
    margin = size - 3
    if not formulation().products:
        (of_kernel,) = jax.vjp(lambda k: _stuff_and_correlate(x, k), kernel)[1](gradient)
        return _by_xla(gradient, adjoint(kernel), margin, stride=2), of_kernel
    n, h, w, inputs = x.shape
    padded = jnp.pad(gradient, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    windows = [
        [padded[:, row : row + 2 * h : 2, column : column + 2 * w : 2] for column in range(size)]
        for row in range(size)
    ]
    patches = jnp.stack([jnp.stack(row, axis=3) for row in windows], axis=3)
    patches = patches.reshape(n * h * w, -1)
    # The compiler drops the kernel's gradient where nobody asks for it.
    taps = (x.reshape(-1, inputs).T @ patches).reshape(inputs, size, size, -1)
    of_kernel = jnp.flip(taps, (1, 2)).transpose(1, 2, 0, 3)
    if size == 4 and minimal_filtering.convolve_transposed.pays(x, kernel):
        return minimal_filtering.convolve_strided(gradient, adjoint(kernel)), of_kernel
    of_x = multiply(patches, adjoint(kernel).reshape(-1, inputs))
    return of_x.reshape(x.shape), of_kernel


convolve_transposed.defvjp(_transposed_forward, _transposed_backward)


def convolve_upsampled(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Doubles the resolution by nearest neighbour, then correlates with a 3x3 kernel.

    Both at once: a nearest-neighbour pixel is read by several taps, whose weights can be added up
    beforehand. The result is a transposed convolution with a 4x4 kernel and 4 instead of 9
    products for every output pixel; on CPU sums and differences leave 9 for four of them.

    Args:
        x: float[N, H, W, I].
        kernel: float[3, 3, I, O].

    Returns: float[N, 2 H, 2 W, O].
    """
    if formulation().products:
        return minimal_filtering.convolve_upsampled(x, kernel)
    for axis in (0, 1):
        end, start = [(0, 0)] * 4, [(0, 0)] * 4
        end[axis], start[axis] = (0, 1), (1, 0)
        kernel = jnp.pad(kernel, end) + jnp.pad(kernel, start)
    return convolve_transposed(x, kernel)


@jax.custom_vjp
def convolve_depthwise(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Correlates every channel with its own kernel, stride 1, zero padding that keeps the size.

    On CPU shifted products are added up; XLA's grouped convolution takes five times as long there.
    The gradient is written out as another such correlation, with the flipped kernel: what JAX makes
    of the shifts, a sum of padded arrays, takes twice as long.

    Args:
        x: float[N, H, W, C].
        kernel: float[k, k, C] with odd k.

    Returns: float[N, H, W, C].
    """
    if formulation().shifts:
        products = (kernel[row, column] * part for (row, column), part in shifted(x, len(kernel)))
        return sum(products, start=jnp.zeros((), x.dtype))
    margin = len(kernel) // 2
    pads = ((margin, margin), (margin, margin))
    return lax.conv_general_dilated(
        x,
        kernel[:, :, None],
        (1, 1),
        pads,
        dimension_numbers=DIMENSIONS,
        feature_group_count=kernel.shape[-1],
    )


def _depthwise_forward(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, Any]:
    return convolve_depthwise(x, kernel), (x, kernel)


def _depthwise_backward(kept: Any, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, kernel = kept
    # Left out of the program wherever the kernel stays fixed.
    products = [jnp.sum(part * gradient, (0, 1, 2)) for _, part in shifted(x, len(kernel))]
    return (
        convolve_depthwise(gradient, kernel[::-1, ::-1]),
        jnp.stack(products).reshape(kernel.shape),
    )


convolve_depthwise.defvjp(_depthwise_forward, _depthwise_backward)


def shifted(x: jax.Array, size: int) -> Iterator[tuple[tuple[int, int], jax.Array]]:
    """Yields what every place of a kernel sees: (row, column) and float[N, H, W, C]."""
    margin, (_, height, width, _) = size // 2, x.shape
    padded = jnp.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    # A copy of its own: padding within the sum would ask at every number whether it lies inside.
    padded = lax.optimization_barrier(padded)
    for row in range(size):
        for column in range(size):
            yield (row, column), padded[:, row : row + height, column : column + width]
