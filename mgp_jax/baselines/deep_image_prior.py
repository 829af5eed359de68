"""Deep image prior: an untrained convolutional network is fitted to the observation alone.

Source: Ulyanov, Vedaldi and Lempitsky 2018. A network that turns fixed noise into an image matches
what photographs have in common sooner than noise and holes, so the fit is stopped early: at the
noise level of the observation if there is noise, and at the end of the steps otherwise. Fewer steps
are therefore the stronger prior; the default rate goes with some hundred steps.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mgp_jax.baselines.weights import fit_weights
from mgp_jax.degradations import Degradation
from mgp_jax.generators.base import bind
from mgp_jax.generators.layers import Convolution, ToRGB, leaky_relu, upsample_nearest
from mgp_jax.seeds import seeded_key

RATE = 0.005
WIDTH = 32
SCALE = 0.1
SETTINGS = (RATE, WIDTH, SCALE)


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


def fit_network(
    observations: Any, degradation: Degradation, shape: tuple[int, ...], steps: int, seed: int = 0
) -> np.ndarray:
    """Restores images with an untrained network.

    Args:
        observations: float[B, ...], what the degradation made of the images.
        degradation: the operator.
        shape: (H, W, C) of the images, H = W.
        steps: number of steps.
        seed: seed of the weights and of the noise.

    Returns: float[B, H, W, C] in [-1, 1].
    """
    size, _, channels = shape
    network = Hourglass(size, channels, rngs=nnx.Rngs(params=seeded_key(seed)))
    graph, state = nnx.split(network)
    keys = jax.vmap(lambda n: jax.random.fold_in(seeded_key(seed), n))(
        jnp.arange(len(observations))
    )
    noise = jax.vmap(lambda key: SCALE * jax.random.uniform(key, (size, size, WIDTH)))(keys)
    params = nnx.to_pure_dict(state)
    return fit_weights(Drawn(graph), params, noise, observations, degradation, steps, RATE)


@dataclass(frozen=True)
class Drawn:
    """Runs the network with given weights; equal for the same network, so it compiles once."""

    graph: nnx.GraphDef

    def __call__(self, params: Any, noise: jax.Array) -> jax.Array:
        """Returns float[H, W, C] for noise float[H, W, WIDTH]."""
        return bind(self.graph, params)(noise[None])[0]
