"""Settings: where a generator is cut, what a method needs, and what is refused."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from networks import untrained
from runs import RECIPE

from mgp_jax.degradations import Grayscale, Identity, parse
from mgp_jax.errors import SettingError, WeightsError
from mgp_jax.generators import (
    DCGANConfig,
    Features,
    Generator,
    PGGANConfig,
    Split,
    StyleGAN2Config,
)
from mgp_jax.inversion import invert, resolve
from mgp_jax.methods import METHODS
from mgp_jax.recipes import Phase, Recipe, recipe_for
from mgp_jax.solve import Execution


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
    assert generator.default_cut() == cut
    crossing = generator.shapes[cut]
    maps = crossing.maps if isinstance(crossing, Features) else crossing
    assert maps.shape[1] <= max(16, generator.resolution // 8)
    # Without a layer that is where a generator is cut, whoever asks.
    assert generator.split().cut == cut
    assert resolve(generator, recipe=Recipe("x", (Phase(1),))).split.cut == cut


def test_where_a_recipe_cuts(tiny: Generator):
    """Maps of 4, 8 and 16 pixels lie behind the first three layers."""
    for layer, map_size, cut in (("layer0", None, 1), (2, None, 2), (None, 8, 2), (None, 2, 1)):
        recipe = dataclasses.replace(RECIPE, layer=layer, map_size=map_size)
        assert resolve(tiny, recipe=recipe).split.cut == cut
    # A split is cut already.
    split = tiny.split(1)
    assert resolve(split, recipe=RECIPE).split is split


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": 0}, "codes: 0"),
        ({"layer": 9}, "layer 9: tiny has the cuts 0 to 4"),
        ({"layer": "layer7"}, "layer layer7: "),
        ({"space": "w"}, "space w: tiny has the spaces z"),
        ({"from_mean": True}, "only style spaces have a mean"),
        ({"truncation": 0.7}, "only style spaces have a mean"),
        (
            {"phases": (Phase(1, perceptual=1), Phase(1, perceptual=1, perceptual_size=16))},
            "features of the same size",
        ),
        (
            {"phases": (Phase(1, perceptual=1), Phase(1, lpips=1, perceptual_size=16))},
            "features of the same size",
        ),
    ],
)
def test_impossible_recipes_are_refused(tiny: Generator, extractor, change: dict, message: str):
    networks = {"vgg": extractor, "lpips": extractor}
    with pytest.raises(SettingError, match=message):
        resolve(tiny, recipe=dataclasses.replace(RECIPE, **change), networks=networks)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"chunk": 0}, "chunk: 0"),
        ({"slices": -1}, "slices: -1"),
        ({"precision": "float16"}, "precision float16: there are auto, float32, mixed, bfloat16"),
    ],
)
def test_impossible_executions_are_refused(settings: dict[str, Any], message: str):
    with pytest.raises(SettingError, match=message):
        Execution(**settings)


def test_slices_must_divide_the_codes(tiny: Generator):
    with pytest.raises(SettingError, match="slices: 2 do not divide 3 codes"):
        resolve(tiny, recipe=RECIPE, execution=Execution(slices=2))
    sliced = resolve(tiny, recipe=RECIPE).executed(Execution(slices=3))
    assert sliced.phases == resolve(tiny, recipe=RECIPE, execution=Execution(slices=3)).phases
    assert sliced.phases != resolve(tiny, recipe=RECIPE).phases


def test_a_mean_leaves_no_choice():
    generator = untrained(StyleGAN2Config(8, 8, (8, 8), (4, 4, 4)))
    recipe = Recipe("mean", (Phase(1),), layer=3, space="w", from_mean=True, candidates=10)
    with pytest.raises(SettingError, match="nothing to choose from a mean"):
        resolve(generator, recipe=recipe)


@pytest.mark.parametrize(
    ("spec", "size", "pixels"),
    [
        ("identity", None, None),
        ("down:2", None, 16),
        ("down:2", 30, 30),
        ("down:2", 31, None),
        ("cs:0.1", None, None),  # Nothing is looked at.
    ],
)
def test_lpips_needs_images_that_are_not_too_small(
    tiny: Generator, extractor, spec: str, size: int | None, pixels: int | None
):
    recipe = Recipe("x", (Phase(1, lpips=1.0, perceptual_size=size),))
    settings: dict[str, Any] = {"recipe": recipe, "networks": {"lpips": extractor}}
    if pixels is None:
        assert set(resolve(tiny, parse(spec, 32), **settings).networks) == {"lpips"}
        return
    with pytest.raises(SettingError, match=f"lpips: {pixels} pixels, at least 31 are needed"):
        resolve(tiny, parse(spec, 32), **settings)


def test_recipes_by_name(tiny: Generator, extractor):
    gray = Grayscale()
    assert resolve(tiny, gray).recipe == recipe_for("fast", gray, tiny)
    assert resolve(tiny, gray, "quality").recipe == recipe_for("quality", gray, tiny)
    paper = resolve(tiny, gray, "paper", networks={"vgg": extractor})
    assert paper.recipe.layer is None
    # Other methods have one of their own.
    method = METHODS["one-code"]
    assert resolve(tiny, gray, method="one-code").recipe == method.recipe(gray, tiny)
    with pytest.raises(SettingError, match=r"recipe quality: .* method one-code has its own"):
        resolve(tiny, gray, "quality", method=method)
    assert resolve(tiny, gray, RECIPE, method=method).recipe is RECIPE


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "magic"}, "method magic: there are observation, dip"),
        ({"method": "w"}, "method w: needs a style-based generator"),
        ({"method": "encoder"}, "method encoder: needs an encoder"),
        ({"recipe": "slow"}, "recipe slow: there are fast"),
    ],
)
def test_what_there_is_not(tiny: Generator, settings: dict[str, Any], message: str):
    with pytest.raises(SettingError, match=message):
        resolve(tiny, **settings)


def test_what_is_no_generator():
    with pytest.raises(SettingError, match="a generator, a split or a name is needed, not a dict"):
        invert({}, np.zeros((1, 8, 8, 3)))  # pyright: ignore[reportArgumentType]
    with pytest.raises(WeightsError, match="faces46"):
        resolve("faces46")
    faces = resolve("faces64")
    assert isinstance(faces.split, Split) and faces.image_shape == (64, 64, 3)
    assert faces.recipe == recipe_for("fast", Identity())
