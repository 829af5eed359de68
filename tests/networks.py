"""Untrained generators that cost next to nothing to make."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

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
from mgp_jax.generators.weights import Weights
from mgp_jax.perception import LPIPS, make_lpips
from mgp_jax.perception.lpips import VGG16_DEPTHS

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


def lpips_vgg_params(width: int = 4) -> dict[str, Any]:
    """Random weights of LPIPS with a VGG16 whose layers are all as narrow."""
    random, inputs = np.random.default_rng(0), 3
    params: dict[str, Any] = {}
    for block, depth in enumerate(VGG16_DEPTHS, 1):
        for layer in range(1, depth + 1):
            kernel = random.normal(size=(3, 3, inputs, width)) * (2 / (9 * inputs)) ** 0.5
            bias = np.zeros(width, np.float32)
            params[f"conv{block}_{layer}"] = {"kernel": kernel.astype(np.float32), "bias": bias}
            inputs = width
        params[f"lin{block - 1}"] = np.full(width, 0.2, np.float32)
    return params


LPIPS_VGG = {"network": "vgg16", "version": "0.1"}


def small_lpips_vgg() -> LPIPS:
    return make_lpips(Weights("lpips", LPIPS_VGG, lpips_vgg_params(), {}, ""))


def write_lpips_vgg(path: Path) -> Path:
    save_weights(path, "lpips", LPIPS_VGG, lpips_vgg_params(), {"from": "a test"}, "CC0-1.0")
    return path
