"""Settings of an inversion, and what they come to for each of its phases."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from jax.sharding import Mesh

from mgp_jax.errors import SettingError
from mgp_jax.generators.base import Generator
from mgp_jax.recipes import FAST, Phase, Recipe
from mgp_jax.sharding import over_images

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Execution:
    """How an inversion is computed; nothing but rounding depends on it.

    Attributes:
        mesh: devices over which the batch is split (`sharding.batch_mesh`); None for one.
        precision: `float32`, or `bfloat16` for what the networks compute; variables, optimiser and
            losses are float32 in any case.
        slices: 0 to keep everything for the gradient; otherwise the codes run through the head in
            so many equal slices, and heads and tails are computed again instead of kept.
    """

    mesh: Mesh | None = None
    precision: str = "float32"
    slices: int = 0


@dataclass(frozen=True)
class InversionConfig:
    """Settings of an inversion.

    Attributes:
        recipe: how to optimise.
        codes: number of latent codes, None for the recipe's.
        layer: the cut, as index or name, None for the recipe's.
        seed: seed of all random starts.
        patience: stop an image when its objective has not fallen by a thousandth for so many
            steps; None to always use up all steps.
        target_psnr: stop an image when the observation is matched to this PSNR in dB.
        chunk: number of steps between two reports to `on_progress`.
        chunk_seconds: report more often where so many steps take longer than this; None for never.
            Reports after a multiple of `chunk` steps remain.
        execution: how it is computed.
    """

    recipe: Recipe = FAST["inversion"]
    codes: int | None = None
    layer: int | str | None = None
    seed: int = 0
    patience: int | None = None
    target_psnr: float | None = None
    chunk: int = 50
    chunk_seconds: float | None = None
    execution: Execution = Execution()


@dataclass(frozen=True)
class Setting:
    """What is fixed while a phase runs; static under `jax.jit`.

    Attributes:
        phase: the phase.
        cut: index of the cut.
        space: the space of the codes.
        importance: the value that the importances start from.
        patience: see `InversionConfig`.
        from_mean: whether the codes start from the mean style.
        candidates: number of random codes among which the starts are chosen, 0 for no choice.
        execution: see `InversionConfig`.
    """

    phase: Phase
    cut: int
    space: str
    importance: float
    patience: int | None
    from_mean: bool = False
    candidates: int = 0
    execution: Execution = Execution()

    def over_images(self, function: Callable, *specs: Any) -> Callable:
        """Lets every device run a function of batches on its part of them."""
        return over_images(function, self.execution.mesh, *specs)


def default_cut(generator: Generator, map_size: int | None = None) -> int:
    """Returns the cut used where none is given.

    It is the last one at an eighth of the image's resolution or at 16 pixels, whichever is larger:
    the third layer of `faces64`, layer 8 of a PGGAN of 256 pixels as published.

    Args:
        generator: the generator.
        map_size: largest height of the feature map instead of that; where all maps are larger,
            the smallest is taken.
    """
    limit = max(16, generator.resolution // 8) if map_size is None else map_size
    sizes = generator.map_sizes
    limit = max(limit, min(sizes.values()))
    return max(cut for cut, size in sizes.items() if size <= limit)


def cut_of(generator: Generator, recipe: Recipe) -> int:
    """Returns the index of the cut that a recipe asks for.

    Raises:
        SettingError: the generator has no such layer.
    """
    if recipe.layer is None:
        return default_cut(generator, recipe.map_size)
    return generator.cut(recipe.layer)


def settings(generator: Generator, config: InversionConfig) -> list[Setting]:
    """Returns the settings of all phases.

    Raises:
        SettingError: a setting is out of range or does not fit the generator.
    """
    recipe = config.recipe
    generator.space(recipe.space)  # Says so if there is none; the cut then makes no sense either.
    layer = config.layer if config.layer is not None else recipe.layer
    cut = cut_of(generator, replace(recipe, layer=layer))
    if recipe.from_mean and recipe.space == "z":
        raise SettingError(f"recipe {recipe.name}: only style spaces have a mean to start from")
    if recipe.candidates and recipe.from_mean:
        raise SettingError(f"recipe {recipe.name}: there is nothing to choose from a mean")
    candidates = max(recipe.candidates, 2 * code_count(config)) if recipe.candidates else 0
    importance = float(code_count(config)) ** -recipe.importance_power
    if config.chunk < 1:
        raise SettingError(f"chunk: {config.chunk}, at least 1 is needed")
    execution = config.execution
    if execution.precision not in PRECISIONS:
        raise SettingError(f"precision {execution.precision}: there are {', '.join(PRECISIONS)}")
    if execution.slices and code_count(config) % execution.slices:
        raise SettingError(f"slices: {execution.slices} do not divide {code_count(config)} codes")
    return [
        Setting(
            phase=phase,
            cut=cut,
            space=recipe.space,
            importance=importance,
            patience=config.patience,
            from_mean=recipe.from_mean,
            candidates=candidates,
            execution=execution,
        )
        for phase in recipe.phases
    ]


def code_count(config: InversionConfig) -> int:
    """Returns the number of codes N.

    Raises:
        SettingError: it is below 1.
    """
    count = config.recipe.codes if config.codes is None else config.codes
    if count < 1:
        raise SettingError(f"codes: {count}, at least 1 is needed")
    return count
