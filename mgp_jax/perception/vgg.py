"""VGG16 features, which the perceptual loss compares."""

from dataclasses import dataclass
from functools import cache, partial
from importlib import resources

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from mgp_jax.errors import WeightsError
from mgp_jax.generators.base import Params, bind
from mgp_jax.generators.layers import Convolution
from mgp_jax.generators.weights import Weights, load_weights

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class VGG16(nnx.Module):
    """The convolutions of a VGG16 (Simonyan and Zisserman 2015), all or the first few.

    Args:
        widths: for every block, the output channels of its convolutions.
        rngs: source of random weights.
    """

    def __init__(self, widths: tuple[tuple[int, ...], ...], *, rngs: nnx.Rngs):
        self.widths = widths
        inputs = 3
        for block, outputs_of_block in enumerate(widths, 1):
            for index, outputs in enumerate(outputs_of_block, 1):
                layer = Convolution(inputs, outputs, 3, gain=2**0.5, rngs=rngs)
                setattr(self, f"conv{block}_{index}", layer)
                inputs = outputs

    def __call__(self, x: jax.Array) -> tuple[jax.Array, ...]:
        """Returns the map behind the last ReLU of every block.

        Args:
            x: float[N, H, W, 3], normalised.
        """
        taps: list[jax.Array] = []
        for block, outputs_of_block in enumerate(self.widths, 1):
            x = max_pool(x, 2) if taps else x
            for index in range(1, len(outputs_of_block) + 1):
                x = jax.nn.relu(getattr(self, f"conv{block}_{index}")(x))
            taps.append(x)
        return tuple(taps)


@partial(jax.tree_util.register_dataclass, data_fields=["params"], meta_fields=["graph"])
@dataclass(frozen=True, eq=False)
class FeatureExtractor:
    """The network of the perceptual loss; a pytree of its parameters.

    Attributes:
        params: parameters of the VGG16.
        graph: the VGG16 without its parameters.
    """

    params: Params
    graph: nnx.GraphDef

    def __call__(self, image: jax.Array, size: int | None = None) -> jax.Array:
        """Returns the deepest features of an image: relu3_3 with the bundled weights.

        Args:
            image: float[H, W, C] in [-1, 1]; a gray one (C = 1) is taken as RGB.
            size: resize to this height and width first, by nearest neighbour as the published
                code does.

        Returns: float[H / 4, W / 4, 256] for the bundled weights.
        """
        image = jnp.broadcast_to(image, (*image.shape[:2], 3))
        x = (image * 0.5 + 0.5 - jnp.array(IMAGENET_MEAN)) / jnp.array(IMAGENET_STD)
        x = x if size is None else resize_nearest(x, size)
        x = x.astype(jax.tree.leaves(self.params)[0].dtype)
        return bind(self.graph, self.params)(x[None])[-1][0]


def make_extractor(weights: Weights) -> FeatureExtractor:
    """Makes the feature extractor of a weights file of the family `vgg16`.

    Raises:
        WeightsError: the file is for something else.
    """
    if weights.family != "vgg16":
        raise WeightsError(f"holds {weights.family} weights, not VGG16 features")
    widths = tuple(tuple(block) for block in weights.config["layers"])
    abstract = nnx.eval_shape(lambda: VGG16(widths, rngs=nnx.Rngs(params=0)))
    return FeatureExtractor(jax.tree.map(jnp.asarray, weights.params), nnx.graphdef(abstract))


@cache
def bundled_extractor() -> FeatureExtractor:
    """Loads the bundled VGG16 up to relu3_3."""
    file = resources.files("mgp_jax.assets") / "vgg16_relu3_3.safetensors"
    # What is cached must be arrays even if the first call comes from a function being traced.
    with resources.as_file(file) as path, jax.ensure_compile_time_eval():
        return make_extractor(load_weights(path))


def max_pool(x: jax.Array, size: int) -> jax.Array:
    """Maximum over windows of `size`, stride 2, no padding: float[N, H, W, C]."""
    if size == 2:  # Windows that do not overlap: XLA's general gradient takes much longer on CPU.
        n, h, w, c = x.shape
        x = x[:, : h // 2 * 2, : w // 2 * 2]
        return jnp.max(x.reshape(n, h // 2, 2, w // 2, 2, c), axis=(2, 4))
    window, strides = (1, size, size, 1), (1, 2, 2, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, strides, "VALID")


def resize_nearest(x: jax.Array, size: int) -> jax.Array:
    """Resizes float[H, W, C] to [size, size, C], source index floor(i * input / output).

    `jax.image.resize` uses pixel centres and picks other pixels than the published code.
    """
    rows = jnp.arange(size) * x.shape[0] // size
    columns = jnp.arange(size) * x.shape[1] // size
    return x[rows][:, columns]
