"""StyleGAN2 as the package stylegan2_pytorch of lucidrains has it, as a chain of stages.

Block 0 works at 4 pixels, block b at 4 * 2^b. A block enlarges the map, bilinearly, and convolves
it twice; both convolutions and its to-RGB take the same style, style b. Noise has a strength for
every channel, one map for both convolutions. The images of all blocks are summed up as in a skip
StyleGAN2, each enlarged bilinearly and blurred. A self-attention stands in front of its block. As
in StyleGAN2 the last to-RGB is the stage `to_rgb`, the others belong to their blocks.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx

from mgp_jax.errors import SettingError
from mgp_jax.generators.convolution import convolve
from mgp_jax.generators.crossing import Features, Params
from mgp_jax.generators.layers import blur, leaky_relu, upsample_filtered
from mgp_jax.generators.linear_attention import ChannelNorm, LinearAttention
from mgp_jax.generators.style import Chain, Dense, StyleConfig, styles_of
from mgp_jax.generators.stylegan2 import Image, StyledToRGB, demodulation, style_layer


@dataclass(frozen=True)
class StyleGAN2PyTorchConfig(StyleConfig):
    """The configuration of a StyleGAN2 of stylegan2_pytorch; `channels` are those of the blocks.

    Attributes:
        attention: numbers of the blocks, from 0 on, behind a self-attention.
        starts_from_style: whether the first map is made of the mean of all styles; else it is the
            same for all images.
    """

    attention: tuple[int, ...] = ()
    starts_from_style: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not set(self.attention) <= set(range(len(self.channels))):
            raise SettingError(
                f"attention: in front of blocks {self.attention} of {len(self.channels)}"
            )

    @property
    def styles(self) -> int:
        """Number of style vectors that an image is made of: one for every block."""
        return len(self.channels)

    @property
    def resolution(self) -> int:
        """Height and width of the image in pixels."""
        return 2 * 2 ** len(self.channels)

    def code_kernel(self, params: Params, layers: tuple[int, int] | None = None) -> jax.Array:
        """Returns the weights float[W, outputs] of the style layers of all blocks, or of some."""
        first, last = (0, self.styles - 1) if layers is None else layers
        blocks = [params[f"layer{k}"] for k in range(first, last + 1)]
        kernels = [b[conv]["style"]["kernel"] for b in blocks for conv in ("conv0", "conv1")]
        return jnp.concatenate(kernels, axis=1)


class Attention(nnx.Module):
    """Self-attention, then two 1x1 convolutions behind a norm, both added to the map."""

    def __init__(self, channels: int, *, rngs: nnx.Rngs):
        self.attention = LinearAttention(channels, False, rngs=rngs)
        self.norm = ChannelNorm(channels)
        self.dense0 = Dense(channels, 2 * channels, gain=2**0.5, rngs=rngs)
        self.dense1 = Dense(2 * channels, channels, gain=1.0, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, H, W, C] to the same shape."""
        x = self.attention(x)
        return x + self.dense1(leaky_relu(self.dense0(self.norm(x))))


class Styled(nnx.Module):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU without gain; see `stylegan2.Styled`."""

    def __init__(self, config: StyleConfig, inputs: int, outputs: int, *, rngs: nnx.Rngs):
        normal = rngs.params.normal((3, 3, inputs, outputs))
        self.kernel = nnx.Param(normal * (2 / (9 * inputs)) ** 0.5)
        self.bias = nnx.Param(jnp.zeros(outputs))
        self.noise_strength = nnx.Param(jnp.full(outputs, 0.1))
        self.style = style_layer(config, inputs, rngs)

    def __call__(self, maps: jax.Array, style: jax.Array, noise: jax.Array) -> jax.Array:
        """Maps float[N, H, W, I], float[N, W] and noise float[1, H, W, 1] to float[N, H, W, O]."""
        factors, kernel = self.style(style), self.kernel[...]
        maps = convolve(maps * factors[:, None, None], kernel) * demodulation(factors, kernel)
        return leaky_relu(maps + noise * self.noise_strength[...] + self.bias[...])


class Block(nnx.Module):
    """A block without its last to-RGB; all but number 0 double the resolution.

    Args:
        config: the generator's configuration.
        index: number of the block.
        rngs: source of the initial weights.
    """

    def __init__(self, config: StyleGAN2PyTorchConfig, index: int, *, rngs: nnx.Rngs):
        inputs, outputs = config.channels[max(index - 1, 0)], config.channels[index]
        size = 4 * 2**index
        self.noise = nnx.Param(rngs.params.normal((1, size, size, 1)))
        attends = index in config.attention
        self.attention = Attention(inputs, rngs=rngs) if attends else None
        self.conv0 = Styled(config, inputs, outputs, rngs=rngs)
        self.conv1 = Styled(config, outputs, outputs, rngs=rngs)
        inner = index < len(config.channels) - 1
        self.rgb = StyledToRGB(config, outputs, index, rngs=rngs) if inner else None
        self.index = index

    def run(self, x: Features) -> Features:
        """Maps float[N, H, W, I] to float[N, H, W, O], or [N, 2H, 2W, O] behind block 0."""
        maps, rgb, styles = x.maps, x.rgb, styles_of(x)
        maps = maps if self.attention is None else self.attention(maps)
        maps = upsample_filtered(maps, "edge") if self.index else maps
        for conv in (self.conv0, self.conv1):
            maps = conv(maps, styles[:, self.index], self.noise[...])
        rgb = None if rgb is None else blur(upsample_filtered(rgb, "edge"))
        if self.rgb is not None:
            rgb = self.rgb.added(rgb, maps, styles)
        return Features(maps, rgb, styles)


class First(Block):
    """Block 0, which takes a constant, or a map that is made of the mean style."""

    def __init__(self, config: StyleGAN2PyTorchConfig, *, rngs: nnx.Rngs):
        super().__init__(config, 0, rngs=rngs)
        width = config.channels[0]
        self.const = nnx.Param(rngs.params.normal((1, 4, 4, width)))
        normal = rngs.params.normal((4, 4, config.w_size, width)) / config.w_size**0.5
        self.kernel = nnx.Param(normal) if config.starts_from_style else None

    def __call__(self, x: jax.Array) -> Features:
        """Maps styles float[N, L, W] to `Features` with maps float[N, 4, 4, C]."""
        maps = self.const[...]
        if self.kernel is not None:
            maps = maps + jnp.einsum("nw,yxwc->nyxc", jnp.mean(x, axis=1), self.kernel[...])
        return self.run(Features(maps, styles=x))


class Layer(Block):
    """All other blocks."""

    def __call__(self, x: Features) -> Features:
        """Maps float[N, H, W, I] to float[N, 2H, 2W, O]."""
        return self.run(x)


class StyleGAN2PyTorch(Chain):
    """The whole network, see `Chain`."""

    def __init__(self, config: StyleGAN2PyTorchConfig, *, rngs: nnx.Rngs):
        super().__init__(config, First, Layer, Image, gain=1.0, rngs=rngs)
