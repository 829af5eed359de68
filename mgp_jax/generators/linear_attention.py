"""Self-attention as the generators of lucidrains have it: linear in the number of pixels.

Source: Shen et al. 2021, "Efficient Attention: Attention with Linear Complexities"; the norm, the
depthwise convolution, and the second attention, of every pixel to its neighbours only, are those of
the packages stylegan2_pytorch and lightweight_gan.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from mgp_jax.generators.convolution import convolve_depthwise, shifted

HEADS, SIZE = 8, 64
NEIGHBOURS = 3  # rows and columns of pixels that one attends to


class ChannelNorm(nnx.Module):
    """Brings the channels of every pixel to mean 0 and variance 1, then scales and shifts them."""

    def __init__(self, channels: int):
        self.scale, self.shift = nnx.Param(jnp.ones(channels)), nnx.Param(jnp.zeros(channels))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, H, W, C] to the same shape."""
        mean, variance = (f(x, axis=-1, keepdims=True) for f in (jnp.mean, jnp.var))
        return (x - mean) / jnp.sqrt(variance + 1e-5) * self.scale[...] + self.shift[...]


class LinearAttention(nnx.Module):
    """Norm and self-attention of eight heads, added to the map.

    Args:
        channels: of the map.
        looks_around: whether pixels also attend to their neighbours, by a softmax over 3 x 3.
        rngs: source of the initial weights.
    """

    def __init__(self, channels: int, looks_around: bool, *, rngs: nnx.Rngs):
        def kernel(inputs: int, outputs: int) -> nnx.Param:
            return nnx.Param(rngs.params.normal((inputs, outputs)) / inputs**0.5)

        inner = HEADS * SIZE
        self.norm = ChannelNorm(channels)
        self.query, self.key_value = kernel(channels, inner), kernel(channels, 2 * inner)
        self.depthwise = nnx.Param(rngs.params.normal((3, 3, channels)) / 3)
        if looks_around:
            self.near_query = kernel(channels, inner)
            self.near_key_value = kernel(channels, 2 * inner)
        self.out = kernel(2 * inner if looks_around else inner, channels)
        self.bias = nnx.Param(jnp.zeros(channels))
        self.looks_around = looks_around

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, H, W, C] to the same shape."""
        y = self.norm(x)
        key_value = convolve_depthwise(y, self.depthwise[...]) @ self.key_value[...]
        found = [jax.nn.gelu(attend(y @ self.query[...], key_value), approximate=False)]
        if self.looks_around:
            key_value = y @ self.near_key_value[...]
            found.append(attend_nearby(y @ self.near_query[...], key_value))
        return x + jnp.concatenate(found, axis=-1) @ self.out[...] + self.bias[...]


def attend(query: jax.Array, key_value: jax.Array) -> jax.Array:
    """Lets every pixel take from all: keys and values are summed up before queries meet them.

    Args:
        query: float[N, H, W, D], heads one after another.
        key_value: float[N, H, W, 2 D].

    Returns: float[N, H, W, D].
    """
    query, key, value = _heads(query, key_value)
    query = jax.nn.softmax(query, axis=-1) * SIZE**-0.5
    key = jax.nn.softmax(key, axis=(1, 2))
    context = jnp.einsum("nyxhd,nyxhe->nhde", key, value)
    return jnp.einsum("nyxhd,nhde->nyxhe", query, context).reshape(*query.shape[:3], -1)


def attend_nearby(query: jax.Array, key_value: jax.Array) -> jax.Array:
    """Lets every pixel take from its neighbours; beyond the edge there are keys and values of zero.

    Args:
        query: float[N, H, W, D], heads one after another.
        key_value: float[N, H, W, 2 D].

    Returns: float[N, H, W, D].
    """
    # One neighbour at a time: all at once they are nine times as large as the map.
    places = [place for _, place in shifted(key_value, NEIGHBOURS)]
    products = [_dot(*_heads(query, place)[:2]) for place in places]
    weights = jax.nn.softmax(jnp.stack(products) * SIZE**-0.5, axis=0)
    values = (_heads(query, place)[2] for place in places)
    found = sum(weight[..., None] * value for weight, value in zip(weights, values, strict=True))
    return jnp.reshape(found, query.shape)


def _dot(query: jax.Array, key: jax.Array) -> jax.Array:
    return jnp.einsum("nyxhd,nyxhd->nyxh", query, key)


def _heads(query: jax.Array, key_value: jax.Array) -> list[jax.Array]:
    """Returns queries, keys and values, float[N, H, W, heads, size]."""
    parts = (query, *jnp.split(key_value, 2, axis=-1))
    return [part.reshape(*part.shape[:3], HEADS, SIZE) for part in parts]
