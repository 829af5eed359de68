"""The pyramid of LPIPS: what it compares, by the means of four pixels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import small_lpips_vgg
from objectives import losses_of

from mgp_jax.degradations import parse
from mgp_jax.inversion.problem import make_targets
from mgp_jax.recipes import Phase
from mgp_jax.seeds import seeded_key
from mgp_jax.terms import Target
from mgp_jax.terms.networks import levels
from mgp_jax.terms.pyramid import NOISE


def random_image(size: int, seed: int = 0) -> np.ndarray:
    return np.tanh(np.random.default_rng(seed).normal(size=(size, size, 3))).astype(np.float32)


NETWORKS = {"lpips_vgg": small_lpips_vgg()}
PYRAMID = Phase(1, pixel=0.0, pyramid=0.5)


def target_of(spec: str, observation: np.ndarray, networks: dict = NETWORKS) -> Target:
    """The target of one observation, as a run makes it."""
    zero, key = jnp.zeros(1), seeded_key(0)
    made = make_targets(networks, parse(spec, 32), observation[None], zero, key, None)
    features = {k: [(a[0], tuple(t[0] for t in b)) for a, b in v] for k, v in made.features.items()}
    visible = None if made.visible is None else made.visible[0]
    noise = None if made.noise is None else made.noise[0]
    return Target(made.observation[0], features, made.tolerance[0], visible, noise)


def halved(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x) // 2, 2, len(x) // 2, 2, 3).mean(axis=(1, 3))


@pytest.mark.parametrize(("size", "wanted"), [(None, [64, 32, 16]), (40, [32, 16]), (8, [16])])
def test_levels(size: int | None, wanted: list[int]):
    x = random_image(64)
    found = levels(jnp.asarray(x), size)
    assert [len(level) for level in found] == wanted
    np.testing.assert_allclose(found[-1], halved(halved(x)), atol=1e-6)
    # What is too small is enlarged, what is gray is taken as RGB.
    (small,) = levels(jnp.asarray(x[:4, :4, :1]), size)
    enlarged = np.kron(x[:4, :4, :1], np.ones((4, 4, 1)))
    np.testing.assert_allclose(small, np.repeat(enlarged, 3, axis=2), atol=1e-6)


def test_it_is_the_sum_over_sizes():
    one, other = random_image(32), random_image(32, 1)
    losses = losses_of(one, target_of("identity", other), PYRAMID, networks=NETWORKS)
    distance = NETWORKS["lpips_vgg"]
    pairs = [(one, other), (halved(one), halved(other))]
    total = sum(float(distance((a + 1) / 2, (b + 1) / 2)) for a, b in pairs)
    total += 0.1 * np.abs(pairs[-1][0] - pairs[-1][1]).mean()
    np.testing.assert_allclose(losses.total, 0.5 * total, rtol=1e-4)
    np.testing.assert_allclose(losses.error, np.mean((one - other) ** 2), rtol=1e-5)


def test_holes_show_the_same_on_both_sides():
    one, mask = random_image(32), parse("mask:center:16", 32)
    seen = np.asarray(mask(jnp.asarray(one)))
    target = target_of("mask:center:16", seen)
    assert losses_of(one, target, PYRAMID, mask, NETWORKS).total < 1e-5
    # And nobody sees what is drawn there.
    largest = target.features["lpips_vgg"][0][0]
    assert np.std(largest[8:24, 8:24]) > 0.4
    np.testing.assert_array_equal(largest[:8], one[:8])


def test_noise_is_compared_with_noise():
    """An observation with the very noise that is predicted has no distance from the truth."""
    chain, one = parse("noise:0.2|mask:center:8", 32), 0.5 * random_image(32)
    for key, least, most in ((0, 0.0, 1e-5), (7, 0.05, 9.0)):
        seen = np.asarray(chain.simulate(jnp.asarray(one), seeded_key(key)))
        target = target_of("noise:0.2|mask:center:8", seen)
        assert least <= losses_of(one, target, PYRAMID, chain, NETWORKS).total < most


def test_noise_of_an_unknown_level_is_predicted_at_the_level_that_is_told():
    chain, one = parse("noise:auto|mask:center:8", 32), np.zeros((32, 32, 3), np.float32)
    known = np.asarray(chain.support)
    for sigma in (0.05, 0.2):
        noise = jax.random.normal(jax.random.fold_in(jax.random.key(0), NOISE), one.shape)
        seen = np.asarray(2 * sigma * noise * known)
        target = target_of("noise:auto|mask:center:8", seen)
        assert target.noise is not None
        np.testing.assert_allclose(target.noise, 2 * sigma, rtol=0.1)
        np.testing.assert_allclose(target.tolerance, target.noise**2 * known.mean(), rtol=1e-5)
        same = losses_of(one, target, PYRAMID, chain, NETWORKS).total
        other = target._replace(noise=2 * target.noise)
        assert same < 0.1 * losses_of(one, other, PYRAMID, chain, NETWORKS).total
    assert target_of("noise:0.1", one).noise is None


def test_dead_pixels_do_not_count_in_the_error():
    drop, one = parse("drop:0.5", 32), 0.5 * random_image(32)
    seen = np.asarray(drop.simulate(jnp.asarray(one), seeded_key(3)))
    target = target_of("drop:0.5", seen, {})
    assert losses_of(one, target, Phase(1), drop).total < 1e-10
    changed = losses_of(one + 0.1, target, Phase(1), drop).total
    assert changed == pytest.approx(0.005, rel=0.1)


def test_the_noise_of_photons_ends_an_optimisation():
    poisson, one = parse("poisson:24", 32), random_image(32)
    seen = np.asarray(poisson.simulate(jnp.asarray(one), seeded_key(3)))
    noise = float(poisson.noise_error(jnp.asarray(seen)))
    target = target_of("poisson:24", seen, {})
    assert target.tolerance == pytest.approx(noise, rel=1e-5)
    assert losses_of(one, target, Phase(1), poisson).error == pytest.approx(noise, rel=0.1)
