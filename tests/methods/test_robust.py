"""Robust restoration: styles and filters that move, and by how much."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import untrained

from mgp_jax.degradations import parse, true_observation
from mgp_jax.generators import Generator, MobileStyleGANConfig
from mgp_jax.inversion import Result, invert
from mgp_jax.methods import METHODS
from mgp_jax.methods.robust import affine_maps, moved
from mgp_jax.perception import LPIPS

STEPS = 40


@pytest.fixture(scope="module")
def mobile() -> Generator:
    return untrained(MobileStyleGANConfig(5, 4, (4,), (8, 8, 4)))


@pytest.fixture(scope="module")
def truth(mobile: Generator) -> np.ndarray:
    """A style, other ones of the layers near it, and filters: no phase reaches it alone."""
    random, split = np.random.default_rng(0), mobile.split("truncation", "w+")
    filters = {
        place: jnp.asarray(random.choice([-0.1, 0.1], (len(part["bias"]), 1)))
        for place, part in affine_maps(mobile.params)
    }
    styles = random.normal(size=4) + 0.3 * random.normal(size=split.latent_shape)
    changed = replace(split, params=moved(split.params, filters))
    return np.asarray(changed.tail(changed.head(jnp.asarray(styles[None], jnp.float32))))


@pytest.fixture(scope="module")
def found(mobile: Generator, truth: np.ndarray, lpips_vgg: LPIPS) -> Result:
    recipe = METHODS["robust"].recipe(parse("identity", 16), mobile).with_(steps=3 * STEPS)
    networks = {"lpips_vgg": lpips_vgg}
    return invert(mobile, truth, recipe=recipe, method="robust", networks=networks)


def test_every_phase_leads_beyond_the_one_before(found: Result):
    losses = found.losses[0].reshape(3, STEPS)
    # Each starts where the best one before has been, or better.
    assert losses[1, 0] <= losses[0].min() + 1e-5 and losses[2, 0] <= losses[1].min() + 1e-5
    for phase in losses:
        assert phase.min() < 0.9 * phase[0], losses[:, ::13]
    assert found.loss[0] < 0.3 * losses[0, 0]


def test_steps_are_as_long_as_the_rate(found: Result, mobile: Generator):
    """What has moved is a sum of steps of one length: at most as many of them."""
    codes, mean = found.codes, mobile.config.mean_style(mobile.params)
    way = np.linalg.norm(np.asarray(codes.style)[0] - np.asarray(mean))
    assert 0.08 < way <= 0.08 * STEPS + 1e-4
    ways = np.linalg.norm(np.asarray(codes.styles)[0] - np.asarray(codes.style)[0], axis=-1)
    assert (ways <= 0.02 * STEPS + 1e-4).all() and (ways > 0.02).any()
    # Of a filter's own style only the sign of a step is free.
    steps = np.concatenate([np.ravel(x) for x in jax.tree.leaves(codes.filters)]) / 0.005
    np.testing.assert_allclose(steps, np.round(steps), atol=2e-3)
    assert 1 <= np.abs(steps).max() <= STEPS


def test_a_filter_of_its_own_style_is_a_style_along_its_row(mobile: Generator):
    """What `moved` says in one number for a channel is a whole style vector for it alone."""
    places = dict(affine_maps(mobile.params))
    assert {"layer0.style", "layer1.up", "layer1.style", "to_rgb.style"} <= places.keys()
    kernel, bias = (np.asarray(places["layer1.style"][name]) for name in ("kernel", "bias"))
    style, way = np.linspace(-1, 1, 4), np.zeros((kernel.shape[1], 1), np.float32)
    way[1] = 0.7
    changed = moved(mobile.params, {"layer1.style": jnp.asarray(way)})
    factors = style @ kernel + changed["layer1"]["style"]["bias"]
    own = style + 0.7 * kernel[:, 1] / np.linalg.norm(kernel[:, 1])
    expected = style @ kernel + bias
    expected[1] = own @ kernel[:, 1] + bias[1]
    np.testing.assert_allclose(factors, expected, rtol=1e-5)
    np.testing.assert_array_equal(changed["layer1"]["up"]["bias"], places["layer1.up"]["bias"])


def test_one_setting_for_noise_holes_and_files(
    mobile: Generator, truth: np.ndarray, lpips_vgg: LPIPS
):
    chain = parse("poisson:24|drop:0.16|jpeg:30|mask:strokes:1", 16)
    seen = true_observation(chain, truth[0], jax.random.key(0))
    recipe = METHODS["robust"].recipe(chain, mobile).with_(steps=30)
    found = invert(
        mobile, seen[None], chain, recipe, method="robust", networks={"lpips_vgg": lpips_vgg}
    )
    assert np.isfinite(found.losses).all() and found.losses[0, -1] < found.losses[0, 0]
