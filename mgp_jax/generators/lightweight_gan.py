"""Lightweight GAN, a FastGAN as the package lightweight_gan of lucidrains has it, as stages.

The stages are `layer0` (code to 4x4), `layer1` ..., each of which doubles the resolution, and
`to_rgb`. Layers 2 to 5 excite the layer three behind them: of their small map they make a factor
for every channel of the large one. What is waiting to be multiplied travels along as factors.

Source: Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot
Image Synthesis".
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from mgp_jax.errors import SettingError
from mgp_jax.generators.config import Config
from mgp_jax.generators.convolution import correlate
from mgp_jax.generators.crossing import Features, as_features, as_passed
from mgp_jax.generators.layers import Convolution, blur, gate, pixel_shuffle
from mgp_jax.generators.linear_attention import LinearAttention
from mgp_jax.generators.style import Dense, Noise

EXCITING = range(2, 6)
AHEAD = 3
EXCITATIONS = ("context", "frequency")
FREQUENCIES = 8
KERNEL = 4


@dataclass(frozen=True)
class LightweightGANConfig(Config):
    """The configuration of a Lightweight GAN.

    Attributes:
        latent_size: length of a latent code.
        channels: of the first map and of every layer behind it, each of which doubles the
            resolution.
        attention: numbers of the layers, from 1 on, that begin with a self-attention.
        excitation: how layers that excite others sum up their map: `context`, by an attention over
            the pixels, or `frequency`, by cosines.
        blurs: whether enlarged maps are blurred.
        image_channels: channels of the image.
    """

    latent_size: int
    channels: tuple[int, ...]
    attention: tuple[int, ...] = ()
    excitation: str = "context"
    blurs: bool = False
    image_channels: int = 3

    def __post_init__(self) -> None:
        if len(self.channels) < 2:
            raise SettingError(f"channels: {self.channels}, at least one layer has to double")
        if not set(self.attention) <= set(range(1, len(self.channels))):
            raise SettingError(f"attention: {self.attention} of {len(self.channels)} layers")
        if self.excitation not in EXCITATIONS:
            raise SettingError(
                f"excitation: {self.excitation}, should be {' or '.join(EXCITATIONS)}"
            )

    @property
    def resolution(self) -> int:
        """Height and width of the image in pixels."""
        return 2 * 2 ** len(self.channels)

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages in order."""
        return (*(f"layer{i}" for i in range(len(self.channels))), "to_rgb")

    def excited(self, index: int) -> int | None:
        """Returns the number of the layer that a layer excites, or None."""
        target = index + AHEAD
        return target if index in EXCITING and target < len(self.channels) else None

    def hidden(self, index: int) -> int:
        """Returns the width of the layer between what excites another and what it makes."""
        width = self.channels[index + AHEAD]
        return max(3, width // (2 if self.excitation == "context" else 4))


class First(nnx.Module):
    """The code to a gated map of 4x4, of which every pixel is brought to length 1."""

    def __init__(self, config: LightweightGANConfig, *, rngs: nnx.Rngs):
        inputs, outputs = config.latent_size, 2 * config.channels[0]
        self.kernel = nnx.Param(rngs.params.normal((4, 4, inputs, outputs)) / inputs**0.5)
        self.bias = nnx.Param(jnp.zeros(outputs))

    def __call__(self, z: jax.Array) -> jax.Array:
        """Maps float[N, D] to float[N, 4, 4, C]."""
        maps = gate(jnp.einsum("ni,yxio->nyxo", z, self.kernel[...]) + self.bias[...])
        return maps * lax.rsqrt(jnp.sum(jnp.square(maps), axis=-1, keepdims=True) + 1e-24)


class Excitation(nnx.Module):
    """A factor in (0, 1) for every channel of a later map, made of one number a channel of this."""

    def __init__(self, config: LightweightGANConfig, index: int, *, rngs: nnx.Rngs):
        inputs, outputs = config.channels[index], config.channels[index + AHEAD]
        self.dense0 = Dense(inputs, config.hidden(index), gain=2**0.5, rngs=rngs)
        self.dense1 = Dense(config.hidden(index), outputs, gain=1.0, rngs=rngs)
        attends = config.excitation == "context"
        self.key = nnx.Param(rngs.params.normal((inputs,)) / inputs**0.5) if attends else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, H, W, C] to factors float[N, 1, 1, K]."""
        if self.key is None:
            sums = sum_by_frequency(x)
        else:
            sums = jnp.einsum("nyxc,nyx->nc", x, jax.nn.softmax(x @ self.key[...], axis=(1, 2)))
        hidden = jax.nn.leaky_relu(self.dense0(sums), 0.1)
        return jax.nn.sigmoid(self.dense1(hidden))[:, None, None]


class Layer(Noise):
    """Doubles the resolution by a pixel shuffle; then blur, a 4x4 convolution, noise, gate.

    Args:
        config: the generator's configuration.
        index: number of the layer.
        rngs: source of the initial weights.
    """

    def __init__(self, config: LightweightGANConfig, index: int, *, rngs: nnx.Rngs):
        inputs, outputs = config.channels[index - 1 : index + 1]
        super().__init__(4 * 2**index, 2 * outputs, rngs=rngs)
        attends = index in config.attention
        self.attention = LinearAttention(inputs, True, rngs=rngs) if attends else None
        self.shuffle = Dense(inputs, 4 * inputs, gain=2**0.5, rngs=rngs)
        shape = (KERNEL, KERNEL, inputs, 2 * outputs)
        self.kernel = nnx.Param(rngs.params.normal(shape) * (2 / (KERNEL**2 * inputs)) ** 0.5)
        self.bias = nnx.Param(jnp.zeros(2 * outputs))
        excites = config.excited(index) is not None
        self.excites = Excitation(config, index, rngs=rngs) if excites else None
        self.is_excited = config.excited(index - AHEAD) == index
        self.blurs, self.outputs = config.blurs, outputs

    def __call__(self, x: jax.Array | Features) -> jax.Array | Features:
        """Maps float[N, H, W, I] to float[N, 2H, 2W, O]; factors in order of their layers."""
        maps, _, _, factors = as_features(x)
        maps = maps if self.attention is None else self.attention(maps)
        maps = pixel_shuffle(jax.nn.silu(self.shuffle(maps)))
        maps = blur(maps) if self.blurs else maps
        # PyTorch's padding for even kernels is one more in front than behind.
        padded = jnp.pad(maps, ((0, 0), (2, 1), (2, 1), (0, 0)))
        maps = jnp.asarray(correlate(padded, self.kernel[...], 0)) + self.bias[...]
        maps = gate(self.add_noise(maps))
        waiting = [] if factors is None else [factors]
        if self.excites is not None:
            waiting.append(self.excites(maps))
        if self.is_excited:
            own, waiting[0] = jnp.split(waiting[0], [self.outputs], axis=-1)
            maps *= own
        waiting = [part for part in waiting if part.size]
        return as_passed(Features(maps, factors=jnp.concatenate(waiting, -1) if waiting else None))


class LightweightGAN(nnx.Module):
    """The stages `layer0` ... and `to_rgb` as attributes."""

    def __init__(self, config: LightweightGANConfig, *, rngs: nnx.Rngs):
        self.layer0 = First(config, rngs=rngs)
        for i in range(1, len(config.channels)):
            setattr(self, f"layer{i}", Layer(config, i, rngs=rngs))
        self.to_rgb = Convolution(
            config.channels[-1], config.image_channels, 3, gain=1.0, rngs=rngs
        )


def sum_by_frequency(x: jax.Array) -> jax.Array:
    """Sums up every channel, weighted by a cosine along the rows or along the columns.

    The channels are sixteen equal groups: eight frequencies from 0 on within rows, then within
    columns. Channels left over make zeros.

    Args:
        x: float[N, H, W, C].

    Returns: float[N, C].

    Source: Qin et al. 2021 (FcaNet), eq. (9).
    """
    n, height, width, channels = x.shape
    size = channels // (2 * FREQUENCIES)
    groups = x[..., : 2 * FREQUENCIES * size].reshape(n, height, width, 2, FREQUENCIES, size)
    within_rows = jnp.einsum("nyxkc,xk->nkc", groups[:, :, :, 0], cosines(width)) / height**0.5
    within_columns = jnp.einsum("nyxkc,yk->nkc", groups[:, :, :, 1], cosines(height)) / width**0.5
    sums = jnp.concatenate([within_rows, within_columns], axis=1).reshape(n, -1)
    return jnp.pad(sums, ((0, 0), (0, channels - sums.shape[1])))


def cosines(size: int) -> np.ndarray:
    """Returns the first eight cosines of a discrete cosine transform, float[size, 8], of norm 1."""
    places, frequencies = np.arange(size)[:, None] + 0.5, np.arange(FREQUENCIES)
    waves = np.cos(np.pi * frequencies * places / size) * np.sqrt(2 / size)
    return (waves * np.where(frequencies, 1, 0.5**0.5)).astype(np.float32)
