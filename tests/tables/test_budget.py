"""The budget of every method: what steps cost, and how many a time buys."""

import numpy as np
import pytest

from mgp_jax.errors import SettingError
from mgp_jax.methods import METHODS
from mgp_jax.recipes import recipe_for
from mgp_jax.tables import Budget, Comparison, parse_budget
from mgp_jax.tables.budget import Price, add_price, clock, cost_key, steps_for
from mgp_jax.tables.case import Case
from mgp_jax.tables.run import make_case


@pytest.mark.parametrize(
    ("text", "budget"), [("3s", (3, True)), ("0.5 s", (0.5, True)), ("200", (200, False))]
)
def test_budgets(text: str, budget: tuple):
    assert parse_budget(text) == budget


@pytest.mark.parametrize("text", ["", "3m", "-1", "0", "0s", "1.5"])
def test_wrong_budgets(text: str):
    with pytest.raises(SettingError, match="budget"):
        parse_budget(text)


def test_seconds_become_steps(comparison: Comparison):
    case, budget, price = make_case(comparison, "reconstruction"), Budget(2, True), Price(0.5, 0.01)
    assert steps_for(METHODS["one-code"], case, budget, price) == 150
    assert price.of(150) == pytest.approx(2)
    assert steps_for(METHODS["one-code"], case, Budget(7, False), price) == 7
    assert steps_for(METHODS["observation"], case, budget, price) == 0
    # Not fewer than a method can do.
    assert steps_for(METHODS["multi-code"], case, Budget(0.001, True), price) == 2
    gray = make_case(comparison, "colorization")
    # Nor more than do good.
    drifting = recipe_for("quality", gray.degradation).steps
    assert steps_for(METHODS["multi-code"], gray, Budget(10_000, False), price) == drifting < 10_000
    # A price holds wherever the recipe is the same.
    assert cost_key(METHODS["multi-code"], gray) != cost_key(METHODS["multi-code"], case)
    assert cost_key(METHODS["one-code"], gray) == cost_key(METHODS["one-code"], case)


class Stepwise:
    """A method that takes half a second an image and two thousandths a step, and must compile.

    Its runs take up to `noise` times longer than that. It stands for all methods.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, noise: float = 0.0, seed: int = 0):
        self.time, self.images = 0.0, 0
        self.steps: list[int] = []
        self.noise, self.random = noise, np.random.default_rng(seed)
        self.compiled: set[int] = set()
        monkeypatch.setattr("mgp_jax.tables.budget.clock", lambda: self.time)
        monkeypatch.setattr(Case, "restore", lambda case, method, steps: self.run(case, steps))

    def run(self, case: Case, steps: int) -> np.ndarray:
        disturbed = 1 + self.noise * self.random.random()
        self.time += (0.5 + 0.002 * steps) * disturbed * len(case.observations)
        self.time += 0 if steps in self.compiled else 30
        self.compiled.add(steps)
        self.steps.append(steps)
        self.images += len(case.observations)
        return np.asarray(case.observations)


def test_a_price_is_measured_once_and_without_compilation(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch
):
    case, made = make_case(comparison, "reconstruction"), Stepwise(monkeypatch)
    method, prices = METHODS["one-code"], {}
    assert add_price(method, case, prices) == pytest.approx((0.5, 0.002))
    runs = len(made.steps)
    assert add_price(method, case, prices) == prices[cost_key(method, case)]
    assert len(made.steps) == runs


def test_a_price_of_large_images_takes_few_steps_of_one(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch
):
    case, made = make_case(comparison, "reconstruction"), Stepwise(monkeypatch)
    assert len(case.observations) > 1
    monkeypatch.setattr("mgp_jax.tables.case.LARGE", case.generator.resolution)
    assert add_price(METHODS["one-code"], case, {}) == pytest.approx((0.5, 0.002))
    assert made.images == len(made.steps) and min(made.compiled) <= 10


@pytest.mark.parametrize(
    ("resolution", "amount", "runs"),
    [("large", 64, [64, 64]), ("large", 65, None), ("small", 65, [65, 65])],
)
def test_a_budget_of_steps_does_with_their_own_programs(
    comparison: Comparison,
    monkeypatch: pytest.MonkeyPatch,
    resolution: str,
    amount: int,
    runs: list[int] | None,
):
    """But for many steps of large images, which are measured by a few of one of them."""
    case, made = make_case(comparison, "reconstruction"), Stepwise(monkeypatch)
    size = case.generator.resolution
    monkeypatch.setattr("mgp_jax.tables.case.LARGE", size + (resolution == "small"))
    budget = Budget(amount, False)
    price = add_price(METHODS["one-code"], case, {}, budget)
    assert price.of(amount) == pytest.approx(0.5 + 0.002 * amount)
    assert (made.steps == runs) if runs else (made.images == len(made.steps))


@pytest.mark.parametrize("seed", range(8))
def test_cheap_steps_are_not_lost_in_the_noise_of_a_long_start(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch, seed: int
):
    case = make_case(comparison, "reconstruction")
    Stepwise(monkeypatch, noise=0.1, seed=seed)
    assert add_price(METHODS["one-code"], case, {}).step == pytest.approx(0.002, rel=0.25)


def test_the_clock_runs_with_work():
    began = clock()
    np.linalg.svd(np.ones((300, 300)))
    assert clock() > began
