"""The search: within its budget, in time, resumable to the letter; trials made up or tiny."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest

from mgp_jax.benchmark.arithmetic import step_flops
from mgp_jax.degradations import parse
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator
from mgp_jax.inversion import resolve
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.recipes.small import FAST
from mgp_jax.tuning import Search, Trial, candidates, search, trials, tune
from mgp_jax.tuning.candidates import concrete, vary
from mgp_jax.tuning.pace import Pace

WANTED = 2.0


def made_up(asked: list[tuple[Recipe, int]]) -> Callable[..., Trial]:
    """Trials that take time by their steps and like many codes and a small rate of the codes."""

    def run_trial(what: Search, recipe: Recipe, batch: int, *, compiled: bool) -> Trial:
        asked.append((recipe, batch))
        seconds = 0.002 * recipe.steps * recipe.codes**0.5
        score = 20 + math.log(recipe.codes) - abs(math.log(recipe.phases[0].z_rate / 0.03))
        count = len(what.truths[batch * what.batch_size :][: what.batch_size])
        scores = tuple(round(score + 0.1 * batch, 3) for _ in range(count))
        if what.metric == "lpips":
            scores = tuple(1 / score for score in scores)
        return Trial(recipe, batch, scores, round(seconds, 4), 7.0)

    return run_trial


def searching(tiny: Generator, truths: np.ndarray, budget: float, **settings) -> Search:
    wanted = {"seconds": WANTED, "batch_size": 1} | settings
    return Search(tiny, parse("identity", 32), truths, budget, **wanted)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Recipe, int]]:
    calls: list[tuple[Recipe, int]] = []
    monkeypatch.setattr(search, "run_trial", made_up(calls))
    return calls


@pytest.mark.parametrize("metric", ["psnr", "lpips"])
def test_the_best_is_found_in_time_and_within_the_budget(
    tmp_path: Path, tiny: Generator, photographs: np.ndarray, asked: list, metric: str
):
    seen = []
    found = tune(
        searching(tiny, photographs, 900.0, metric=metric),
        tmp_path / "log.jsonl",
        lambda trial, all_of_them: seen.append((trial, all_of_them.spent)),
    )
    assert found.seconds <= search.TOLERANCE * WANTED
    assert found.images == len(photographs)
    # Nothing starts once the budget is used up, and no trial is repeated.
    assert 900 <= seen[-1][1] < 900 + 10
    assert len(asked) == len(seen) == len(set(asked))
    # Far better than what it started from, which likes neither its rate nor its time.
    first = seen[0][0]
    better = np.mean(first.scores) - abs(found.score)
    assert (better if metric == "lpips" else -better) > (0.002 if metric == "lpips" else 1.0)
    # The first half of a round goes on, the rest stops after one batch.
    assert sum(batch == 0 for _, batch in asked) > 2 * sum(batch == 2 for _, batch in asked)


@pytest.mark.parametrize("taken", [0.1, 0.9])
def test_programs_that_were_let_go_of_are_compiled_again(
    tmp_path: Path,
    tiny: Generator,
    photographs: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    taken: float,
):
    """So compilation is not taken for a part of what a trial costs."""
    told: list[bool] = []
    run_trial = made_up([])

    def note(what: Search, recipe: Recipe, batch: int, *, compiled: bool) -> Trial:
        told.append(compiled)
        return run_trial(what, recipe, batch, compiled=compiled)

    monkeypatch.setattr(search, "run_trial", note)
    monkeypatch.setattr("mgp_jax.kept_programs.areas_taken", lambda: taken)
    monkeypatch.setattr(jax, "clear_caches", lambda: None)
    tune(searching(tiny, photographs, 100.0), tmp_path / "log.jsonl")
    assert any(told) == (taken == 0.1)


def test_a_stopped_search_ends_as_if_it_had_not_been(
    tmp_path: Path, tiny: Generator, photographs: np.ndarray, asked: list
):
    whole = tune(searching(tiny, photographs, 700.0), tmp_path / "whole.jsonl")
    in_one_go = list(asked)
    asked.clear()
    for budget in (0.5, 100.0, 333.0, 700.0):
        found = tune(searching(tiny, photographs, budget), tmp_path / "parts.jsonl")
    assert found == whole
    assert asked == in_one_go
    logs = [(tmp_path / name).read_text() for name in ("whole.jsonl", "parts.jsonl")]
    assert logs[0] == logs[1]
    # Cut off within a line by a crash: that trial is done again, no other.
    damaged = tmp_path / "cut.jsonl"
    damaged.write_text(logs[0][:-20])
    asked.clear()
    assert tune(searching(tiny, photographs, 700.0), damaged) == whole
    assert len(asked) == 1 and damaged.read_text() == logs[0]


def test_a_log_of_something_else_is_refused(
    tmp_path: Path, tiny: Generator, photographs: np.ndarray, asked: list
):
    log = tmp_path / "log.jsonl"
    tune(searching(tiny, photographs, 1.0), log)
    with pytest.raises(SettingError, match=r"log\.jsonl: is of another search, with other seed"):
        tune(searching(tiny, photographs, 1.0, seed=1), log)
    with pytest.raises(SettingError, match="with other images, metric"):
        tune(searching(tiny, photographs[:2], 1.0, metric="lpips"), log)
    for content in ("[1]\n", "no log\n", log.read_text() + '{"recipe": 3}\n'):
        log.write_text(content)
        with pytest.raises(SettingError, match=r"log\.jsonl: is no log of trials"):
            tune(searching(tiny, photographs, 1.0), log)
    with pytest.raises(SettingError, match="cannot be written"):
        tune(searching(tiny, photographs, 1.0), tmp_path / "log.jsonl" / "deeper.jsonl")


def test_without_a_wanted_time_it_is_that_of_fast(
    tmp_path: Path, tiny: Generator, photographs: np.ndarray, asked: list
):
    found = tune(searching(tiny, photographs, 600.0, seconds=None), tmp_path / "log.jsonl")
    first = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[1])
    assert found.seconds <= search.TOLERANCE * first["seconds"]


@pytest.mark.parametrize(
    "change", [{"budget": 0.0}, {"seconds": 0.0}, {"batch_size": 0}, {"truths": np.zeros((0,))}]
)
def test_impossible_settings(tiny: Generator, photographs: np.ndarray, change: dict):
    settings = {"truths": photographs, "budget": 1.0} | change
    with pytest.raises(SettingError):
        Search(tiny, parse("identity", 32), **settings)


@pytest.mark.parametrize("kind", FAST)
def test_variations_stay_possible(tiny: Generator, kind: str):
    random = np.random.default_rng(0)
    base = recipe = concrete(tiny, FAST[kind])
    assert recipe.layer == resolve(tiny, recipe=FAST[kind]).split.cut
    for _ in range(60):
        recipe = vary(tiny, recipe, random, 0.9)
        assert recipe.layer in candidates.fair_cuts(tiny)
        assert 1 <= recipe.codes <= 64 and len(recipe.phases) >= 1
        for phase in recipe.phases:
            assert phase.steps >= 1
            assert phase.z_rate > 0 and phase.alpha_rate > 0 and phase.residual_rate > 0
            assert phase.prior >= 0 and phase.tether >= 0 and phase.perceptual >= 0
    assert recipe != base


def test_steps_follow_the_speed_seen(tiny: Generator, photographs: np.ndarray):
    """Two factors, one for each kind of phase, are found again from what trials took."""
    pace = Pace(searching(tiny, photographs, 1.0))
    factors = np.array([2e-7, 5e-7])

    def recipe(codes: int, steps: int, refining: int) -> Recipe:
        return Recipe("x", (Phase(steps), Phase(refining, moves=("residual",))), codes, 2)

    def seconds(recipe: Recipe) -> float:
        return float(pace.operations(recipe) @ factors)

    recipes = [recipe(5, 30, 100), recipe(10, 50, 10), recipe(20, 5, 300), recipe(8, 20, 50)]
    tried = [Trial(one, 0, (20.0,), seconds(one), 1.0) for one in recipes]
    fitted = pace.fitted(tried, recipe(30, 10, 40), 60.0)
    assert seconds(fitted) == pytest.approx(60.0, rel=0.1)
    assert fitted.phases[1].steps == pytest.approx(4 * fitted.phases[0].steps, rel=0.1)


@pytest.mark.parametrize("codes", [1, 7])
def test_operations_are_those_of_the_steps(tiny: Generator, photographs: np.ndarray, codes: int):
    what = searching(tiny, photographs, 1.0)
    phases = Phase(3), Phase(4, moves=("residual",))
    recipe = Recipe("x", phases, codes, 2)
    inversion = resolve(tiny, what.degradation, recipe)
    expected = [phase.steps * step_flops(inversion, k) for k, phase in enumerate(phases)]
    assert list(Pace(what).operations(recipe)) == expected


def test_a_real_trial(tiny: Generator, photographs: np.ndarray):
    what = searching(tiny, photographs, 1.0, batch_size=2)
    recipe = Recipe("x", (Phase(3), Phase(4, moves=("residual",))), codes=2, layer=2)
    first = trials.run_trial(what, recipe, 0, compiled=False)
    # The last batch is filled up; the image that fills it does not count.
    last = trials.run_trial(what, recipe, 1, compiled=True)
    assert (len(first.scores), len(last.scores)) == (2, 1)
    assert all(5 < score < 60 for score in first.scores + last.scores)
    assert 0 < last.seconds <= last.spent and first.spent > 2 * first.seconds
    assert trials.from_record(json.loads(json.dumps(trials.to_record(first)))) == first
