"""DCGAN (Radford et al. 2016) in the layout of the PyTorch tutorial: a case of `sequential`.

Batch norm is in evaluation mode and folded into kernels and biases by the converter, so a stage is
a transposed convolution and its activation. Cutting at index k cuts behind the ReLU of layer k - 1.
"""

from dataclasses import dataclass

from mgp_jax.generators.config import Config
from mgp_jax.generators.stack_base import Layer
from mgp_jax.generators.stack_layers import Dense, Transposed
from mgp_jax.generators.stack_pointwise import Activation


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
    def layers(self) -> tuple[Layer, ...]:
        """The layers in order, as `SequentialConfig` has them."""
        first, *others = self.channels
        relu = Activation("relu")
        hidden = (layer for width in others for layer in (doubling(width), relu))
        return (Dense(4, 4, first), relu, *hidden, doubling(self.image_channels))

    @property
    def output(self) -> str:
        """How the image ends."""
        return "tanh"

    @property
    def resolution(self) -> int:
        """Height and width of the image in pixels."""
        return 4 * 2 ** len(self.channels)

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages in order."""
        return tuple(f"layer{i}" for i in range(len(self.channels) + 1))


def doubling(channels: int) -> Transposed:
    """Returns the tutorial's transposed convolution, which doubles the resolution."""
    return Transposed(channels, (4, 4), (2, 2), ((1, 1), (1, 1)))
