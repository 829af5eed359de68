"""StyleGAN2 (Karras et al. 2020) as a chain of stages, clamped like stylegan2-ada if configured.

Layer 0 works at 4 pixels, layers 2b - 1 and 2b at 4 * 2^b; odd layers double the resolution. Layer
i takes style i, and the to-RGB behind layer i, which exists for even i, takes style i + 1. Cutting
behind a layer cuts behind its activation. In the skip architecture the accumulated image crosses
the cut too: each to-RGB belongs to the stage of the layer before it (the last one is the stage
`to_rgb`), and the following layer's stage enlarges the sum.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from mgp_jax.errors import SettingError
from mgp_jax.generators.convolution import convolve, convolve_transposed
from mgp_jax.generators.crossing import Features
from mgp_jax.generators.formulations import formulation
from mgp_jax.generators.layers import filter_separable, leaky_relu, upsample_filtered
from mgp_jax.generators.style import Chain, Dense, Noise, StyleConfig, styles_of

GAIN = 2**0.5
FILTER = (0.25, 0.75, 0.75, 0.25)
ARCHITECTURES = ("skip", "origin")


@dataclass(frozen=True)
class StyleGAN2Config(StyleConfig):
    """The configuration of a StyleGAN2.

    Attributes:
        architecture: `skip` sums up the images of all resolutions, `origin` has one to-RGB only.
        conv_clamp: outputs of layers and to-RGBs are clipped to this magnitude; None for no limit.
    """

    architecture: str = "skip"
    conv_clamp: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.channels) % 2 == 0:
            raise SettingError(f"channels: {len(self.channels)} layers, should be an odd number")
        if self.architecture not in ARCHITECTURES:
            raise SettingError(
                f"architecture: {self.architecture}, should be {' or '.join(ARCHITECTURES)}"
            )

    @classmethod
    def standard(cls, resolution: int) -> "StyleGAN2Config":
        """Returns the published network (config F): min(32768 / resolution, 512) channels."""
        blocks = resolution.bit_length() - 2
        widths = [min(32768 // (4 * 2**b), 512) for b in range(blocks)]
        channels = tuple(width for width in widths for _ in range(2))[1:]
        return cls(512, 512, (512,) * 8, channels)

    @property
    def styles(self) -> int:
        """Number of style vectors that an image is made of: one more than layers."""
        return len(self.channels) + 1

    @property
    def resolution(self) -> int:
        """Height and width of the image in pixels."""
        return 4 * 2 ** (len(self.channels) // 2)


class StyledToRGB(nnx.Module):
    """Modulated 1x1 convolution to image channels, not demodulated.

    Args:
        config: the generator's configuration.
        inputs: channels of the map.
        index: number of the style.
        clamp: magnitude at which its outputs are clipped; None for no limit.
        rngs: source of the initial weights.
    """

    def __init__(
        self,
        config: StyleConfig,
        inputs: int,
        index: int,
        *,
        clamp: float | None = None,
        rngs: nnx.Rngs,
    ):
        outputs = config.image_channels
        self.kernel = nnx.Param(rngs.params.normal((inputs, outputs)) / inputs**0.5)
        self.bias = nnx.Param(jnp.zeros(outputs))
        self.style = style_layer(config, inputs, rngs)
        self.index, self.clamp = index, clamp

    def image(self, maps: jax.Array, styles: jax.Array) -> jax.Array:
        """Maps float[N, H, W, C] and styles float[N, L, W] to an image float[N, H, W, O]."""
        # Only here the style goes into the kernel, which is much smaller than the map.
        kernel = self.style(styles[:, self.index])[..., None] * self.kernel[...]
        return _clip(jnp.einsum("nhwc,nco->nhwo", maps, kernel) + self.bias[...], self.clamp)

    def added(self, rgb: jax.Array | None, maps: jax.Array, styles: jax.Array) -> jax.Array:
        """Adds the image of maps to the one that has been accumulated so far, if there is one."""
        own = self.image(maps, styles)
        return own if rgb is None else rgb + own


class Styled(Noise):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU; on even layers the to-RGB of a skip.

    The style scales the input and the demodulation the output of the convolution, so that all
    images share its weights. Modulated weights give the same up to rounding, but under `jax.vmap`
    they make a grouped convolution with a kernel for every image: with four images at 32 pixels
    and 256 channels, forward and backward take 60 times as long on CPU. `formulations.py` can
    ask for them all the same.

    Args:
        config: the generator's configuration.
        index: number of the layer; odd ones double the resolution.
        rngs: source of the initial weights.
    """

    def __init__(self, config: StyleGAN2Config, index: int, *, rngs: nnx.Rngs):
        super().__init__(4 * 2 ** ((index + 1) // 2), 1, rngs=rngs)
        inputs, outputs = config.channels[max(index - 1, 0)], config.channels[index]
        normal = rngs.params.normal((3, 3, inputs, outputs))
        self.kernel = nnx.Param(normal / (9 * inputs) ** 0.5)
        self.bias = nnx.Param(jnp.zeros(outputs))
        self.style = style_layer(config, inputs, rngs)
        inner = index % 2 == 0 and index < len(config.channels) - 1
        adds_rgb = inner and config.architecture == "skip"
        self.index, self.clamp = index, config.conv_clamp
        rgb = partial(StyledToRGB, config, outputs, index + 1, clamp=self.clamp, rngs=rngs)
        self.rgb = rgb() if adds_rgb else None

    def convolve(self, maps: jax.Array, style: jax.Array) -> jax.Array:
        """Applies the kernel, modulated by the styles float[N, I] and demodulated."""
        kernel = self.kernel[...]
        factors = demodulation(style, kernel)
        if formulation().modulated:
            maps = jnp.broadcast_to(maps, (len(style), *maps.shape[1:]))
            kernels = style[:, None, None, :, None] * kernel * factors[:, None]
            return jax.vmap(lambda x, own: self.apply(x[None], own)[0])(maps, kernels)
        return self.apply(maps * style[:, None, None], kernel) * factors

    def apply(self, maps: jax.Array, kernel: jax.Array) -> jax.Array:
        """Convolves; odd layers double the resolution."""
        if self.index % 2:
            return filter_separable(convolve_transposed(maps, kernel), FILTER)
        return convolve(maps, kernel)

    def run(self, x: Features) -> Features:
        """Maps float[N, H, W, I] to float[N, H, W, O], or [N, 2H, 2W, O] if the index is odd."""
        styles = styles_of(x)
        maps = self.add_noise(self.convolve(x.maps, self.style(styles[:, self.index])))
        maps = _clip(GAIN * leaky_relu(maps + self.bias[...]), self.clamp)
        rgb = x.rgb
        if self.index % 2 and rgb is not None:
            rgb = upsample_filtered(rgb)
        if self.rgb is not None:
            rgb = self.rgb.added(rgb, maps, styles)
        return Features(maps, rgb, styles)


class First(Styled):
    """Layer 0, which convolves a constant."""

    def __init__(self, config: StyleGAN2Config, *, rngs: nnx.Rngs):
        super().__init__(config, 0, rngs=rngs)
        self.const = nnx.Param(rngs.params.normal((1, 4, 4, config.channels[0])))

    def __call__(self, x: jax.Array) -> Features:
        """Maps styles float[N, L, W] to `Features` with maps float[N, 4, 4, C]."""
        return self.run(Features(self.const[...], styles=x))


class Layer(Styled):
    """All other layers."""

    def __call__(self, x: Features) -> Features:
        """Maps float[N, H, W, I] to float[N, H, W, O], or [N, 2H, 2W, O] if the index is odd."""
        return self.run(x)


class Image(StyledToRGB):
    """The last to-RGB, added to the accumulated image; then tanh if configured."""

    def __init__(self, config: StyleConfig, *, clamp: float | None = None, rngs: nnx.Rngs):
        super().__init__(config, config.channels[-1], config.styles - 1, clamp=clamp, rngs=rngs)
        self.tanh = config.final_tanh

    def __call__(self, x: Features) -> jax.Array:
        """Maps `Features` to an image float[N, H, W, C], in [-1, 1] up to overshoots."""
        image = self.added(x.rgb, x.maps, styles_of(x))
        return jnp.tanh(image) if self.tanh else image


class StyleGAN2(Chain):
    """The whole network, see `Chain`."""

    def __init__(self, config: StyleGAN2Config, *, rngs: nnx.Rngs):
        image = partial(Image, clamp=config.conv_clamp)
        super().__init__(config, First, Layer, image, gain=GAIN, rngs=rngs)


def demodulation(style: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns the factors that bring a modulated kernel to norm 1 for every output channel.

    Args:
        style: factors of the input channels, float[N, I].
        kernel: float[k, k, I, O].

    Returns: float[N, 1, 1, O].
    """
    power = jnp.square(style) @ jnp.sum(jnp.square(kernel), axis=(0, 1))
    return lax.rsqrt(power + 1e-8)[:, None, None]


def style_layer(config: StyleConfig, channels: int, rngs: nnx.Rngs) -> Dense:
    """Returns the dense layer from a style vector to the factors of the input channels."""
    dense = Dense(config.w_size, channels, gain=1.0, rngs=rngs)
    dense.bias = nnx.Param(jnp.ones(channels))
    return dense


def _clip(x: jax.Array, limit: float | None) -> jax.Array:
    return x if limit is None else jnp.clip(x, -limit, limit)
