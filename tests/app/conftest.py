"""The application with a generator that takes no time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from networks import untrained, write_generator

from mgp_jax.app.service import Service
from mgp_jax.generators import DCGANConfig


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generators") / "small.safetensors"
    return write_generator(path, untrained(DCGANConfig(8, (8, 4)), seed=1))


@pytest.fixture(scope="module")
def service(weights: Path) -> Iterator[Service]:
    service = Service([str(weights)])
    yield service
    service.close()
