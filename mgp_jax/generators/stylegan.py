"""StyleGAN (Karras et al. 2019) as a chain of stages.

Layers 2b and 2b + 1 work at 4 * 2^b pixels; layer 0 starts from a constant. Cutting behind a layer
cuts behind its style modulation. The upsampling layers compute nearest-neighbour doubling, 3x3
convolution and blur; layers that were trained as "fused" only differ by a flip of the kernel, which
the converter undoes.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from mgp_jax.errors import SettingError
from mgp_jax.generators.convolution import convolve, convolve_upsampled
from mgp_jax.generators.crossing import Features
from mgp_jax.generators.layers import (
    ToRGB,
    filter_separable,
    leaky_relu,
    upsample_nearest,
)
from mgp_jax.generators.style import Chain, Dense, Noise, StyleConfig, styles_of

BLUR = (0.25, 0.5, 0.25)


@dataclass(frozen=True)
class StyleGANConfig(StyleConfig):
    """The configuration of a StyleGAN.

    Attributes:
        enlarge: nearest-neighbour enlargement of the final image, for networks used at a lower
            level of detail than they were trained for.
    """

    enlarge: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.channels or len(self.channels) % 2:
            raise SettingError(f"channels: {len(self.channels)} layers, should be two a resolution")

    @classmethod
    def standard(cls, resolution: int) -> "StyleGANConfig":
        """Returns the published network of a resolution: min(16384 / resolution, 512) channels."""
        blocks = resolution.bit_length() - 2
        widths = [min(16384 // (4 * 2**b), 512) for b in range(blocks)]
        return cls(512, 512, (512,) * 8, tuple(width for width in widths for _ in range(2)))

    @property
    def styles(self) -> int:
        """Number of style vectors that an image is made of: one for each layer."""
        return len(self.channels)

    @property
    def resolution(self) -> int:
        """Height and width of the image in pixels."""
        return 4 * 2 ** (len(self.channels) // 2 - 1) * self.enlarge


class Epilogue(Noise):
    """The end of every layer: noise, bias, leaky ReLU, instance norm, style modulation.

    Args:
        config: the generator's configuration.
        index: number of the layer.
        rngs: source of the initial weights.
    """

    def __init__(self, config: StyleGANConfig, index: int, *, rngs: nnx.Rngs):
        channels = config.channels[index]
        super().__init__(4 * 2 ** (index // 2), channels, rngs=rngs)
        self.index = index
        self.bias = nnx.Param(jnp.zeros(channels))
        self.style = Dense(config.w_size, 2 * channels, gain=1.0, rngs=rngs)
        self.style.bias = nnx.Param(jnp.repeat(jnp.array([1.0, 0.0]), channels))

    def modulate(self, maps: jax.Array, styles: jax.Array) -> jax.Array:
        """Maps float[N, H, W, C] and styles float[N, L, W] to float[N, H, W, C]."""
        maps = instance_norm(leaky_relu(self.add_noise(maps) + self.bias[...]))
        style = self.style(styles[:, self.index])[:, None, None]
        scale, shift = jnp.split(style, 2, axis=-1)
        return maps * scale + shift


class First(Epilogue):
    """Layer 0, which has a constant instead of a convolution."""

    def __init__(self, config: StyleGANConfig, *, rngs: nnx.Rngs):
        super().__init__(config, 0, rngs=rngs)
        self.const = nnx.Param(rngs.params.normal((1, 4, 4, config.channels[0])))

    def __call__(self, x: jax.Array) -> Features:
        """Maps styles float[N, L, W] to `Features` with maps float[N, 4, 4, C]."""
        return Features(self.modulate(self.const[...], x), styles=x)


class Layer(Epilogue):
    """All other layers: convolution, on even layers with doubling and blur, and epilogue."""

    def __init__(self, config: StyleGANConfig, index: int, *, rngs: nnx.Rngs):
        super().__init__(config, index, rngs=rngs)
        inputs, outputs = config.channels[index - 1], config.channels[index]
        scale = 2**0.5 / (9 * inputs) ** 0.5
        self.kernel = nnx.Param(scale * rngs.params.normal((3, 3, inputs, outputs)))

    def __call__(self, x: Features) -> Features:
        """Maps float[N, H, W, I] to float[N, H, W, O], or [N, 2H, 2W, O] if the index is even."""
        if self.index % 2:
            maps = convolve(x.maps, self.kernel[...])
        else:
            maps = filter_separable(convolve_upsampled(x.maps, self.kernel[...]), BLUR)
        return x._replace(maps=self.modulate(maps, styles_of(x)))


class Image(ToRGB):
    """1x1 convolution to the image; then tanh and enlarging if configured."""

    def __init__(self, config: StyleGANConfig, *, rngs: nnx.Rngs):
        super().__init__(config.channels[-1], config.image_channels, rngs=rngs)
        self.tanh, self.enlarge = config.final_tanh, config.enlarge

    def __call__(self, x: jax.Array | Features) -> jax.Array:
        """Maps float[N, H, W, C] to an image, in [-1, 1] up to overshoots."""
        image = super().__call__(x.maps if isinstance(x, Features) else x)
        image = jnp.tanh(image) if self.tanh else image
        return image if self.enlarge == 1 else upsample_nearest(image, self.enlarge)


class StyleGAN(Chain):
    """The whole network, see `Chain`."""

    def __init__(self, config: StyleGANConfig, *, rngs: nnx.Rngs):
        super().__init__(config, First, Layer, Image, gain=1.0, rngs=rngs)


def instance_norm(x: jax.Array) -> jax.Array:
    """Brings every channel of every sample of float[N, H, W, C] to mean 0 and variance 1."""
    x = x - jnp.mean(x, axis=(1, 2), keepdims=True)
    return x * lax.rsqrt(jnp.mean(jnp.square(x), axis=(1, 2), keepdims=True) + 1e-8)
