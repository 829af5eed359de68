"""Trials of recipes: what is searched for, one recipe on one batch, and the log of all of them."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.batch import append_records, checksum
from mgp_jax.batch.records import repair
from mgp_jax.degradations import Degradation
from mgp_jax.errors import SettingError
from mgp_jax.generators.base import Generator
from mgp_jax.inversion import resolve
from mgp_jax.metrics import compare, metric_named
from mgp_jax.recipe_files import from_values, to_values
from mgp_jax.recipes import Recipe
from mgp_jax.restoration import run_restoration
from mgp_jax.seeds import seeded_key


@dataclass(frozen=True)
class Search:
    """The settings of a search.

    Attributes:
        generator: the frozen generator.
        degradation: the task.
        truths: float[M, H, W, C] in [-1, 1], clean sample images; they are degraded first.
        budget: seconds that all trials may take together, compilation included.
        metric: name of the metric whose mean decides.
        seconds: time an image that the recipe may take; None for that of the recipe `fast`.
        batch_size: images restored at a time.
        seed: seed of the search, of the starts and of simulated noise.
    """

    generator: Generator
    degradation: Degradation
    truths: np.ndarray
    budget: float
    metric: str = "psnr"
    seconds: float | None = None
    batch_size: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if metric_named(self.metric).spread:
            raise SettingError(f"metric {self.metric}: is of several answers, a search has one")
        if not self.budget > 0:
            raise SettingError(f"budget: {self.budget} s, must be above 0")
        if self.seconds is not None and not self.seconds > 0:
            raise SettingError(f"seconds: {self.seconds}, must be above 0")
        if self.batch_size < 1:
            raise SettingError(f"batch size: {self.batch_size}, at least 1 is needed")
        if not len(self.truths):
            raise SettingError("no sample images are given")

    @property
    def batches(self) -> int:
        """Number of batches of the sample images."""
        return math.ceil(len(self.truths) / self.batch_size)


class Trial(NamedTuple):
    """A recipe tried on a batch of the sample images.

    Attributes:
        recipe: what was tried.
        batch: index of the batch.
        scores: the metric of each image; NaN where it is not finite.
        seconds: time an image, compiled beforehand.
        spent: what the trial took in all, compilation included.
    """

    recipe: Recipe
    batch: int
    scores: tuple[float, ...]
    seconds: float
    spent: float


def run_trial(search: Search, recipe: Recipe, batch: int, *, compiled: bool) -> Trial:
    """Restores a batch of the sample images and measures quality and time."""
    began = time.perf_counter()
    size = min(search.batch_size, len(search.truths))
    numbers = np.arange(batch * size, min((batch + 1) * size, len(search.truths)))
    # Filled up, so that all batches share one compiled program.
    filled = np.resize(numbers, size)
    truths = jnp.asarray(search.truths[filled])
    keys = jax.vmap(lambda n: jax.random.fold_in(seeded_key(search.seed), n))(filled)
    observations = jax.vmap(search.degradation.simulate)(truths, keys)
    inversion = resolve(search.generator, search.degradation, recipe, seed=search.seed)

    def run() -> np.ndarray:
        return run_restoration(inversion, observations, search.degradation, indices=filled).images

    if not compiled:
        run()
    started = time.perf_counter()
    images = run()
    ended = time.perf_counter()
    metric = metric_named(search.metric)
    scores = compare(images[: len(numbers)], search.truths[numbers], [metric])[metric.name]
    finite = tuple(math.nan if score is None else round(score, 4) for score in scores)
    seconds, spent = (ended - started) / size, time.perf_counter() - began
    return Trial(recipe, batch, finite, round(seconds, 3), round(spent, 3))


def open_log(search: Search, log: Path) -> Iterator[Trial]:
    """Starts a log, or reads the trials of one; a last line cut off by a crash is dropped.

    Raises:
        SettingError: the log cannot be read or written, is damaged or is of another search.
        OutputError: nothing can be written to it.
    """
    header = {"search": outline(search)}
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        repair(log)
        lines = log.read_bytes().splitlines() if log.exists() else []
    except OSError as error:
        raise SettingError(f"{log}: cannot be written ({error.strerror})") from None
    if not lines:
        append_records(log, [header])
    try:
        first, *records = [json.loads(line) for line in lines] or [header]
        differs = [
            name for name, value in header["search"].items() if first["search"][name] != value
        ]
        trials = [from_record(record) for record in records]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingError(f"{log}: is no log of trials ({error})") from None
    if differs:
        raise SettingError(f"{log}: is of another search, with other {', '.join(differs)}")
    return iter(trials)


def outline(search: Search) -> dict[str, Any]:
    """Returns all that determines a search, but for its budget, as JSON values."""
    return {
        "generator": checksum("", search.generator.params),
        "degradation": checksum(str(search.degradation), search.degradation),
        "images": checksum("", search.truths),
        "metric": search.metric,
        "seconds": search.seconds,
        "batch_size": search.batch_size,
        "seed": search.seed,
    }


def to_record(trial: Trial) -> dict[str, Any]:
    """Returns a trial as JSON values."""
    scores = [None if math.isnan(score) else score for score in trial.scores]
    return trial._asdict() | {"recipe": to_values(trial.recipe), "scores": scores}


def from_record(record: dict[str, Any]) -> Trial:
    """Makes a trial of JSON values."""
    scores = tuple(math.nan if score is None else score for score in record["scores"])
    return Trial(**{**record, "recipe": from_values(record["recipe"]), "scores": scores})
