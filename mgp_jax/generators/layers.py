"""The layers that the generator families share. Arrays are NHWC float32."""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from mgp_jax.generators.convolution import convolve, convolve_transposed


def filter_separable(x: jax.Array, taps: tuple[float, ...], outside: str = "constant") -> jax.Array:
    """Filters rows and columns with the same taps, each side padded with one pixel.

    Adds up shifted copies: on a CPU a depthwise convolution takes 2 to 4 times as long.

    Args:
        x: float[N, H, W, C].
        taps: the weights, K of them.
        outside: what lies beyond the edge, a mode of `numpy.pad`: `constant` for zeros.

    Returns: float[N, H + 3 - K, W + 3 - K, C].
    """
    for axis in (1, 2):
        padded = jnp.pad(x, [(int(k == axis),) * 2 for k in range(x.ndim)], outside)
        size = padded.shape[axis] - len(taps) + 1
        x = taps[0] * lax.slice_in_dim(padded, 0, size, axis=axis)
        for k, tap in enumerate(taps[1:], 1):
            x += tap * lax.slice_in_dim(padded, k, k + size, axis=axis)
    return x


def upsample_filtered(x: jax.Array, outside: str = "constant") -> jax.Array:
    """Doubles the resolution with the filter (1, 3, 3, 1).

    Every new pixel is three quarters of the nearest old one and one quarter of the next nearest, in
    both axes.

    Args:
        x: float[N, H, W, C].
        outside: what lies beyond the edge, a mode of `numpy.pad`: `constant` for zeros; `edge`
            repeats its pixels, which makes the enlargement bilinear.

    Returns: float[N, 2 H, 2 W, C].
    """
    for axis in (1, 2):
        size = x.shape[axis]
        padded = jnp.pad(x, [(int(k == axis),) * 2 for k in range(x.ndim)], outside)
        before = lax.slice_in_dim(padded, 0, size, axis=axis)
        behind = lax.slice_in_dim(padded, 2, size + 2, axis=axis)
        shape = [2 * n if k == axis else n for k, n in enumerate(x.shape)]
        pair = [0.75 * x + 0.25 * before, 0.75 * x + 0.25 * behind]
        x = jnp.stack(pair, axis + 1).reshape(shape)
    return x


def blur(x: jax.Array) -> jax.Array:
    """Filters with (1, 2, 1) / 4 in both axes, the map mirrored at its edge; keeps the size."""
    return filter_separable(x, (0.25, 0.5, 0.25), "reflect")


def upsample_nearest(x: jax.Array, factor: int = 2) -> jax.Array:
    """Repeats every pixel `factor` times in both axes: float[N, H, W, C] -> [N, fH, fW, C]."""
    n, h, w, c = x.shape
    x = jnp.broadcast_to(x[:, :, None, :, None, :], (n, h, factor, w, factor, c))
    return x.reshape(n, factor * h, factor * w, c)


def pixel_shuffle(x: jax.Array, factor: int = 2) -> jax.Array:
    """Enlarges a map by taking the new pixels from channels (Shi et al. 2016).

    Args:
        x: float[N, H, W, f f C]; channel c f f + row f + column.
        factor: how many times, f.

    Returns: float[N, f H, f W, C].
    """
    n, h, w, _ = x.shape
    x = x.reshape(n, h, w, -1, factor, factor).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(n, factor * h, factor * w, -1)


def pixel_norm(x: jax.Array) -> jax.Array:
    """Scales the channel vector of every pixel to a mean square of one.

    Source: Karras et al. 2018 (PGGAN), section 4.2; epsilon 1e-8 inside the root.
    """
    return x * lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-8)


def leaky_relu(x: jax.Array) -> jax.Array:
    """Leaky rectifier with the slope 0.2 that all families use."""
    return jnp.where(x >= 0, x, 0.2 * x)


def gate(x: jax.Array) -> jax.Array:
    """Gated linear unit: float[..., 2 C] to float[..., C], the second half says how much passes."""
    passes, opens = jnp.split(x, 2, axis=-1)
    return passes * jax.nn.sigmoid(opens)


class LatentToMap(nnx.Module):
    """The first layer of DCGAN and PGGAN: a dense layer from a latent code to a 4x4 map.

    Acts as out[y, x, o] = sum_i z[i] kernel[y, x, i, o] + bias[o]; some networks have a bias for
    every pixel of the map, bias[y, x, o].
    """

    def __init__(
        self,
        latent: int,
        channels: int,
        *,
        gain: float,
        rngs: nnx.Rngs,
        bias_per_pixel: bool = False,
    ):
        scale = gain / latent**0.5
        self.kernel = nnx.Param(scale * rngs.params.normal((4, 4, latent, channels)))
        self.bias = nnx.Param(jnp.zeros((4, 4, channels) if bias_per_pixel else channels))

    def __call__(self, z: jax.Array) -> jax.Array:
        """Maps float[N, latent] to float[N, 4, 4, channels]."""
        return jnp.einsum("ni,yxio->nyxo", z, self.kernel[...]) + self.bias[...]


class Convolution(nnx.Module):
    """A convolution with bias: 1x1 or 3x3 of stride 1, or 4x4 doubling the resolution."""

    def __init__(self, inputs: int, outputs: int, size: int, *, gain: float, rngs: nnx.Rngs):
        scale = gain / (inputs * (4 if size == 4 else size * size)) ** 0.5
        self.kernel = nnx.Param(scale * rngs.params.normal((size, size, inputs, outputs)))
        self.bias = nnx.Param(jnp.zeros(outputs))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, H, W, inputs] to [N, H, W, outputs], or [N, 2H, 2W, outputs] for 4x4."""
        kernel = self.kernel[...]
        doubles = kernel.shape[0] == 4
        y = convolve_transposed(x, kernel) if doubles else convolve(x, kernel)
        return y + self.bias[...]


class ToRGB(nnx.Module):
    """A 1x1 convolution from feature channels to image channels."""

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs):
        self.kernel = nnx.Param(rngs.params.normal((inputs, outputs)) / inputs**0.5)
        self.bias = nnx.Param(jnp.zeros(outputs))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, H, W, inputs] to float[N, H, W, outputs]."""
        return x @ self.kernel[...] + self.bias[...]
