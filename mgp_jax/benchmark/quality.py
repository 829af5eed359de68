"""Quality over time: PSNR and LPIPS of a recipe's restorations while they are made."""

import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.agreement import put_back_all
from mgp_jax.degradations import Degradation
from mgp_jax.generators.base import Generator
from mgp_jax.inversion import draw, image_keys, pose, resolve
from mgp_jax.inversion import run as invert
from mgp_jax.metrics import PAIR, compare
from mgp_jax.recipes import Recipe
from mgp_jax.solve import Execution, Progress

SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
MILESTONES = (200, 500, 1000)

Point = dict[str, float]


def curve_of(
    generator: Generator,
    truths: np.ndarray,
    degradation: Degradation,
    recipe: Recipe,
    *,
    chunk: int = 10,
    seed: int = 0,
) -> tuple[list[Point], float]:
    """Restores images in one batch and says how good they were when.

    The same inversion runs three times: first to compile, then to take the time behind every chunk
    of steps, then to render and measure there. So the time holds nothing but optimisation.

    Args:
        generator: the frozen generator.
        truths: float[B, H, W, C] in [-1, 1].
        degradation: the task.
        recipe: how to optimise.
        chunk: steps between two points.
        seed: seed of starts and noise.

    Returns: points with `step`, `seconds` an image, and means of `psnr` in dB and `lpips` over the
        images; and the seconds that the first run took longer than the second: compilation, or
        reading the programs from the cache.
    """
    numbers = jnp.arange(len(truths))
    keys = image_keys(seed, numbers)
    observations = jax.vmap(degradation.simulate)(jnp.asarray(truths), keys)
    execution = Execution(chunk=chunk)
    inversion = resolve(generator, degradation, recipe, seed=seed, execution=execution)
    given = pose(inversion, observations).given

    def run(on_progress: Any) -> float:
        began = time.perf_counter()
        invert(inversion, observations, on_progress=on_progress)
        return time.perf_counter() - began

    clock, points = [], []

    def take_time(progress: Progress) -> None:
        jax.block_until_ready(progress.state.step)
        clock.append((progress.step, time.perf_counter()))

    def look(progress: Progress) -> None:
        images = draw(given, progress.state.best, inversion.phases[progress.phase])
        images = put_back_all(degradation, images, observations, inversion.recipe.saturation)
        scores = compare(np.asarray(images), truths, PAIR)
        points.append({name: mean(values) for name, values in scores.items()})

    first = run(take_time)
    clock.clear()
    began = time.perf_counter()
    second = run(take_time)
    run(look)
    timed = [
        {"step": step, "seconds": (moment - began) / len(truths), **scores}
        for (step, moment), scores in zip(clock, points, strict=True)
    ]
    return timed, max(first - second, 0.0)


def mean(values: Sequence[float | None]) -> float:
    """Returns the mean; NaN if a value is missing."""
    return float(np.mean([np.nan if value is None else value for value in values]))


def mean_curve(curves: Sequence[Sequence[Point]]) -> list[Point]:
    """Returns the mean of the curves of several images that were restored one after another.

    Points of the same step belong together; a step counts only if every curve has it.
    """
    by_step = [{point["step"]: point for point in curve} for curve in curves]
    common = sorted(set.intersection(*(set(points) for points in by_step))) if by_step else []
    return [
        {
            "step": step,
            **{
                name: mean([points[step][name] for points in by_step])
                for name in ("seconds", *(metric.name for metric in PAIR))
            },
        }
        for step in common
    ]


def at_time(curve: Sequence[Point], seconds: float) -> Point | None:
    """Returns the last point of a curve within a time, None if there is none yet."""
    within = [point for point in curve if point["seconds"] <= seconds]
    return within[-1] if within else None


def time_to(curve: Sequence[Point], psnr: float) -> float | None:
    """Returns the seconds after which a curve first has a PSNR, None if it never does."""
    return next((point["seconds"] for point in curve if point["psnr"] >= psnr), None)
