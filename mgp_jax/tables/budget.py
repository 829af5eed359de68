"""What every method may spend on an image: steps, or seconds that are turned into steps."""

import os
import re
import time
from typing import NamedTuple

import jax

from mgp_jax.baselines.methods import Case, Method
from mgp_jax.batch import checksum
from mgp_jax.errors import SettingError

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
    """Names what shares one price a step: a method with the same recipe."""
    return f"{method.name} {version(method, case)}"


def version(method: Method, case: Case) -> str:
    """Tells apart what a method may do in a case, now or in an earlier state of its recipe."""
    most = None if method.most is None else method.most(case)
    return checksum((method.recipe(case), most))


def clock() -> float:
    """Returns the time in seconds.

    On a CPU it is the processor time shared out among the cores, so that other programs on the
    machine do not count.
    """
    if jax.default_backend() != "cpu":
        return time.perf_counter()
    return time.process_time() / len(os.sched_getaffinity(0))


def price(method: Method, case: Case) -> float:
    """Measures the seconds an image and step of a method, or an image if it has no steps.

    The first of a few short runs compiles; the shortest of the others counts.
    """
    steps = 0 if method.least == 0 else max(TRIAL, method.fewest(case.generator))
    method.restore(case, steps)
    shortest = float("inf")
    for _ in range(TRIALS):
        began = clock()
        method.restore(case, steps)
        shortest = min(shortest, clock() - began)
    return shortest / max(steps, 1) / len(case.observations)


def add_price(method: Method, case: Case, prices: dict[str, float]) -> float:
    """Returns the price of a method; one that is missing among `prices` is measured and added."""
    key = cost_key(method, case)
    if key not in prices:
        prices[key] = price(method, case)
    return prices[key]


def steps_for(method: Method, case: Case, budget: Budget, price: float) -> int:
    """Returns how many steps a method may do at a price in seconds an image and step."""
    if method.least == 0:
        return 0
    steps = round(budget.amount / price) if budget.seconds else int(budget.amount)
    if method.most is not None:
        steps = min(steps, method.most(case))
    return max(method.fewest(case.generator), steps)
