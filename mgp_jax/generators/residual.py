"""What BigGAN and SNGAN share: norms that a condition sets, self-attention, the last stage.

Both are chains of residual blocks. In a conditional network a vector, code and label joined, sets
factor and summand of every norm: it travels along as `Features.styles`, one for each stage that
takes it, so that codes bring their own and those behind a cut can be optimised, as in StyleGAN.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx

from mgp_jax.generators.crossing import Features, Params, as_features
from mgp_jax.generators.labels import Label, Labels, label_vector
from mgp_jax.generators.layers import Convolution


class Condition(nnx.Module):
    """The first stage of a conditional network: code and label, once for every later stage."""

    def __init__(self, labels: Labels, copies: int, *, rngs: nnx.Rngs):
        self.label = Label(labels, rngs=rngs)
        self.copies = copies

    def __call__(self, z: jax.Array) -> jax.Array:
        """Maps float[N, D] to float[N, L, D + E]."""
        joined = self.label(z)[:, None]
        return jnp.broadcast_to(joined, (len(z), self.copies, joined.shape[-1]))


def mean_condition(params: Params, latent_size: int) -> jax.Array:
    """Returns the condition of a code of zeros and of the label in the parameters, float[D + E]."""
    return jnp.concatenate([jnp.zeros(latent_size), label_vector(params["condition"])])


class First(nnx.Module):
    """A dense layer to the first map.

    Args:
        inputs: length of what it takes: of the code, or of the leading part of a condition.
        channels: of the map.
        size: height and width of the map.
        conditional: whether conditions come in.
        rngs: source of the initial weights.
    """

    def __init__(self, inputs: int, channels: int, size: int, conditional: bool, *, rngs: nnx.Rngs):
        normal = rngs.params.normal((size, size, inputs, channels))
        self.kernel = nnx.Param(normal / inputs**0.5)
        self.bias = nnx.Param(jnp.zeros((size, size, channels)))
        self.inputs, self.conditional = inputs, conditional

    def __call__(self, x: jax.Array) -> jax.Array | Features:
        """Maps float[N, D], or conditions float[N, L, W], to a map float[N, S, S, C]."""
        z = x[:, 0, : self.inputs] if self.conditional else x
        maps = jnp.einsum("ni,yxio->nyxo", z, self.kernel[...]) + self.bias[...]
        return Features(maps, styles=x) if self.conditional else maps


class Norm(nnx.Module):
    """A factor and a summand for every channel: a norm with fixed statistics, then a ReLU.

    Args:
        channels: of the map.
        condition: length of the vector that sets both; 0 where they are constant.
        rngs: source of the initial weights.
    """

    def __init__(self, channels: int, condition: int, *, rngs: nnx.Rngs):
        self.scale, self.shift = nnx.Param(jnp.ones(channels)), nnx.Param(jnp.zeros(channels))
        self.conditional = condition > 0
        if condition:
            shape, small = (condition, channels), 0.2 / condition**0.5
            self.scale_kernel = nnx.Param(small * rngs.params.normal(shape))
            self.shift_kernel = nnx.Param(small * rngs.params.normal(shape))

    def __call__(self, x: jax.Array, style: jax.Array | None) -> jax.Array:
        """Maps float[N, H, W, C] and a condition float[N, W] to the same shape."""
        scale, shift = self.scale[...], self.shift[...]
        if self.conditional and style is not None:
            scale = (scale + style @ self.scale_kernel[...])[:, None, None]
            shift = (shift + style @ self.shift_kernel[...])[:, None, None]
        return jax.nn.relu(x * scale + shift)


class Attention(nnx.Module):
    """Self-attention whose keys and values are pooled, added to the map.

    Source: Zhang et al. 2019 (SAGAN), with the pooling of its published code.
    """

    def __init__(self, channels: int, *, rngs: nnx.Rngs):
        def kernel(inputs: int, outputs: int) -> nnx.Param:
            return nnx.Param(rngs.params.normal((inputs, outputs)) / inputs**0.5)

        self.query, self.key = kernel(channels, channels // 8), kernel(channels, channels // 8)
        self.value, self.out = kernel(channels, channels // 2), kernel(channels // 2, channels)
        self.gain = nnx.Param(jnp.ones(1))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, H, W, C] to the same shape."""
        n, h, w, c = x.shape
        query = (x @ self.query[...]).reshape(n, h * w, -1)
        key, value = (
            max_pool(x @ kernel[...]).reshape(n, h * w // 4, -1)
            for kernel in (self.key, self.value)
        )
        weights = jax.nn.softmax(jnp.einsum("nqc,nkc->nqk", query, key), axis=-1)
        found = jnp.einsum("nqk,nkc->nqc", weights, value) @ self.out[...]
        return x + self.gain[...] * found.reshape(n, h, w, c)


class Image(Convolution):
    """The last stage: a norm, ReLU, a 3x3 convolution, tanh."""

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs):
        super().__init__(inputs, outputs, 3, gain=1.0, rngs=rngs)
        self.norm = Norm(inputs, 0, rngs=rngs)

    def __call__(self, x: jax.Array | Features) -> jax.Array:
        """Maps float[N, H, W, I] to an image float[N, H, W, O] in [-1, 1]."""
        return jnp.tanh(super().__call__(self.norm(as_features(x).maps, None)))


def run_block(
    x: jax.Array | Features, index: int, block: Callable[[jax.Array, jax.Array | None], jax.Array]
) -> jax.Array | Features:
    """Runs a block on the map, with the condition of that index if one travels along."""
    if not isinstance(x, Features):
        return block(x, None)
    style = None if x.styles is None else x.styles[:, index]
    return x._replace(maps=block(x.maps, style))


def max_pool(x: jax.Array) -> jax.Array:
    """Takes the largest of every 2 x 2 pixels: float[N, H, W, C] to float[N, H / 2, W / 2, C]."""
    n, h, w, c = x.shape
    return jnp.max(x.reshape(n, h // 2, 2, w // 2, 2, c), axis=(2, 4))
