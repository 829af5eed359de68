"""SNGAN (Miyato et al. 2018) and its kin as a chain of stages: residual blocks, each doubling.

The stages are `layer0` (code to the first map), the blocks `layer1` ... and `to_rgb`. In a
conditional network (cGAN-PD, SAGAN) norms take a label: a stage `condition` in front joins it to
the code, and the spaces are those of BigGAN. A self-attention belongs to the block in front of it.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx

from mgp_jax.errors import SettingError
from mgp_jax.generators.config import Config
from mgp_jax.generators.convolution import convolve
from mgp_jax.generators.crossing import Features, Params
from mgp_jax.generators.labels import Labels
from mgp_jax.generators.layers import Convolution, upsample_filtered
from mgp_jax.generators.residual import (
    Attention,
    Condition,
    First,
    Image,
    Norm,
    mean_condition,
    run_block,
)


@dataclass(frozen=True)
class SNGANConfig(Config):
    """The configuration of an SNGAN.

    Attributes:
        latent_size: length of a latent code.
        channels: of the first map and behind each block, which doubles the resolution.
        start: height and width of the first map.
        attention: numbers of the blocks, from 1 on, that self-attention follows.
        image_channels: channels of the image.
        labels: how a class is joined to the code, None if the network takes none.
    """

    latent_size: int
    channels: tuple[int, ...]
    start: int = 4
    attention: tuple[int, ...] = ()
    image_channels: int = 3
    labels: Labels | None = None

    def __post_init__(self) -> None:
        if len(self.channels) < 2 or self.start < 1:
            raise SettingError(f"channels: {self.channels} from {self.start} pixels on")

    @property
    def resolution(self) -> int:
        """Height and width of the image in pixels."""
        return self.start * 2 ** (len(self.channels) - 1)

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages in order."""
        first = ("condition",) if self.labels else ()
        return (*first, *(f"layer{i}" for i in range(len(self.channels))), "to_rgb")

    @property
    def spaces(self) -> tuple[tuple[str, int], ...]:
        """Names of the spaces that latent codes can live in, with the index of their cut."""
        return (("z", 0), ("w+", 1)) if self.labels else (("z", 0),)

    @property
    def condition(self) -> int:
        """Length of code and label together; 0 without a label."""
        return self.latent_size + self.labels.size if self.labels else 0

    def mean_style(self, params: Params) -> jax.Array | None:
        """Returns the label with a code of zeros, float[W]; None without a label."""
        return mean_condition(params, self.latent_size) if self.labels else None

    def code_kernel(self, params: Params, layers: tuple[int, int] | None = None) -> jax.Array:
        """Returns the weights float[D, outputs] of the first layer."""
        del layers
        kernel = params["layer0"]["kernel"]
        return jnp.moveaxis(kernel, -2, 0).reshape(self.latent_size, -1)


class Block(nnx.Module):
    """Two 3x3 convolutions behind norms and ReLUs, added to a 1x1 convolution of the input."""

    def __init__(self, config: SNGANConfig, index: int, *, rngs: nnx.Rngs):
        inputs, outputs = config.channels[index - 1 : index + 1]
        self.norm0 = Norm(inputs, config.condition, rngs=rngs)
        self.norm1 = Norm(outputs, config.condition, rngs=rngs)
        self.conv0 = Convolution(inputs, outputs, 3, gain=1.0, rngs=rngs)
        self.conv1 = Convolution(outputs, outputs, 3, gain=1.0, rngs=rngs)
        self.shortcut = Convolution(inputs, outputs, 1, gain=1.0, rngs=rngs)
        attends = index in config.attention
        self.attention = Attention(outputs, rngs=rngs) if attends else None
        self.index = index

    def __call__(self, x: jax.Array | Features) -> jax.Array | Features:
        """Maps float[N, H, W, I] to float[N, 2H, 2W, O]."""
        return run_block(x, self.index, self._run)

    def _run(self, x: jax.Array, style: jax.Array | None) -> jax.Array:
        y = self.conv0(upsample_filtered(self.norm0(x, style), "edge"))
        y = self.conv1(self.norm1(y, style))
        # A 1x1 convolution and an enlargement can change places: this is the smaller map.
        shortcut = convolve(x, self.shortcut.kernel[...]) + self.shortcut.bias[...]
        y += upsample_filtered(shortcut, "edge")
        return y if self.attention is None else self.attention(y)


class SNGAN(nnx.Module):
    """The stages `layer0` ... and `to_rgb` as attributes, with labels `condition` in front."""

    def __init__(self, config: SNGANConfig, *, rngs: nnx.Rngs):
        widths = config.channels
        if config.labels:
            self.condition = Condition(config.labels, len(widths), rngs=rngs)
        self.layer0 = First(
            config.latent_size, widths[0], config.start, bool(config.labels), rngs=rngs
        )
        for i in range(1, len(widths)):
            setattr(self, f"layer{i}", Block(config, i, rngs=rngs))
        self.to_rgb = Image(widths[-1], config.image_channels, rngs=rngs)
