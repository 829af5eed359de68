"""Generators as files, for the commands."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from networks import untrained

from mgp_jax.generators import DCGANConfig, Generator, StyleGAN2Config, save_weights


def write_generator(path: Path, generator: Generator) -> Path:
    config: Any = generator.config
    fields = dataclasses.asdict(config)
    save_weights(path, generator.family, fields, generator.params, {"made": "by a test"}, "CC0")
    return path


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DCGAN of 16 pixels, too small for LPIPS, which would take most of the time."""
    path = tmp_path_factory.mktemp("generators") / "small.safetensors"
    return write_generator(path, untrained(DCGANConfig(8, (8, 4)), seed=1))


@pytest.fixture(scope="session")
def styled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generators") / "styled.safetensors"
    return write_generator(path, untrained(StyleGAN2Config(5, 4, (4,), (6, 4, 4)), seed=1))
