"""MobileStyleGAN: a StyleGAN2 distilled into separable convolutions, as a chain of stages.

Layer 0 works at 4 pixels, layers 2b - 1 and 2b at 4 * 2^b; odd layers double the resolution by an
inverse Haar transform, and so does `to_rgb` in the end. No image is accumulated on the way. Styles
scale the inputs of convolutions and of the transforms. The kernels do not depend on them, so that
all codes of a batch share them, and nothing is demodulated.

Layer i takes style (3 i + 1) // 2, on odd layers for the convolution behind the transform, which
takes the style before that one. The last style is that of `to_rgb`.

Source: Belousov 2021, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity
Image Synthesis".
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from mgp_jax.errors import SettingError
from mgp_jax.generators.convolution import convolve, convolve_depthwise
from mgp_jax.generators.crossing import Features
from mgp_jax.generators.layers import leaky_relu
from mgp_jax.generators.products import multiply
from mgp_jax.generators.style import Chain, Dense, Noise, StyleConfig, styles_of

MAPPING_GAIN = 2**0.5


@dataclass(frozen=True)
class MobileStyleGANConfig(StyleConfig):
    """What a MobileStyleGAN looks like."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.channels) % 2 == 0:
            raise SettingError(f"channels: {len(self.channels)} layers, should be an odd number")
        if any(width % 4 for width in self.channels[:-1:2]):
            raise SettingError(
                f"channels: {self.channels}, those before a doubling should be divisible by 4"
            )

    @classmethod
    def standard(cls) -> "MobileStyleGANConfig":
        """Returns the published network, which makes images of 1024 pixels."""
        widths = (512, 512, 512, 512, 512, 256, 128, 64)
        channels = tuple(width for width in widths for _ in range(2))[1:]
        return cls(512, 512, (512,) * 8, channels)

    @property
    def styles(self) -> int:
        """Number of style vectors that an image is made of."""
        return 3 * (len(self.channels) // 2) + 2

    @property
    def style_layers(self) -> tuple[int, ...]:
        """For every style the number of the layer that takes it; odd layers take two."""
        layers = len(self.channels)
        return (*(k for k in range(layers) for _ in range(1 + k % 2)), layers)

    @property
    def normalises(self) -> bool:
        """Nothing is demodulated."""
        return False

    @property
    def rows(self) -> int:
        """Rows of W+ codes of the StyleGAN2 it was distilled from, whose last two it leaves out."""
        return len(self.channels) + 3

    @property
    def resolution(self) -> int:
        """Height and width of the image in pixels."""
        return 8 * 2 ** (len(self.channels) // 2)

    def sketch(self, network: Any, x: Features, cut: int) -> jax.Array:
        """Runs the remaining layers without doubling, as if maps were constant within each pixel.

        Of the Haar bands the low one is left, kernels reach less far, and noise is averaged; all
        styles still act.
        """
        for name in self.stage_names[cut:-1]:
            x = getattr(network, name).coarse(x)
        return network.to_rgb.coarse(x)


def low_band(x: jax.Array) -> jax.Array:
    """Returns the means float[N, H, W, C] of the squares that `inverse_haar` makes of pixels."""
    return x[..., : x.shape[-1] // 4] / 2


def inverse_haar(x: jax.Array) -> jax.Array:
    """Doubles the resolution by an inverse Haar transform.

    The first quarter of the channels is the low band. The others are groups of three, the details
    of one channel each: between rows, between columns, and diagonal.

    Args:
        x: float[N, H, W, 4 C].

    Returns: float[N, 2 H, 2 W, C].
    """
    n, h, w, channels = x.shape
    low, details = x[..., : channels // 4], x[..., channels // 4 :]
    rows, columns, diagonal = (details[..., k::3] for k in range(3))
    top, bottom = (low + rows) / 2, (low - rows) / 2
    top_side, bottom_side = (columns + diagonal) / 2, (columns - diagonal) / 2
    pixels = [top + top_side, top - top_side, bottom + bottom_side, bottom - bottom_side]
    block = jnp.stack(pixels, axis=3).reshape(n, h, w, 2, 2, channels // 4)
    return block.swapaxes(2, 3).reshape(n, 2 * h, 2 * w, channels // 4)


def shrunk_kernel(kernel: jax.Array, share: float) -> jax.Array:
    """Returns a depthwise kernel for maps whose pixels are larger than those that it is for.

    Args:
        kernel: float[3, 3, C].
        share: side of a pixel that it is for, in sides of a larger one. So large is the part of
            those whose neighbour lies in another one of these.

    Returns: float[3, 3, C], its mean effect on maps that are constant within the larger pixels.
    """

    def fold(lines: jax.Array) -> jax.Array:
        first, middle, last = lines
        return jnp.stack([share * first, middle + (1 - share) * (first + last), share * last])

    return fold(fold(kernel).swapaxes(0, 1)).swapaxes(0, 1)


class Modulation(Dense):
    """A dense layer from a style vector to the factors of a feature map's channels."""

    def __init__(self, config: MobileStyleGANConfig, channels: int, *, rngs: nnx.Rngs):
        super().__init__(config.w_size, channels, gain=1.0, rngs=rngs)
        self.bias = nnx.Param(jnp.ones(channels))

    def scale(self, x: jax.Array, style: jax.Array) -> jax.Array:
        """Maps float[N, H, W, C] and style vectors float[N, W] to float[N, H, W, C]."""
        return x * self(style)[:, None, None]


class Styled(Noise):
    """What all layers have: the style of the convolution, noise, bias, leaky ReLU without gain."""

    def __init__(self, config: MobileStyleGANConfig, index: int, inputs: int, *, rngs: nnx.Rngs):
        super().__init__(4 * 2 ** ((index + 1) // 2), 1, rngs=rngs)
        self.style = Modulation(config, inputs, rngs=rngs)
        self.bias = nnx.Param(jnp.zeros(config.channels[index]))
        self.index = (3 * index + 1) // 2

    def modulate(self, maps: jax.Array, styles: jax.Array) -> jax.Array:
        """Maps float[N, H, W, C] and styles float[N, L, W] to float[N, H, W, C]."""
        return self.style.scale(maps, styles[:, self.index])

    def activate(self, maps: jax.Array) -> jax.Array:
        """Maps float[N, H, W, C] to the same shape."""
        return leaky_relu(self.add_noise(maps) + self.bias[...])


class First(Styled):
    """Layer 0, which convolves a constant with a dense 3x3 kernel."""

    def __init__(self, config: MobileStyleGANConfig, *, rngs: nnx.Rngs):
        width = config.channels[0]
        super().__init__(config, 0, width, rngs=rngs)
        self.const = nnx.Param(rngs.params.normal((1, 4, 4, width)))
        self.kernel = nnx.Param(rngs.params.normal((3, 3, width, width)) / (4.5 * width) ** 0.5)

    def __call__(self, x: jax.Array) -> Features:
        """Maps styles float[N, L, W] to `Features` with maps float[N, 4, 4, C]."""
        maps = convolve(self.modulate(self.const[...], x), self.kernel[...])
        return Features(self.activate(maps), styles=x)


class Layer(Styled):
    """All other layers: depthwise 3x3 convolution, then a pointwise one; doubling if odd."""

    def __init__(self, config: MobileStyleGANConfig, index: int, *, rngs: nnx.Rngs):
        before, outputs = config.channels[index - 1 : index + 1]
        doubles = index % 2 == 1
        inputs = before // 4 if doubles else before
        super().__init__(config, index, inputs, rngs=rngs)
        self.up = Modulation(config, before, rngs=rngs) if doubles else None
        self.depthwise = nnx.Param(rngs.params.normal((3, 3, inputs)) / 3)
        self.kernel = nnx.Param(rngs.params.normal((inputs, outputs)) * (2 / inputs) ** 0.5)

    def __call__(self, x: Features) -> Features:
        """Maps float[N, H, W, I] to float[N, H, W, O], or [N, 2H, 2W, O] if the index is odd."""
        maps, styles = x.maps, styles_of(x)
        if self.up is not None:
            maps = inverse_haar(self.up.scale(maps, styles[:, self.index - 1]))
        maps = convolve_depthwise(self.modulate(maps, styles), self.depthwise[...])
        return Features(self.activate(multiply(maps, self.kernel[...])), styles=styles)

    def coarse(self, x: Features) -> Features:
        """Maps float[N, H, W, I] to float[N, H, W, O], see `MobileStyleGANConfig.sketch`."""
        maps, styles = x.maps, styles_of(x)
        if self.up is not None:
            maps = low_band(self.up.scale(maps, styles[:, self.index - 1]))
        times = self.noise[...].shape[1] // maps.shape[1]
        kernel = shrunk_kernel(self.depthwise[...], 1 / times)
        maps = multiply(convolve_depthwise(self.modulate(maps, styles), kernel), self.kernel[...])
        # Strided, because XLA would compute a mean again for every channel.
        places = [(row, column) for row in range(times) for column in range(times)]
        noise = sum(self.noise[...][:, r::times, c::times] for r, c in places) / len(places)
        maps = leaky_relu(maps + noise * self.noise_strength[...] + self.bias[...])
        return Features(maps, styles=styles)


class Image(nnx.Module):
    """Modulated 1x1 convolution to the Haar bands of the image, and their transform.

    Then tanh if configured.
    """

    def __init__(self, config: MobileStyleGANConfig, *, rngs: nnx.Rngs):
        inputs, outputs = config.channels[-1], 4 * config.image_channels
        self.style = Modulation(config, inputs, rngs=rngs)
        self.kernel = nnx.Param(rngs.params.normal((inputs, outputs)) / inputs**0.5)
        self.bias = nnx.Param(jnp.zeros(outputs))
        self.tanh = config.final_tanh

    def __call__(self, x: Features) -> jax.Array:
        """Maps `Features` to an image float[N, 2 H, 2 W, C], in [-1, 1] up to overshoots."""
        maps = self.style.scale(x.maps, styles_of(x)[:, -1])
        # Both are linear, so the kernel is transformed in place of bands as large as the image.
        kernel, bias = (
            inverse_haar(part.reshape(-1, 1, 1, part.shape[-1])).reshape(part.shape)
            for part in (self.kernel[...], self.bias[...])
        )
        n, h, w, _ = maps.shape
        pixels = (multiply(maps, kernel) + bias).reshape(n, h, w, 2, 2, -1).swapaxes(2, 3)
        image = pixels.reshape(n, 2 * h, 2 * w, -1)
        return jnp.tanh(image) if self.tanh else image

    def coarse(self, x: Features) -> jax.Array:
        """Maps `Features` to an image float[N, H, W, C], see `MobileStyleGANConfig.sketch`."""
        maps = self.style.scale(x.maps, styles_of(x)[:, -1])
        image = low_band(multiply(maps, self.kernel[...]) + self.bias[...])
        return jnp.tanh(image) if self.tanh else image


class MobileStyleGAN(Chain):
    """The whole network, see `Chain`."""

    def __init__(self, config: MobileStyleGANConfig, *, rngs: nnx.Rngs):
        super().__init__(config, First, Layer, Image, gain=MAPPING_GAIN, rngs=rngs)
