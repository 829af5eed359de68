"""Deep image prior: an untrained convolutional network is fitted to the observation alone.

Source: Ulyanov, Vedaldi and Lempitsky 2018. A network that turns fixed noise into an image matches
what photographs have in common sooner than noise and holes, so the fit is stopped early: at the
noise level of the observation if there is noise, and at the end of the steps otherwise. Fewer steps
are therefore the stronger prior; the default rate goes with some hundred steps.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mgp_jax.baselines.weights import fit_weights
from mgp_jax.degradations import Degradation
from mgp_jax.generators.base import bind
from mgp_jax.generators.layers import leaky_relu, upsample_nearest

RATE = 0.005
WIDTH = 32
SCALE = 0.1


class Hourglass(nnx.Module):
    """Halves the resolution a few times and doubles it again, with a shortcut at every level.

    Args:
        resolution: height and width of input and output; halved while even, down to 8 at least.
        channels: channels of the image.
        rngs: source of the weights.
    """

    def __init__(self, resolution: int, channels: int, *, rngs: nnx.Rngs):
        levels = 0
        while resolution % 2 == 0 and resolution > 8:
            resolution, levels = resolution // 2, levels + 1
        self.down = nnx.List([Block(WIDTH, 2, rngs=rngs) for _ in range(levels)])
        self.up = nnx.List([Block(WIDTH, 1, rngs=rngs) for _ in range(levels)])
        self.last = nnx.Conv(WIDTH, channels, (1, 1), rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps noise float[N, H, W, WIDTH] to an image float[N, H, W, channels] in [-1, 1]."""
        shortcuts = []
        for block in self.down:
            shortcuts.append(x)
            x = block(x)
        for block, shortcut in zip(self.up, reversed(shortcuts), strict=True):
            x = block(upsample_nearest(x) + shortcut)
        return jnp.tanh(self.last(x))


class Block(nnx.Module):
    """Convolution of 3 x 3, normalisation over the image, leaky ReLU."""

    def __init__(self, width: int, stride: int, *, rngs: nnx.Rngs):
        self.convolution = nnx.Conv(width, width, (3, 3), stride, rngs=rngs)
        self.norm = nnx.GroupNorm(width, num_groups=width, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps float[N, H, W, width] to the same, H and W divided by the stride."""
        return leaky_relu(self.norm(self.convolution(x)))


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
    network = Hourglass(size, channels, rngs=nnx.Rngs(params=seed))
    graph, state = nnx.split(network)

    def draw(params: Any, noise: jax.Array) -> jax.Array:
        return bind(graph, params)(noise[None])[0]

    keys = jax.vmap(lambda n: jax.random.fold_in(jax.random.key(seed), n))(
        jnp.arange(len(observations))
    )
    noise = jax.vmap(lambda key: SCALE * jax.random.uniform(key, (size, size, WIDTH)))(keys)
    params = nnx.to_pure_dict(state)
    return fit_weights(draw, params, noise, observations, degradation, steps, RATE)
