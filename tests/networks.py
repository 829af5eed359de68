"""Untrained generators that cost next to nothing to make.

`random_generator` draws its weights with JAX, whose compilation takes seconds for every network;
here numpy draws them. Nothing is zero, so that a forgotten bias or mean shows.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mgp_jax.generators import (
    FAMILIES,
    Config,
    DCGANConfig,
    Generator,
    MobileStyleGANConfig,
    PGGANConfig,
    StyleGAN2Config,
    StyleGANConfig,
    save_weights,
)

# The smallest of every family, for properties that all share.
CONFIGS: Mapping[str, Config] = {
    "dcgan": DCGANConfig(5, (6, 4)),
    "mobile_stylegan": MobileStyleGANConfig(5, 4, (4,), (4, 4, 4)),
    "pggan": PGGANConfig(5, (6, 4)),
    "pggan blended": PGGANConfig(5, (6, 6, 4, 4), blend=0.25),
    "stylegan": StyleGANConfig(5, 4, (4,), (6, 4)),
    "stylegan2": StyleGAN2Config(5, 4, (4,), (6, 4, 4)),
}


def untrained(config: Config, seed: int = 0, name: str = "untrained") -> Generator:
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


def write_generator(path: Path, generator: Generator) -> Path:
    config: Any = generator.config
    fields = dataclasses.asdict(config)
    save_weights(path, generator.family, fields, generator.params, {"from": "a test"}, "CC0-1.0")
    return path
