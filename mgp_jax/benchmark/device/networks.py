"""The smallest generator of every family, with weights that cost next to nothing to draw.

`random_generator` draws its weights with JAX, whose compilation takes seconds for every network;
here NumPy draws them. Nothing is zero, so that a forgotten bias or mean shows.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mgp_jax.generators import (
    FAMILIES,
    BigGANConfig,
    Config,
    DCGANConfig,
    Generator,
    Labels,
    LightweightGANConfig,
    MobileStyleGANConfig,
    PGGANConfig,
    SequentialConfig,
    SNGANConfig,
    StyleGAN2Config,
    StyleGAN2PyTorchConfig,
    StyleGANConfig,
)
from mgp_jax.generators.stack_layers import Convolution, Dense, PixelShuffle, Transposed, Upsample
from mgp_jax.generators.stack_pointwise import Activation, GroupNorm

_STACK = (
    *(Dense(4, 4, 6), Activation("elu", 0.5), Upsample(2, "bilinear")),
    *(Convolution(8, (3, 3), (1, 1), ((1, 1), (1, 1))), GroupNorm(groups=2)),
    *(Transposed(12, (4, 4), (1, 1), ((1, 2), (1, 2))), PixelShuffle(2)),
    Convolution(3, (3, 3), (1, 1), ((1, 1), (1, 1))),
)

SMALLEST: Mapping[str, Config] = {
    "dcgan": DCGANConfig(5, (6, 4)),
    "sequential": SequentialConfig(5, _STACK),
    "pggan": PGGANConfig(5, (6, 6, 4, 4)),
    "sngan": SNGANConfig(5, (8, 8, 4), 4, (1,), labels=Labels(3, 2)),
    "biggan": BigGANConfig(5, Labels(3, 2), (16, 8, 4), (True, True), (1,), 4),
    "stylegan": StyleGANConfig(5, 4, (6, 4), (6, 6, 4, 4)),
    "stylegan2": StyleGAN2Config(5, 4, (6, 4), (6, 4, 4)),
    "stylegan2_pytorch": StyleGAN2PyTorchConfig(5, 5, (5, 5), (6, 4, 4), attention=(1,)),
    "lightweight_gan": LightweightGANConfig(5, (4, 4, 6, 4, 3, 3), attention=(2,)),
    "mobile_stylegan": MobileStyleGANConfig(5, 4, (6, 4), (8, 4, 4)),
}


def untrained(config: Config, seed: int = 0, name: str = "untrained") -> Generator:
    """Makes a generator of random weights, the same on every machine."""
    family = next(family for family, (kind, _) in FAMILIES.items() if isinstance(config, kind))
    network = FAMILIES[family][1]
    graph, state = nnx.split(nnx.eval_shape(lambda: network(config, rngs=nnx.Rngs(params=0))))
    random = np.random.default_rng(seed)

    def draw(path: tuple, leaf: jax.ShapeDtypeStruct) -> jax.Array:
        what = path[-1].key
        scale = {"kernel": 1.0, "const": 1.0, "noise": 1.0}.get(what, 0.2)
        if what == "kernel":
            # Kernels of 4 pixels double the resolution: every output pixel sees a quarter of one.
            size = leaf.shape[0] if len(leaf.shape) == 4 else 1
            scale = (2 / (leaf.shape[-2] * (4 if size == 4 else size * size))) ** 0.5
        return jnp.asarray(scale * random.normal(size=leaf.shape), jnp.float32)

    params = jax.tree_util.tree_map_with_path(draw, nnx.to_pure_dict(state))
    return Generator(family, config, params, graph, name)


def smallest(family: str) -> Generator:
    """Returns the smallest generator of a family, of its first class where it has several."""
    generator = untrained(SMALLEST[family], name=family)
    return generator.with_label(0) if generator.classes else generator
