"""What the tests of whole inversions look at most: one run."""

import numpy as np
import pytest
from runs import RECIPE

from mgp_jax.generators import Generator
from mgp_jax.inversion import Result, invert


@pytest.fixture(scope="session")
def result(tiny: Generator, photographs: np.ndarray) -> Result:
    return invert(tiny, photographs, recipe=RECIPE)
