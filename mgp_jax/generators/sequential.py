"""Sequential generators: a stack of layers, one after the other, from a vector to an image.

The stack is data: a list of layers, each a small dataclass that knows the size of what it makes,
the parameters it has and how it acts. A stage is one layer with weights, the upsampling and padding
in front of it, and everything up to the next; so a cut lies behind an activation. Norms with fixed
statistics are folded into kernels and biases by the converter wherever that is exact.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from mgp_jax.errors import SettingError
from mgp_jax.generators.config import Config
from mgp_jax.generators.convolution import convolve_upsampled
from mgp_jax.generators.labels import Label, Labels, joined_size
from mgp_jax.generators.stack_base import Layer, Size, Weighted, frozen
from mgp_jax.generators.stack_layers import KINDS, Convolution, Pad, Upsample

LATENTS = ("normal", "uniform")
OUTPUTS = ("tanh", "sigmoid", "none")
LARGEST = 8192  # pixels; a file that claims more is damaged


@dataclass(frozen=True)
class SequentialConfig(Config):
    """The configuration of a sequential generator.

    Attributes:
        latent_size: length of the latent code, which enters as a map of one pixel.
        layers: the layers in order, as objects or as dictionaries with the `kind` of layer.
        output: how the image ends: `tanh`; `sigmoid`, whose [0, 1] becomes [-1, 1]; or `none`.
        latent: distribution of the latent code: `normal`, or `uniform` in [-1, 1].
        labels: how the generator takes a class, None if it takes none.

    Raises:
        SettingError: the layers do not fit each other, or do not end in a square image.
    """

    latent_size: int
    layers: tuple[Any, ...]  # Layers, and not dictionaries any more once it is made.
    output: str = "tanh"
    latent: str = "normal"
    labels: Labels | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(map(_layer, self.layers)))
        for name, value, known in (
            ("output", self.output, OUTPUTS),
            ("latent", self.latent, LATENTS),
        ):
            if value not in known:
                raise SettingError(f"{name}: {value}, choose from {', '.join(known)}")
        if not any(isinstance(layer, Weighted) for layer in self.layers):
            raise SettingError("layers: none of them has weights")
        height, width, _ = self.sizes[-1]
        if height != width:
            raise SettingError(f"layers: they make images of {height} x {width}, not square ones")

    @property
    def sizes(self) -> tuple[Size, ...]:
        """Height, width and channels of the map behind every layer."""
        sizes = []
        size = (1, 1, joined_size(self.latent_size, self.labels))
        for k, layer in enumerate(self.layers):
            size = layer.size(size)
            if min(size) < 1 or max(size[:2]) > LARGEST:
                raise SettingError(f"layers: number {k} ({layer.kind}) makes a map of {size}")
            sizes.append(size)
        return tuple(sizes)

    @property
    def resolution(self) -> int:
        """Height and width of the image in pixels."""
        return self.sizes[-1][0]

    @property
    def image_channels(self) -> int:
        """Channels of the image."""
        return self.sizes[-1][2]

    def draw_latents(self, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        """Draws from the distribution of the latent codes, normal or uniform in [-1, 1]."""
        if self.latent == "normal":
            return super().draw_latents(key, shape)
        return jax.random.uniform(key, (*shape, *self.latent_shape), minval=-1.0, maxval=1.0)

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages in order."""
        weighted = sum(isinstance(layer, Weighted) for layer in self.layers)
        return tuple(f"layer{i}" for i in range(weighted))


def _layer(layer: Layer | Mapping[str, Any]) -> Layer:
    """Returns a layer that a weights file describes by a dictionary."""
    if isinstance(layer, Layer):
        return layer
    fields = {name: frozen(value) for name, value in dict(layer).items()}
    kind = KINDS.get(str(fields.pop("kind", None)))
    if kind is None:
        raise SettingError(f"layers: choose the kind from {', '.join(KINDS)}")
    try:
        return kind(**fields)
    except TypeError as error:
        raise SettingError(f"layers: a {kind.kind} with unknown or missing settings") from error


def split_stages(layers: tuple[Layer, ...]) -> Iterator[tuple[Layer, ...]]:
    """Yields the layers of every stage."""
    begins = [k for k, layer in enumerate(layers) if isinstance(layer, Weighted)]
    for i, begin in enumerate(begins):
        while begin > 0 and isinstance(layers[begin - 1], Upsample | Pad):
            begin -= 1
        begins[i] = begin
    begins[0] = 0
    for begin, end in zip(begins, [*begins[1:], len(layers)], strict=True):
        yield layers[begin:end]


class Stage(nnx.Module):
    """One layer with weights and what belongs to it.

    The parameters of the layer with weights are `kernel` and `bias`; those of others carry the
    number of the layer within the stage, for example `scale1` and `shift1`. In the first stage of a
    conditional generator `label` joins the vector of the class to the codes.
    """

    def __init__(
        self,
        layers: tuple[Layer, ...],
        size: Size,
        *,
        gain: float,
        rngs: nnx.Rngs,
        labels: Labels | None = None,
    ):
        self.layers = layers
        self.label = Label(labels, rngs=rngs) if labels else None
        for k, layer in enumerate(layers):
            for name, value in layer.parameters(size, gain, rngs).items():
                setattr(self, name if isinstance(layer, Weighted) else f"{name}{k}", value)
            size = layer.size(size)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, D] or float[N, H, W, I] to float[N, H', W', O]."""
        x = x if self.label is None else self.label(x)
        x = x[:, None, None, :] if x.ndim == 2 else x
        for k, layer in enumerate(self.layers):
            if k and doubles_and_convolves(*self.layers[k - 1 : k + 1]):
                params = self._parameters(k, layer)
                x = convolve_upsampled(x, params["kernel"]) + params["bias"]
            elif not doubles_and_convolves(*self.layers[k : k + 2]):
                x = layer(x, self._parameters(k, layer))
        return x

    def _parameters(self, k: int, layer: Layer) -> dict[str, jax.Array]:
        suffix = "" if isinstance(layer, Weighted) else str(k)
        return {name: getattr(self, f"{name}{suffix}")[...] for name in layer.names}


def doubles_and_convolves(*layers: Layer) -> bool:
    """Whether two layers are nearest-neighbour doubling and a 3x3 convolution, done in one."""
    match layers:
        case (Upsample(2, "nearest"), Convolution() as convolution):
            return convolution.is_same(3)
    return False


class Last(Stage):
    """The last stage, with what the image ends in."""

    def __init__(self, *args: Any, output: str, **settings: Any):
        super().__init__(*args, **settings)
        self.output = output

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, H, W, I] to an image, in [-1, 1] unless it ends in nothing."""
        x = super().__call__(x)
        if self.output == "none":
            return x
        # 2 sigmoid(x) - 1 = tanh(x / 2)
        return jnp.tanh(x if self.output == "tanh" else x / 2)


class Sequential(nnx.Module):
    """The stages `layer0` ... as attributes."""

    def __init__(self, config: Any, *, rngs: nnx.Rngs):
        labels = config.labels
        size = (1, 1, joined_size(config.latent_size, labels))
        stages = tuple(split_stages(config.layers))
        for i, layers in enumerate(stages[:-1]):
            stage = Stage(layers, size, gain=2**0.5, rngs=rngs, labels=labels)
            setattr(self, f"layer{i}", stage)
            labels = None
            for layer in layers:
                size = layer.size(size)
        last = Last(stages[-1], size, gain=1.0, output=config.output, rngs=rngs, labels=labels)
        setattr(self, f"layer{len(stages) - 1}", last)
