"""The budget of every method for an image: steps, or seconds that are turned into steps."""

import os
import re
import time
from typing import NamedTuple

import jax

from mgp_jax.batch import checksum
from mgp_jax.errors import SettingError
from mgp_jax.methods import Method
from mgp_jax.recipes import described
from mgp_jax.tables.case import Case

# Steps of a short run, enough that every phase of a recipe has its share of them. Those of large
# images take so long that few of one image tell as much.
TRIAL, TRIAL_OF_LARGE = 32, 8
# So many steps of them cost more than to compile short runs.
MANY_OF_LARGE = 64
# What steps cost is the difference to a longer run: half as long again and of at least so many
# seconds an image, unless that takes too many times the steps.
LONGER = 0.5
LONGEST = 32
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
    """Names what shares one price: a method with the same recipe."""
    return f"{method.name} {version(method, case)}"


def version(method: Method, case: Case) -> str:
    """Tells apart what a method may do in a case, now or in an earlier state of its recipe."""
    return checksum((described(case.recipe(method)), case.most(method)))


def clock() -> float:
    """Returns the time in seconds.

    On a CPU it is the processor time shared out among the cores, so that other programs on the
    machine do not count.
    """
    if jax.default_backend() != "cpu":
        return time.perf_counter()
    return time.process_time() / len(os.sched_getaffinity(0))


class Price(NamedTuple):
    """The cost of a method in seconds an image.

    Attributes:
        start: whatever the number of steps.
        step: of every step.
    """

    start: float
    step: float

    def of(self, steps: int) -> float:
        """Returns the seconds an image that a number of steps takes."""
        return self.start + self.step * steps


def measure(method: Method, case: Case) -> Price:
    """Measures the price of a method by short runs, whose compilation does not count."""
    large = case.is_large
    if large:
        case = case._replace(observations=case.observations[:1])

    def seconds(steps: int) -> float:
        case.restore(method, steps)
        shortest = float("inf")
        for _ in range(1 if large else TRIALS):
            began = clock()
            case.restore(method, steps)
            shortest = min(shortest, clock() - began)
        return shortest / len(case.observations)

    if case.fewest(method) == 0:
        return Price(seconds(0), 0.0)
    few = (TRIAL_OF_LARGE if large else TRIAL) + case.fewest(method)
    short, many = seconds(few), 2 * few
    long = seconds(many)
    # Beside a long start, few steps more would be lost in the noise of the clock.
    while (long < LONGER or long < 1.5 * short) and many < LONGEST * few:
        many *= 4
        long = seconds(many)
    # Steps too short for the clock cost what the whole run takes.
    step = (long - short) / (many - few) if long > short else long / many
    return Price(max(short - step * few, 0.0), step)


def measure_once(method: Method, case: Case, steps: int) -> Price:
    """Measures the price of a method by so many steps, with the programs that these need anyway."""
    case.restore(method, steps)
    began = clock()
    case.restore(method, steps)
    seconds = (clock() - began) / len(case.observations)
    return Price(0.0, seconds / steps) if steps else Price(seconds, 0.0)


def add_price(
    method: Method, case: Case, prices: dict[str, Price], budget: Budget | None = None
) -> Price:
    """Returns the price of a method; one that is missing among `prices` is measured and added.

    Args:
        method: the method.
        case: what it restores.
        prices: what has been measured, by `cost_key`.
        budget: one in steps does with their own programs, but for many steps of large images; None
            for one in seconds.
    """
    key = cost_key(method, case)
    if key not in prices:
        if budget is None or budget.seconds or (case.is_large and budget.amount > MANY_OF_LARGE):
            prices[key] = measure(method, case)
        else:
            steps = steps_for(method, case, budget, Price(0.0, 0.0))
            prices[key] = measure_once(method, case, steps)
    return prices[key]


def steps_for(method: Method, case: Case, budget: Budget, price: Price) -> int:
    """Returns how many steps a method may do at a price."""
    if case.fewest(method) == 0:
        return 0
    steps = int(budget.amount)
    if budget.seconds:
        steps = round((budget.amount - price.start) / price.step)
    most = case.most(method)
    if most is not None:
        steps = min(steps, most)
    return max(case.fewest(method), steps)
