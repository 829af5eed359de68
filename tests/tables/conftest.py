"""What methods are compared on."""

import numpy as np
import pytest

from mgp_jax.generators import Generator
from mgp_jax.tables import Budget, Comparison
from mgp_jax.tables.images import Images


@pytest.fixture(scope="session")
def comparison(tiny: Generator, photographs: np.ndarray) -> Comparison:
    return Comparison(
        tiny,
        Images(("one", "two"), photographs[:2]),
        Budget(6, False),
        tasks=("reconstruction", "colorization"),
        methods=("observation", "one-code", "feature-map"),
    )
