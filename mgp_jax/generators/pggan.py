"""PGGAN (Karras et al. 2018) as a chain of stages.

The stages are the convolution layers `layer0` ... `layer{L-1}` and `to_rgb`. Cutting at index k
cuts behind the leaky ReLU of layer k - 1 and before the next pixel norm, which is exactly
`composing_layer = k` of the published multi-code code: 0 is the latent code itself, L the map
before to-RGB, L + 1 the image.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx

from mgp_jax.generators.config import Config
from mgp_jax.generators.convolution import convolve, convolve_upsampled
from mgp_jax.generators.crossing import Features
from mgp_jax.generators.layers import (
    Convolution,
    LatentToMap,
    ToRGB,
    leaky_relu,
    pixel_norm,
    upsample_nearest,
)


@dataclass(frozen=True)
class PGGANConfig(Config):
    """The configuration of a PGGAN.

    Attributes:
        latent_size: length of the latent code.
        channels: output channels of every convolution layer. Layers 2b and 2b + 1 work at 4 * 2^b
            pixels, so the length is even.
        image_channels: channels of the image.
        final_tanh: whether the image ends in a tanh.
        blend: weight in [0, 1) of the enlarged image of the previous scale, 0 once the training
            has finished fading in the last block.
        enlarge: nearest-neighbour enlargement of the final image, for networks used at a lower
            level of detail than they were trained for.
        bias_per_pixel: whether every pixel of the first map has a bias of its own (GAN zoo).
        first_norm: whether the first map is normalised before the second layer.
    """

    latent_size: int
    channels: tuple[int, ...]
    image_channels: int = 3
    final_tanh: bool = False
    blend: float = 0.0
    enlarge: int = 1
    bias_per_pixel: bool = False
    first_norm: bool = True

    @classmethod
    def standard(cls, resolution: int, latent_size: int = 512) -> "PGGANConfig":
        """Returns the published network of a resolution: min(16384 / resolution, 512) channels."""
        blocks = resolution.bit_length() - 2
        widths = [min(16384 // (4 * 2**b), 512) for b in range(blocks)]
        return cls(latent_size, tuple(width for width in widths for _ in range(2)))

    @property
    def resolution(self) -> int:
        """Height and width of the image in pixels."""
        return 4 * 2 ** (len(self.channels) // 2 - 1) * self.enlarge

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages in order."""
        return (*(f"layer{i}" for i in range(len(self.channels))), "to_rgb")


class First(LatentToMap):
    """Normalised latent code to 4x4 map, with leaky ReLU."""

    def __call__(self, z: jax.Array) -> jax.Array:
        """Maps float[N, latent] to float[N, 4, 4, C]."""
        return leaky_relu(super().__call__(pixel_norm(z)))


class Same(nnx.Module):
    """Pixel norm, 3x3 convolution, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, *, norm: bool = True, rngs: nnx.Rngs):
        self.norm = norm
        convolution = Convolution(inputs, outputs, 3, gain=2**0.5, rngs=rngs)
        self.kernel, self.bias = convolution.kernel, convolution.bias

    def __call__(self, x: jax.Array | Features) -> jax.Array | Features:
        """Maps float[N, H, W, I] to float[N, H, W, O]; the image of `Features` passes by."""
        if isinstance(x, Features):
            return Features(self._layer(x.maps), x.rgb)
        return self._layer(x)

    def _layer(self, x: jax.Array) -> jax.Array:
        x = pixel_norm(x) if self.norm else x
        return leaky_relu(convolve(x, self.kernel[...]) + self.bias[...])


class Up(nnx.Module):
    """Pixel norm, doubling by nearest neighbour, 3x3 convolution, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, *, rgb: int | None = None, rngs: nnx.Rngs):
        convolution = Convolution(inputs, outputs, 3, gain=2**0.5, rngs=rngs)
        self.kernel, self.bias = convolution.kernel, convolution.bias
        self.previous_rgb = None if rgb is None else ToRGB(inputs, rgb, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array | Features:
        """Maps float[N, H, W, I] to float[N, 2H, 2W, O], with the previous image if blended."""
        x = pixel_norm(x)
        maps = leaky_relu(convolve_upsampled(x, self.kernel[...]) + self.bias[...])
        if self.previous_rgb is None:
            return maps
        return Features(maps, rgb=upsample_nearest(self.previous_rgb(x)))


class Image(ToRGB):
    """Pixel norm and 1x1 convolution to the image; then blending, tanh, enlarging if configured."""

    def __init__(self, inputs: int, config: PGGANConfig, *, rngs: nnx.Rngs):
        super().__init__(inputs, config.image_channels, rngs=rngs)
        self.blend, self.enlarge, self.tanh = config.blend, config.enlarge, config.final_tanh

    def __call__(self, x: jax.Array | Features) -> jax.Array:
        """Maps float[N, H, W, I] to an image, in [-1, 1] up to overshoots."""
        maps, previous = (x.maps, x.rgb) if isinstance(x, Features) else (x, None)
        image = super().__call__(pixel_norm(maps))
        if previous is not None:
            image = (1 - self.blend) * image + self.blend * previous
        image = jnp.tanh(image) if self.tanh else image
        return image if self.enlarge == 1 else upsample_nearest(image, self.enlarge)


class PGGAN(nnx.Module):
    """The stages `layer0` ... and `to_rgb` of a PGGAN as attributes."""

    def __init__(self, config: PGGANConfig, *, rngs: nnx.Rngs):
        widths = config.channels
        self.layer0 = First(
            config.latent_size,
            widths[0],
            gain=2**0.5 / 4,
            rngs=rngs,
            bias_per_pixel=config.bias_per_pixel,
        )
        for i in range(1, len(widths)):
            sizes = widths[i - 1], widths[i]
            if i % 2:
                stage = Same(*sizes, norm=i > 1 or config.first_norm, rngs=rngs)
            else:
                blends = config.blend > 0 and i == len(widths) - 2
                stage = Up(*sizes, rgb=config.image_channels if blends else None, rngs=rngs)
            setattr(self, f"layer{i}", stage)
        self.to_rgb = Image(widths[-1], config, rngs=rngs)
