"""LPIPS, the learned perceptual distance of Zhang et al. 2018, version 0.1."""

import os
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from mgp_jax.errors import WeightsError
from mgp_jax.generators.base import Params, bind
from mgp_jax.generators.convolution import DIMENSIONS
from mgp_jax.generators.weights import Weights, load_weights
from mgp_jax.perception.vgg import VGG16, max_pool

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
# Of images of fewer pixels in either direction nothing is left in the last layers.
SMALLEST = 31

VGG16_DEPTHS = (2, 2, 3, 3, 3)


class AlexNet(nnx.Module):
    """The five convolutions of an AlexNet (Krizhevsky 2014)."""

    LAYERS = ((64, 11, 4, 2), (192, 5, 1, 2), (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1))

    def __init__(self, *, rngs: nnx.Rngs):
        inputs = 3
        for i, (outputs, size, _, _) in enumerate(self.LAYERS, 1):
            setattr(self, f"conv{i}", Strided(inputs, outputs, size, rngs=rngs))
            inputs = outputs

    def __call__(self, x: jax.Array) -> tuple[jax.Array, ...]:
        """Returns the maps behind the five ReLUs for normalised images float[N, H, W, 3]."""
        taps = []
        for i, (_, _, stride, padding) in enumerate(self.LAYERS, 1):
            x = max_pool(x, 3) if i in (2, 3) else x
            x = jax.nn.relu(getattr(self, f"conv{i}")(x, stride, padding))
            taps.append(x)
        return tuple(taps)


class Strided(nnx.Module):
    """A convolution of any stride and padding, with bias."""

    def __init__(self, inputs: int, outputs: int, size: int, *, rngs: nnx.Rngs):
        scale = (2 / (inputs * size * size)) ** 0.5
        self.kernel = nnx.Param(scale * rngs.params.normal((size, size, inputs, outputs)))
        self.bias = nnx.Param(jnp.zeros(outputs))

    def __call__(self, x: jax.Array, stride: int, padding: int) -> jax.Array:
        """Maps float[N, H, W, inputs] to float[N, H', W', outputs]."""
        pads = ((padding, padding),) * 2
        kernel = self.kernel[...]
        y = lax.conv_general_dilated(x, kernel, (stride,) * 2, pads, dimension_numbers=DIMENSIONS)
        return y + self.bias[...]


@partial(jax.tree_util.register_dataclass, data_fields=["params", "linear"], meta_fields=["graph"])
@dataclass(frozen=True, eq=False)
class LPIPS:
    """The distance with its weights; a pytree of its parameters.

    Attributes:
        params: parameters of the backbone.
        linear: for every tap, the weights float[C] of its channels.
        graph: the backbone without its parameters.
    """

    params: Params
    linear: tuple[jax.Array, ...]
    graph: nnx.GraphDef

    def __call__(self, first: jax.Array, second: jax.Array) -> jax.Array:
        """Returns the distance of image pairs; 0 for equal ones.

        Args:
            first: float[..., H, W, 3] in [0, 1], at least 31 pixels in both directions.
            second: float[..., H, W, 3] in [0, 1].

        Returns: float[...], dimensionless.
        """
        return jnp.sum(jnp.stack(self.layers(first, second)), 0)

    def layers(self, first: jax.Array, second: jax.Array) -> tuple[jax.Array, ...]:
        """Returns the summands of the distance, one float[...] for every tap."""
        return self._summands(self.taps(first), self.taps(second))

    def taps(self, x: jax.Array) -> tuple[jax.Array, ...]:
        """Returns the features of images that the distance compares, of unit length.

        Args:
            x: float[..., H, W, 3] in [0, 1].

        Returns: for every tap float[..., H', W', C'].
        """
        batch = x.shape[:-3]
        x = (2 * x.reshape(-1, *x.shape[-3:]) - 1 - jnp.array(SHIFT)) / jnp.array(SCALE)
        x = x.astype(jax.tree.leaves(self.params)[0].dtype)
        taps = bind(self.graph, self.params)(x)
        return tuple(_unit_length(tap).reshape(*batch, *tap.shape[1:]) for tap in taps)

    def between(self, first: tuple[jax.Array, ...], second: tuple[jax.Array, ...]) -> jax.Array:
        """Returns the distance float[...] of images whose `taps` are given."""
        return jnp.sum(jnp.stack(self._summands(first, second)), 0)

    def _summands(
        self, first: tuple[jax.Array, ...], second: tuple[jax.Array, ...]
    ) -> tuple[jax.Array, ...]:
        return tuple(
            jnp.mean(jnp.square(one - other) @ weight, axis=(-2, -1))
            for weight, one, other in zip(self.linear, first, second, strict=True)
        )


def _unit_length(x: jax.Array) -> jax.Array:
    # The epsilon of the reference stands outside the root; inside the root, a tiny number keeps
    # the gradient finite at pixels where all channels are zero.
    length = jnp.sqrt(jnp.sum(jnp.square(x), axis=-1, keepdims=True) + 1e-30)
    return x / (length + 1e-10)


def make_lpips(weights: Weights) -> LPIPS:
    """Makes the distance of a weights file of the family `lpips`.

    Raises:
        WeightsError: the file is for something else, is incomplete, or of another version.
    """
    if weights.family != "lpips":
        raise WeightsError(f"holds {weights.family} weights, not LPIPS")
    if weights.config["version"] != "0.1":
        raise WeightsError(f"LPIPS version {weights.config['version']}, only 0.1 is supported")
    backbone = {k: v for k, v in weights.params.items() if not k.startswith("lin")}
    if not backbone:
        raise WeightsError("holds the linear layers alone, the backbone of LPIPS is missing")
    linear = tuple(jnp.asarray(weights.params[f"lin{i}"]) for i in range(5))
    if weights.config["network"] == "alex":
        abstract = nnx.eval_shape(lambda: AlexNet(rngs=nnx.Rngs(params=0)))
    else:
        widths = tuple(
            tuple(len(backbone[f"conv{block}_{i}"]["bias"]) for i in range(1, depth + 1))
            for block, depth in enumerate(VGG16_DEPTHS, 1)
        )
        abstract = nnx.eval_shape(lambda: VGG16(widths, rngs=nnx.Rngs(params=0)))
    return LPIPS(jax.tree.map(jnp.asarray, backbone), linear, nnx.graphdef(abstract))


def load_lpips(path: str | os.PathLike[str]) -> LPIPS:
    """Loads the distance of a weights file, such as `mgp-convert` makes of LPIPS with VGG16.

    Raises:
        WeightsError: the file cannot be read, or holds something else.
    """
    try:
        return make_lpips(load_weights(path))
    except WeightsError as error:
        text = str(error)
        raise WeightsError(text if str(path) in text else f"{path}: {text}") from None


@cache
def bundled_lpips() -> LPIPS:
    """Loads the bundled LPIPS with AlexNet."""
    file = resources.files("mgp_jax.assets") / "lpips_alex.safetensors"
    # What is cached must be arrays even if the first call comes from a function being traced.
    with resources.as_file(file) as path, jax.ensure_compile_time_eval():
        return make_lpips(load_weights(path))
