"""DCGAN (Radford et al. 2016) in the layout of the PyTorch tutorial, as a chain of stages.

Batch norm is in evaluation mode and folded into kernels and biases by the converter, so a stage is
a transposed convolution and its activation. Cutting at index k cuts behind the ReLU of layer k - 1.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx

from mgp_jax.generators.base import Config
from mgp_jax.generators.layers import Convolution, LatentToMap


@dataclass(frozen=True)
class DCGANConfig(Config):
    """The configuration of a DCGAN.

    Attributes:
        latent_size: length of the latent code.
        channels: output channels of the hidden layers; the first works at 4x4 and each further
            one doubles the resolution, as does the last layer, which makes the image.
        image_channels: channels of the image.
    """

    latent_size: int
    channels: tuple[int, ...]
    image_channels: int = 3

    @property
    def resolution(self) -> int:
        """Height and width of the image in pixels."""
        return 4 * 2 ** len(self.channels)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent code."""
        return (self.latent_size,)

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages in order."""
        return tuple(f"layer{i}" for i in range(len(self.channels) + 1))


class First(LatentToMap):
    """Latent code to 4x4 map, with ReLU."""

    def __call__(self, z: jax.Array) -> jax.Array:
        """Maps float[N, latent] to float[N, 4, 4, C]."""
        return jax.nn.relu(super().__call__(z))


class Hidden(Convolution):
    """Doubling convolution with ReLU."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, H, W, I] to float[N, 2H, 2W, O]."""
        return jax.nn.relu(super().__call__(x))


class Last(Convolution):
    """Doubling convolution with tanh, which makes the image."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, H, W, I] to an image float[N, 2H, 2W, image_channels] in [-1, 1]."""
        return jnp.tanh(super().__call__(x))


class DCGAN(nnx.Module):
    """The stages `layer0` ... of a DCGAN as attributes."""

    def __init__(self, config: DCGANConfig, *, rngs: nnx.Rngs):
        widths = config.channels
        gain = 2**0.5
        self.layer0 = First(config.latent_size, widths[0], gain=gain, rngs=rngs)
        for i in range(1, len(widths)):
            hidden = Hidden(widths[i - 1], widths[i], 4, gain=gain, rngs=rngs)
            setattr(self, f"layer{i}", hidden)
        last = Last(widths[-1], config.image_channels, 4, gain=1.0, rngs=rngs)
        setattr(self, f"layer{len(widths)}", last)
