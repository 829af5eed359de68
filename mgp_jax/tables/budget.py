"""What every method may spend on an image: steps, or seconds that are turned into steps."""

import re
from typing import NamedTuple

from mgp_jax.baselines.methods import Case, Method
from mgp_jax.errors import SettingError
from mgp_jax.recipes import kind_of
from mgp_jax.tables.timing import timed

# Enough that every phase of a recipe has its share of them.
TRIAL = 32
TRIALS = 2


class Budget(NamedTuple):
    """A number of steps, or of seconds an image."""

    amount: float
    seconds: bool

    def __str__(self) -> str:
        return f"{self.amount:g} s" if self.seconds else f"{self.amount:.0f} steps"


def parse_budget(text: str) -> Budget:
    """Reads `3s` (seconds an image) or `200` (steps).

    Raises:
        SettingError: it is neither.
    """
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*s", text):
        budget = Budget(float(match[1]), True)
    elif re.fullmatch(r"\d+", text):
        budget = Budget(float(text), False)
    else:
        raise SettingError(f"budget {text}: neither seconds like 3s nor steps like 200")
    if budget.amount <= 0:
        raise SettingError(f"budget {text}: must be above 0")
    return budget


def cost_key(method: Method, case: Case) -> str:
    """Names what shares one price a step."""
    return f"{method.name} {kind_of(case.degradation)}" if method.by_task else method.name


def price(method: Method, case: Case) -> float:
    """Measures the seconds a step and image of a method: the shortest of a few short runs."""
    steps = max(TRIAL, method.fewest(case.generator))
    shortest = float("inf")
    for _ in range(TRIALS):
        with timed() as watch:
            method.restore(case, steps)
        shortest = min(shortest, watch.seconds)
    return shortest / steps / len(case.observations)


def steps_for(method: Method, case: Case, budget: Budget, prices: dict[str, float]) -> int:
    """Returns how many steps a method may do.

    Args:
        method: the method.
        case: what is restored.
        budget: the budget.
        prices: seconds a step and image by `cost_key`; what is missing is measured and added.
    """
    if method.least == 0:
        return 0
    fewest = method.fewest(case.generator)
    if not budget.seconds:
        return max(fewest, int(budget.amount))
    key = cost_key(method, case)
    if key not in prices:
        prices[key] = price(method, case)
    return max(fewest, round(budget.amount / prices[key]))
