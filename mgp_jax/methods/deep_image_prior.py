"""Deep image prior: an untrained convolutional network is fitted to the observation alone.

Source: Ulyanov, Vedaldi and Lempitsky 2018. A network that turns fixed noise into an image matches
what photographs have in common sooner than noise and holes, so the fit is stopped early: at the
noise level of the observation if there is noise, and at the end of the steps otherwise. Fewer steps
are therefore the stronger prior; the default rate goes with some hundred steps.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from mgp_jax.generators import Split, bind
from mgp_jax.generators.layers import Convolution, ToRGB, leaky_relu, upsample_nearest
from mgp_jax.methods.method import Method, settings_of
from mgp_jax.methods.single import always
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import ResolvedPhase
from mgp_jax.terms import Given, Rendering, Target

WIDTH = 32
# Deviation of the noise that the network turns into the image.
SCALE = 0.1
UNTRAINED = Recipe("dip", (Phase(300, moves=("weights",), weights_rate=0.005),), codes=1, layer=0)


class Fitted(NamedTuple):
    """The variables.

    Attributes:
        weights: of the network.
        noise: float[H, W, WIDTH], what it turns into an image; stays as it is.
    """

    weights: Any
    noise: jax.Array


class Hourglass(nnx.Module):
    """Halves the resolution a few times and doubles it again, with a shortcut at every level.

    Args:
        resolution: height and width of input and output; halved while even, down to 8 at least.
        channels: channels of the image.
        rngs: source of the weights.
    """

    def __init__(self, resolution: int, channels: int, *, rngs: nnx.Rngs):
        self.levels = 0
        while resolution % 2 == 0 and resolution > 8:
            resolution, self.levels = resolution // 2, self.levels + 1
        for k in range(self.levels):
            setattr(self, f"down{k}", Block(WIDTH, rngs=rngs))
            setattr(self, f"up{k}", Block(WIDTH, rngs=rngs))
        self.last = ToRGB(WIDTH, channels, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps noise float[N, H, W, WIDTH] to an image float[N, H, W, channels] in [-1, 1]."""
        shortcuts = []
        for k in range(self.levels):
            shortcuts.append(x)
            x = getattr(self, f"down{k}")(nnx.avg_pool(x, (2, 2), (2, 2)))
        for k in reversed(range(self.levels)):
            x = getattr(self, f"up{k}")(upsample_nearest(x) + shortcuts[k])
        return jnp.tanh(self.last(x))


class Block(nnx.Module):
    """Convolution of 3 x 3, normalisation over the image with a gain, leaky ReLU."""

    def __init__(self, width: int, *, rngs: nnx.Rngs):
        self.convolution = Convolution(width, width, 3, gain=1.0, rngs=rngs)
        self.gain = nnx.Param(jnp.ones(width))
        self.bias = nnx.Param(jnp.zeros(width))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, H, W, width] to the same shape."""
        x = jax.nn.standardize(self.convolution(x), axis=(1, 2), epsilon=1e-5)
        return leaky_relu(self.gain[...] * x + self.bias[...])


def network_for(split: Split, recipe: Recipe, number: int) -> nnx.GraphDef:
    """Returns the network, without weights, for images of a generator's size."""
    del recipe, number
    size, _, channels = split.image_shape
    return nnx.graphdef(nnx.eval_shape(lambda: Hourglass(size, channels, rngs=nnx.Rngs(params=0))))


def start(given: Given, target: Target, keys: jax.Array, phase: ResolvedPhase) -> Fitted:
    """Draws weights, the same for all images, and noise, another for each."""
    del target, phase
    size, _, channels = given.split.image_shape
    drawn = nnx.state(Hourglass(size, channels, rngs=nnx.Rngs(params=given.key)))
    weights = nnx.to_pure_dict(drawn)
    every = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(keys), *leaf.shape)), weights)
    noise = jax.vmap(lambda key: SCALE * jax.random.uniform(key, (size, size, WIDTH)))(keys)
    return Fitted(every, noise)


def render(given: Given, variables: Fitted, held: None, phase: ResolvedPhase) -> Rendering:
    """Runs the network."""
    del given, held
    graph = settings_of(phase).place
    assert isinstance(graph, nnx.GraphDef)
    return Rendering(bind(graph, variables.weights)(variables.noise[None])[0])


DEEP_IMAGE_PRIOR = Method(
    "dip",
    "deep image prior",
    start,
    render,
    always(UNTRAINED),
    place=network_for,
    prior="network",
    alone=("weights",),
)
