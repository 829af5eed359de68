"""What the tests of the engine look at most: one run, and a perceptual loss that costs nothing."""

import jax
import numpy as np
import pytest
from runs import CONFIG

from mgp_jax.generators import Generator
from mgp_jax.generators.weights import Weights
from mgp_jax.inversion import Result, invert
from mgp_jax.perception import FeatureExtractor, make_extractor


@pytest.fixture(scope="session")
def result(tiny: Generator, photographs: np.ndarray) -> Result:
    return invert(tiny, photographs, CONFIG)


@pytest.fixture(scope="session")
def extractor() -> FeatureExtractor:
    random = np.random.default_rng(0)
    kernel = random.normal(size=(3, 3, 3, 4)) / 5
    params = {"conv1_1": {"kernel": kernel, "bias": random.normal(size=4)}}
    params = jax.tree.map(lambda x: x.astype(np.float32), params)
    return make_extractor(Weights("vgg16", {"layers": [[4]]}, params, {}, ""))
