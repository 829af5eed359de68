"""What a MobileStyleGAN does beyond what all families do; its numbers are in the golden test."""

import jax
import numpy as np
import pytest
from networks import untrained

from mgp_jax.generators import Generator, MobileStyleGANConfig
from mgp_jax.generators.base import Params
from mgp_jax.generators.mobile_stylegan import inverse_haar

CONFIG = MobileStyleGANConfig(5, 4, (4,), (8, 4, 4, 8, 4))
# The stage that takes each style first; doubling layers take two.
TAKEN = ("layer0", "layer1", "layer1", "layer2", "layer3", "layer3", "layer4", "to_rgb")


def test_the_published_network():
    config = MobileStyleGANConfig.standard()
    assert (config.resolution, config.styles, len(config.stage_names)) == (1024, 23, 18)


def test_haar_bands_become_blocks_of_pixels():
    # Two channels: low bands, then between rows, between columns and diagonal of each.
    bands = np.array([10, 20, 1, 2, 3, 4, 5, 6], np.float32)
    image = np.asarray(inverse_haar(np.stack([bands, 2 * bands]).reshape(1, 1, 2, 8)))
    first = [[10 + 1 + 2 + 3, 10 + 1 - 2 - 3], [10 - 1 + 2 - 3, 10 - 1 - 2 + 3]]
    second = [[20 + 4 + 5 + 6, 20 + 4 - 5 - 6], [20 - 4 + 5 - 6, 20 - 4 - 5 + 6]]
    np.testing.assert_array_equal(image[0, :, :2, 0], np.array(first) / 2)
    np.testing.assert_array_equal(image[0, :, :2, 1], np.array(second) / 2)
    np.testing.assert_array_equal(image[0, :, 2:], 2 * image[0, :, :2])


@pytest.fixture(scope="module")
def generator() -> Generator:
    return untrained(CONFIG, seed=1)


@pytest.fixture(scope="module")
def run(generator: Generator):
    @jax.jit
    def run(params: Params, styles: jax.Array) -> dict:
        x, made = styles, {}
        for k in range(2, len(generator.stages)):
            x = generator.apply(params, x, k, k + 1)
            made[generator.stages[k]] = getattr(x, "maps", x)
        return made

    return run


def test_every_style_acts_where_it_belongs(generator: Generator, run):
    styles = np.random.default_rng(2).normal(size=(1, len(TAKEN), 4)).astype(np.float32)
    assert CONFIG.styles == len(TAKEN)
    before = run(generator.params, styles)
    for k, stage in enumerate(TAKEN):
        other = styles.copy()
        other[:, k] += 1
        after = run(generator.params, other)
        changed = [name for name in before if np.abs(after[name] - before[name]).max() > 1e-6]
        assert changed == list(before)[list(before).index(stage) :]


@pytest.mark.parametrize(("stage", "style"), [("layer1", 1), ("layer3", 4)])
def test_the_first_style_of_a_doubling_layer_is_that_of_the_doubling(
    generator: Generator, run, stage: str, style: int
):
    up = generator.params[stage]["up"]
    still = {**generator.params[stage], "up": {**up, "kernel": np.zeros_like(up["kernel"])}}
    params = {**generator.params, stage: still}
    styles = np.random.default_rng(3).normal(size=(1, len(TAKEN), 4)).astype(np.float32)
    before = run(params, styles)[stage]
    for k, acts in ((style, False), (style + 1, True)):
        other = styles.copy()
        other[:, k] += 1
        difference = np.abs(run(params, other)[stage] - before).max()
        assert (difference > 1e-6) == acts
