"""The search: rounds of successive halving until the budget is used up.

Candidates are tried on a few images, the better half on more of them, and so on. Each round draws
its candidates around the best recipe so far. How many steps a candidate gets is what the wanted
time allows, by its arithmetic and the speed seen in the trials before.

The search is a function of its seed and of what the trials gave, so that the same search takes from
its log what has been tried, and goes on.

Source: Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification".
"""

import math
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mgp_jax.batch import append_records
from mgp_jax.kept_programs import Programs
from mgp_jax.metrics import metric_named
from mgp_jax.recipes import Recipe, recipe_for
from mgp_jax.tuning.candidates import concrete, scaled, vary
from mgp_jax.tuning.pace import Pace
from mgp_jax.tuning.trials import Search, Trial, open_log, run_trial, to_record

CANDIDATES = 8
# Half of the candidates are drawn near the best recipe, half of them far from it.
SPREADS = (0.9, 0.35)
# Timings scatter; a recipe that takes longer than this many times the wanted time is too slow.
TOLERANCE = 1.1


class Standing(NamedTuple):
    """The quality of a recipe over all images that it has been tried on.

    Attributes:
        recipe: the recipe.
        score: mean of the metric; negative where less is better, so that higher is better.
        seconds: time an image.
        images: number of images.
    """

    recipe: Recipe
    score: float
    seconds: float
    images: int


class BudgetError(Exception):
    """The time is used up."""


class Trials:
    """The trials of a search, in the order in which the search asked for them.

    Attributes:
        search: what is searched for.
        done: the trials by recipe and batch.
    """

    def __init__(
        self,
        search: Search,
        log: Path,
        on_trial: Callable[[Trial, "Trials"], None],
        programs: Programs,
    ):
        self.search = search
        self.done: dict[tuple[Recipe, int], Trial] = {}
        self._log, self._on_trial = log, on_trial
        # Not done before the search asks for them: what it does next depends on what is done.
        self._logged = {(trial.recipe, trial.batch): trial for trial in open_log(search, log)}
        self._compiled: set[Recipe] = set()
        self._programs = programs

    @property
    def spent(self) -> float:
        """Seconds that the trials have taken together."""
        return sum(trial.spent for trial in self.done.values())

    @property
    def wanted(self) -> float:
        """Time an image that a recipe may take: as searched for, else that of the first trial."""
        return self.search.seconds or next(iter(self.done.values())).seconds

    def get(self, recipe: Recipe, batch: int) -> Trial:
        """Returns a trial: from the log if it is there, else by running it.

        The first trial does not look at the budget: without it there would be nothing to return.

        Raises:
            BudgetError: it is not there and no time is left.
        """
        key = recipe, batch
        if key not in self.done and key in self._logged:
            self.done[key] = self._logged[key]
        elif key not in self.done:
            if self.done and self.spent >= self.search.budget:
                raise BudgetError
            if self._programs.make_room():
                self._compiled.clear()
            trial = run_trial(self.search, recipe, batch, compiled=recipe in self._compiled)
            self._compiled.add(recipe)
            append_records(self._log, [to_record(trial)])
            self.done[key] = trial
            self._on_trial(trial, self)
        return self.done[key]

    def too_slow(self, trial: Trial) -> bool:
        """Returns whether a trial took longer than wanted."""
        return trial.seconds > TOLERANCE * self.wanted

    def standing(self, recipe: Recipe) -> Standing:
        """Sums up the trials of a recipe."""
        trials = [trial for (tried, _), trial in self.done.items() if tried == recipe]
        scores = [score for trial in trials for score in trial.scores]
        mean = float(np.mean(scores))
        if not math.isfinite(mean):
            mean = -math.inf
        elif not metric_named(self.search.metric).higher:
            mean = -mean
        seconds = float(np.mean([trial.seconds for trial in trials]))
        return Standing(recipe, mean, seconds, len(scores))

    def best(self) -> Standing:
        """Returns the best of the recipes tried on the most images, one in time if there is any."""
        standings = [self.standing(recipe) for recipe in dict.fromkeys(r for r, _ in self.done)]
        most = max(standing.images for standing in standings)
        return max(
            (standing for standing in standings if standing.images == most),
            key=lambda s: (s.seconds <= TOLERANCE * self.wanted, s.score, -s.seconds),
        )


def tune(
    search: Search,
    log: Path,
    on_trial: Callable[[Trial, Trials], None] = lambda trial, trials: None,
) -> Standing:
    """Searches until the budget is used up.

    The recipe `fast` is the first to be tried, so that what is returned is at least as good on the
    sample images.

    Args:
        search: what to search for.
        log: JSON lines with all trials; one of an earlier run of the same search is continued.
        on_trial: called after each new trial with it and all of them.

    Returns: the best recipe that is fast enough, among those tried on the most images.

    Raises:
        SettingError: the log cannot be written, or is of another search.
    """
    generator = search.generator
    best = concrete(generator, recipe_for("fast", search.degradation, generator))
    random, pace = np.random.default_rng(search.seed), Pace(search)
    with closing(Programs()) as programs:
        trials = Trials(search, log, on_trial, programs)
        try:
            best = in_time(trials, best)
            for batch in range(search.batches):
                trials.get(best, batch)
            while True:
                best = play_round(trials, pace, random, best)
        except BudgetError:
            return trials.best()


def play_round(trials: Trials, pace: Pace, random: np.random.Generator, best: Recipe) -> Recipe:
    """Halves a round of candidates until one is left, and returns the best recipe then known.

    Raises:
        BudgetError: the time is used up.
    """
    search, pool = trials.search, []
    for number in range(CANDIDATES):
        candidate = vary(search.generator, best, random, SPREADS[number % len(SPREADS)])
        candidate = pace.fitted(list(trials.done.values()), candidate, trials.wanted)
        pool.append(in_time(trials, candidate))
    batches = 1
    while batches < search.batches:
        pool.sort(key=lambda recipe: -trials.standing(recipe).score)
        pool = pool[: max(1, len(pool) // 2)]
        batches = min(2 * batches, search.batches)
        for candidate in pool:
            for batch in range(batches):
                trials.get(candidate, batch)
    return trials.best().recipe


def in_time(trials: Trials, recipe: Recipe) -> Recipe:
    """Tries a recipe on the first batch, once more with fewer steps if it took too long."""
    trial = trials.get(recipe, 0)
    if trials.too_slow(trial):
        recipe = scaled(recipe, trials.wanted / trial.seconds)
        trials.get(recipe, 0)
    return recipe
