"""The common part of StyleGAN and StyleGAN2: mapping, truncation, styles and noise.

Both are chains of the stages `mapping`, `truncation`, `layer0` ... and `to_rgb`. So cut 0 is Z, cut
1 is W, cut 2 is W+, and behind each layer `Features` cross the cut: the map, the image accumulated
so far, and the styles of all layers, those behind the cut included. All weights are stored as they
act: equalised learning rate, learning-rate multipliers and gains are folded in.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from mgp_jax.errors import SettingError
from mgp_jax.generators.config import Config
from mgp_jax.generators.crossing import Features, Params
from mgp_jax.generators.labels import Label, Labels, joined_size
from mgp_jax.generators.layers import leaky_relu, pixel_norm


@dataclass(frozen=True)
class StyleConfig(Config):
    """The configuration that both families have in common.

    Attributes:
        latent_size: length of a latent code in Z.
        w_size: length of a style vector in W.
        mapping: output widths of the layers of the mapping network. The last one is `w_size`, or a
            multiple of it for networks that map to a style vector for every layer.
        channels: output channels of every layer.
        image_channels: channels of the image.
        final_tanh: whether the image ends in a tanh.
        truncation_psi: how far styles keep away from their mean; 1 leaves them as they are.
        truncation_cutoff: number of layers whose style vectors are truncated; None for all.
        labels: how the mapping network takes a class, None if it takes none.
    """

    latent_size: int
    w_size: int
    mapping: tuple[int, ...]
    channels: tuple[int, ...]
    image_channels: int = 3
    final_tanh: bool = False
    truncation_psi: float = 1.0
    truncation_cutoff: int | None = None
    labels: Labels | None = None

    def __post_init__(self) -> None:
        if not self.mapping or self.mapping[-1] not in (self.w_size, self.w_size * self.styles):
            raise SettingError(
                f"mapping: widths {self.mapping} do not lead to styles of length {self.w_size}"
            )

    @property
    def styles(self) -> int:
        """Number of style vectors that an image is made of."""
        raise NotImplementedError

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages in order."""
        layers = (f"layer{i}" for i in range(len(self.channels)))
        return ("mapping", "truncation", *layers, "to_rgb")

    @property
    def spaces(self) -> tuple[tuple[str, int], ...]:
        """Names of the spaces that latent codes can live in, with the index of their cut."""
        return (("z", 0), ("w", 1), ("w+", 2))

    @property
    def style_layers(self) -> tuple[int, ...]:
        """For every style the number of the layer that takes it; `to_rgb` counts as the last one.

        These are also the rows of W+ codes made for a StyleGAN2 of the same resolution.
        """
        return tuple(range(self.styles))

    @property
    def rows(self) -> int:
        """Number of rows of W+ codes as other programs write them, see `style_layers`."""
        return self.styles

    @property
    def normalises(self) -> bool:
        """Whether layers undo the scale that a style gives to all of their channels together."""
        return True

    def truncated(self, psi: float) -> "StyleConfig":
        """Returns the configuration with another truncation psi."""
        return dataclasses.replace(self, truncation_psi=psi)

    def mean_style(self, params: Params) -> jax.Array:
        """Returns the mean style, float[W] or float[L, W]."""
        return params["truncation"]["mean"]

    def sketch(self, network: Any, x: Features, cut: int) -> jax.Array | None:
        """Returns the image that has been accumulated so far, None without one."""
        image = super().sketch(network, x, cut)
        return jnp.tanh(image) if image is not None and self.final_tanh else image

    def code_kernel(self, params: Params, layers: tuple[int, int] | None = None) -> jax.Array:
        """Returns the weights float[W, outputs] of the style layers of all layers, or of some."""
        first, last = (0, self.style_layers[-1]) if layers is None else layers
        stages = [params[name] for name in self.stage_names[2:][first : last + 1]]
        kernels = [s[part]["kernel"] for s in stages for part in ("style", "up") if part in s]
        return jnp.concatenate(kernels, axis=1)


class Dense(nnx.Module):
    """A dense layer."""

    def __init__(self, inputs: int, outputs: int, *, gain: float, rngs: nnx.Rngs):
        self.kernel = nnx.Param(gain / inputs**0.5 * rngs.params.normal((inputs, outputs)))
        self.bias = nnx.Param(jnp.zeros(outputs))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, inputs] to float[N, outputs]."""
        return x @ self.kernel[...] + self.bias[...]


class Mapping(nnx.Module):
    """Pixel norm, the label if there is one, then dense layers with leaky ReLU: from Z to W.

    Args:
        config: the generator's configuration.
        gain: factor behind every leaky ReLU.
        rngs: source of the initial weights.
    """

    def __init__(self, config: StyleConfig, *, gain: float, rngs: nnx.Rngs):
        self.gain, self.depth = gain, len(config.mapping)
        self.label = Label(config.labels, rngs=rngs) if config.labels else None
        widths = (joined_size(config.latent_size, config.labels), *config.mapping)
        for i in range(self.depth):
            dense = Dense(widths[i], widths[i + 1], gain=2**0.5 / gain, rngs=rngs)
            setattr(self, f"dense{i}", dense)

    def __call__(self, z: jax.Array) -> jax.Array:
        """Maps float[N, latent] to float[N, mapping[-1]]."""
        x = pixel_norm(z)
        x = x if self.label is None else self.label(x)
        for i in range(self.depth):
            x = self.gain * leaky_relu(getattr(self, f"dense{i}")(x))
        return x


class Truncation(nnx.Module):
    """Repeats a style vector for every layer, pulled towards the mean style if configured.

    The parameter `mean` is float[W], or float[L, W] if the mapping network has a style for every
    layer; either broadcasts to the styles float[L, W].
    """

    def __init__(self, config: StyleConfig):
        per_layer = config.mapping[-1] != config.w_size
        self.mean = nnx.Param(jnp.zeros((config.styles,) * per_layer + (config.w_size,)))
        self.styles, self.w_size = config.styles, config.w_size
        self.psi, self.cutoff = config.truncation_psi, config.truncation_cutoff

    def __call__(self, w: jax.Array) -> jax.Array:
        """Maps float[N, mapping[-1]] to float[N, L, W]."""
        w = w.reshape(w.shape[0], -1, self.w_size)
        w = jnp.broadcast_to(w, (w.shape[0], self.styles, self.w_size))
        if self.psi == 1:
            return w
        truncated = self.mean[...] + self.psi * (w - self.mean[...])
        cutoff = self.styles if self.cutoff is None else self.cutoff
        return jnp.where(jnp.arange(self.styles)[:, None] < cutoff, truncated, w)


class Chain(nnx.Module):
    """The stages `mapping`, `truncation`, `layer0` ... and `to_rgb` as attributes.

    Args:
        config: the generator's configuration.
        first: makes layer 0.
        layer: makes every other layer, given its number too.
        image: makes the last stage.
        gain: of the mapping network.
        rngs: source of the initial weights.
    """

    def __init__(
        self,
        config: StyleConfig,
        first: Callable[..., nnx.Module],
        layer: Callable[..., nnx.Module],
        image: Callable[..., nnx.Module],
        *,
        gain: float,
        rngs: nnx.Rngs,
    ):
        self.mapping = Mapping(config, gain=gain, rngs=rngs)
        self.truncation = Truncation(config)
        self.layer0 = first(config, rngs=rngs)
        for i in range(1, len(config.channels)):
            setattr(self, f"layer{i}", layer(config, i, rngs=rngs))
        self.to_rgb = image(config, rngs=rngs)


class Noise(nnx.Module):
    """Base of the layers that add noise: the noise itself is a parameter, so it can be replaced.

    Args:
        resolution: height and width of the layer's map.
        strengths: 1 for one noise strength, the number of channels for one each.
        rngs: source of the noise.
    """

    def __init__(self, resolution: int, strengths: int, *, rngs: nnx.Rngs):
        self.noise = nnx.Param(rngs.params.normal((1, resolution, resolution, 1)))
        self.noise_strength = nnx.Param(jnp.full(strengths, 0.1))

    def add_noise(self, x: jax.Array) -> jax.Array:
        """Maps float[N, H, W, C] to the same shape."""
        return x + self.noise[...] * self.noise_strength[...]


def styles_of(x: Features) -> jax.Array:
    """Returns the styles float[N, L, W] that travel with a feature map."""
    if x.styles is None:
        raise ValueError("the features lack the styles of the layers behind the cut")
    return x.styles


def random_noise(params: Params, key: jax.Array) -> Params:
    """Replaces the stored noise of all layers by samples of a standard normal distribution.

    Args:
        params: parameters of a generator of any family; those without noise stay as they are.
        key: source of randomness. To give each image of a batch its own noise, map over keys.

    Returns: new parameters; all arrays but the noise are shared with `params`.
    """
    noisy = sorted(name for name, stage in params.items() if "noise" in stage)
    replaced = dict(params)
    for k, name in enumerate(noisy):
        old = params[name]["noise"]
        new = jax.random.normal(jax.random.fold_in(key, k), old.shape, old.dtype)
        replaced[name] = {**params[name], "noise": new}
    return replaced
