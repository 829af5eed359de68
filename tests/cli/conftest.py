"""Generators as files, for the commands, and the commands themselves."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from commands import Done, Mgp
from field import HOLE
from networks import untrained, write_generator
from odd_files import photograph, pixels
from PIL import Image

from mgp_jax import cli
from mgp_jax.generators import DCGANConfig, StyleGAN2Config, save_weights
from mgp_jax.recipe_files import write_recipe
from mgp_jax.recipes import Phase, Recipe


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


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generators, a recipe without VGG16, photographs."""
    place = tmp_path_factory.mktemp("field")
    small = untrained(DCGANConfig(8, (8, 4)), seed=1)
    write_generator(place / "small.safetensors", small)
    write_generator(place / "gray.safetensors", untrained(DCGANConfig(8, (8, 4), 1), seed=1))
    write_generator(place / "four.safetensors", untrained(DCGANConfig(8, (8, 4), 4), seed=1))
    huge = jax.tree.map(lambda leaf: 1e30 * np.asarray(leaf), small.params)
    config = {"latent_size": 8, "channels": [8, 4], "image_channels": 3}
    save_weights(place / "huge.safetensors", "dcgan", config, huge, {}, "CC0-1.0")
    write_recipe(place / "recipe.json", Recipe("test", (Phase(2),), codes=2), {})
    photograph().save(place / "photo.png")
    scratched = pixels()
    scratched[HOLE] = 255
    Image.fromarray(scratched).save(place / "scratched.png")
    return place
