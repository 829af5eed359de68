"""Untrained generators that cost next to nothing to make."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mgp_jax.benchmark.device.networks import untrained
from mgp_jax.generators import (
    Config,
    DCGANConfig,
    Generator,
    MobileStyleGANConfig,
    PGGANConfig,
    StyleGAN2Config,
    StyleGANConfig,
    save_weights,
)

__all__ = ["CONFIGS", "untrained", "write_generator"]

# The smallest of every family, for properties that all share.
CONFIGS: Mapping[str, Config] = {
    "dcgan": DCGANConfig(5, (6, 4)),
    "mobile_stylegan": MobileStyleGANConfig(5, 4, (4,), (4, 4, 4)),
    "pggan": PGGANConfig(5, (6, 4)),
    "pggan blended": PGGANConfig(5, (6, 6, 4, 4), blend=0.25),
    "stylegan": StyleGANConfig(5, 4, (4,), (6, 4)),
    "stylegan2": StyleGAN2Config(5, 4, (4,), (6, 4, 4)),
}


def write_generator(path: Path, generator: Generator) -> Path:
    config: Any = generator.config
    fields = dataclasses.asdict(config)
    save_weights(path, generator.family, fields, generator.params, {"from": "a test"}, "CC0-1.0")
    return path
