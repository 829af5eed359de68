"""Settings: where a generator is cut, and what is refused."""

import dataclasses

import numpy as np
import pytest
from networks import untrained
from runs import CONFIG, RECIPE

from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig, Features, Generator, PGGANConfig, StyleGAN2Config
from mgp_jax.inversion import InversionConfig, default_cut, invert
from mgp_jax.recipes import Phase, Recipe


@pytest.mark.parametrize(
    ("config", "cut"),
    [
        (DCGANConfig(4, (4, 4, 4)), 3),
        (DCGANConfig(4, (4, 4, 4, 4)), 3),  # faces64: behind its third layer.
        (DCGANConfig(4, (4,)), 1),
        (PGGANConfig(4, (4,) * 14), 8),  # 256 pixels: composing layer 8, as published.
        (PGGANConfig(4, (4,) * 8), 6),
        (StyleGAN2Config(4, 4, (4,), (4,) * 9), 7),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_default_cut(config, cut: int):
    generator = untrained(config)
    assert default_cut(generator) == cut
    crossing = generator.shapes[cut]
    maps = crossing.maps if isinstance(crossing, Features) else crossing
    assert maps.shape[1] <= max(16, generator.resolution // 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": 0}, "codes: 0"),
        ({"layer": 9}, "layer 9: tiny has the cuts 0 to 4"),
        ({"layer": "layer7"}, "layer layer7: "),
        ({"chunk": 0}, "chunk: 0"),
        ({"recipe": dataclasses.replace(RECIPE, space="w")}, "space w: tiny has the spaces z"),
        (
            {
                "recipe": Recipe(
                    "x", (Phase(1, perceptual=1), Phase(1, perceptual=1, perceptual_size=16))
                )
            },
            "features of the same size",
        ),
    ],
)
def test_impossible_settings_are_refused(tiny, photographs, extractor, change: dict, message: str):
    config = dataclasses.replace(CONFIG, **change)
    with pytest.raises(SettingError, match=message):
        invert(tiny, photographs, config, extractor=extractor)


def test_only_style_spaces_have_a_mean(tiny: Generator, photographs: np.ndarray):
    recipe = Recipe("mean", (Phase(1),), from_mean=True)
    with pytest.raises(SettingError, match="only style spaces have a mean"):
        invert(tiny, photographs, InversionConfig(recipe=recipe))


def test_a_mean_leaves_no_choice():
    generator = untrained(StyleGAN2Config(8, 8, (8, 8), (4, 4, 4)))
    recipe = Recipe("mean", (Phase(1),), layer=3, space="w", from_mean=True, candidates=10)
    with pytest.raises(SettingError, match="nothing to choose from a mean"):
        invert(generator, np.zeros((1, 8, 8, 3)), InversionConfig(recipe=recipe))
