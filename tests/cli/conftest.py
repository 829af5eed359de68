"""Generators as files, for the commands, and the commands themselves."""

from pathlib import Path
from typing import Any

import pytest
from commands import Done, Mgp
from networks import untrained, write_generator

from mgp_jax import cli
from mgp_jax.generators import DCGANConfig, StyleGAN2Config


@pytest.fixture
def mgp(capfd: pytest.CaptureFixture[str]) -> Mgp:
    def run(*arguments: Any) -> Done:
        capfd.readouterr()
        try:
            status = cli.main([str(argument) for argument in arguments])
        except SystemExit as end:  # The parser of arguments leaves this way.
            status = end.code
        assert isinstance(status, int)
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Done(status, out, err)

    return run


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DCGAN of 16 pixels, too small for LPIPS, which would take most of the time."""
    path = tmp_path_factory.mktemp("generators") / "small.safetensors"
    return write_generator(path, untrained(DCGANConfig(8, (8, 4)), seed=1))


@pytest.fixture(scope="session")
def styled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generators") / "styled.safetensors"
    return write_generator(path, untrained(StyleGAN2Config(5, 4, (4,), (6, 4, 4)), seed=1))
