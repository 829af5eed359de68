"""Photons that are counted, and pixels that are dead."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from operators import SHAPE, SIZE

from mgp_jax.degradations import Degradation, Drop, Poisson, parse
from mgp_jax.errors import SettingError

# As many draws of one image as tell means to a few per cent.
COUNT = 100
simulate = jax.jit(jax.vmap(lambda d, x, key: d.simulate(x, key), (None, None, 0)))
predict = jax.jit(jax.vmap(lambda d, x, key: d.predict(x, key), (None, None, 0)))
misfits = jax.jit(jax.vmap(lambda d, x, y: d.misfit(x, y), (None, None, 0)))
known_misfits = jax.jit(jax.vmap(lambda d, x, y: d.visible(y) * d.misfit(d(x), y), (None, None, 0)))
errors = jax.jit(jax.vmap(lambda d, y: d.noise_error(y), (None, 0)))


def ramp(low: float = -1.0, high: float = 1.0) -> jax.Array:
    return jnp.broadcast_to(jnp.linspace(low, high, SIZE)[:, None, None], SHAPE)


def keys() -> jax.Array:
    return jax.random.split(jax.random.key(0), COUNT)


@pytest.mark.parametrize("draw", [simulate, predict])
def test_bright_pixels_are_noisier(draw):
    image, poisson = ramp(), Poisson.of(24)
    draws = np.asarray(draw(poisson, image, keys()))
    deviation = draws.std(axis=(0, 2, 3))
    # Of v + 1 = 2 n / peak, n photons: the variance is 2 (v + 1) / peak.
    expected = np.sqrt(2 * (np.asarray(image)[:, 0, 0] + 1) / 24)
    np.testing.assert_allclose(deviation[2:], expected[2:], rtol=0.05)
    np.testing.assert_allclose(draws.mean(axis=(0, 2, 3)), image[:, 0, 0], atol=0.01)
    # The darkest pixel has no light, so no noise either.
    assert deviation[0] < 0.01


def test_photons_are_whole():
    counted = (simulate(Poisson.of(24), ramp(), keys()[:1]) + 1) * 12
    np.testing.assert_allclose(counted, np.round(counted), atol=1e-4)


@pytest.mark.parametrize("spec", ["poisson:24", "poisson:6", "poisson:24|noise:0.05"])
def test_the_data_term_is_least_at_the_truth_and_then_that_of_the_noise(spec: str):
    degradation, image = parse(spec, SIZE), ramp(-0.9, 0.9)
    seen = simulate(degradation, image, keys())
    # Two exact statements of a Poisson distribution, whose three eighths of a photon cost little.
    at_truth = np.mean(misfits(degradation, image, seen))
    np.testing.assert_allclose(at_truth, np.mean(errors(degradation, seen)), rtol=0.06)
    for change in (0.1, -0.1):
        assert np.mean(misfits(degradation, image + change, seen)) > at_truth + 0.005
    # Half of the difference counts more in the dark than in the light.
    wrong = np.mean(misfits(degradation, image + 0.1, image[None])[0], axis=(1, 2))
    assert wrong[0] > 2 * wrong[-1] > 0
    # Where the rendering is blacker than black its gradient still says: brighter.
    slope = jax.grad(lambda x: jnp.sum(degradation.misfit(x, image)))(jnp.full(SHAPE, -1.1))
    assert np.all(slope < 0) and np.isfinite(slope).all()


def test_noise_that_is_alike_everywhere_has_squares():
    noise, image = parse("noise:0.1", SIZE), ramp()
    np.testing.assert_allclose(noise.misfit(image, 0 * image), image**2, atol=1e-6)
    np.testing.assert_allclose(noise.noise_error(1.1 * image), 0.04, rtol=1e-5)


@pytest.mark.parametrize("spec", ["noise:0.05", "noise:0.2", "poisson:24", "poisson:12|drop:0.3"])
def test_of_noise_that_a_file_has_clipped_less_is_expected(spec: str):
    degradation, image = parse(spec, SIZE), ramp(-0.7, 1.0)
    seen = simulate(degradation, image, keys())
    clipped = jnp.clip(seen, -1, 1)
    at_truth = np.mean(known_misfits(degradation, image, clipped))
    found = np.mean(errors(degradation, clipped))
    np.testing.assert_allclose(found, at_truth, rtol=0.1)
    assert found < 0.995 * np.mean(errors(degradation, seen))


def test_pixels_that_tell_nothing_weigh_nothing():
    """Dead ones are black; what photons there are is compared on the scale of all."""
    alone, dropped = (parse(spec, SIZE) for spec in ("poisson:24", "poisson:24|drop:0.5"))
    image = ramp(-0.5, 0.9)
    seen = simulate(dropped, image, keys())
    at_truth = np.mean(known_misfits(dropped, image, seen))
    np.testing.assert_allclose(np.mean(errors(dropped, seen)), at_truth, rtol=0.06)
    whole = np.mean(errors(alone, simulate(alone, image, keys())))
    assert np.mean(errors(dropped, seen)) < 0.4 * whole


def test_dead_pixels_are_found_and_do_not_count():
    image, drop = ramp(-0.5, 0.9), Drop.of(0.3)
    seen = simulate(drop, image, keys()[:8])
    dead = np.all(np.asarray(seen) == -1, axis=-1)
    assert dead.mean() == pytest.approx(0.3, abs=0.02)
    np.testing.assert_array_equal(jax.vmap(drop.visible)(seen)[..., 0], ~dead)
    np.testing.assert_array_equal(
        np.asarray(seen)[~dead], np.broadcast_to(image, seen.shape)[~dead]
    )
    assert np.any(dead[0] != dead[1])
    # What survives has the gradient of the image, what is dead has none.
    slope = jax.grad(lambda x: jnp.sum(drop.predict(x, keys()[0])))(image)
    assert set(np.unique(slope)) == {0.0, 1.0}


def test_what_mixes_pixels_spreads_the_darkness_of_dead_ones():
    image = ramp(-0.5, 0.9)
    alone, mixed = parse("drop:0.3", SIZE), parse("drop:0.3|jpeg:95:444", SIZE)
    np.testing.assert_array_equal(alone(image), image)
    assert alone.reveals and not mixed.reveals
    mean = np.mean(simulate(mixed, image, keys()[:100]), axis=0)
    np.testing.assert_allclose(mixed(image).mean(), mean.mean(), atol=0.02)
    assert mixed(image).mean() < image.mean() - 0.2


def test_strengths_are_data():
    traces = []

    @jax.jit
    def traced(degradation: Degradation) -> jax.Array:
        traces.append(degradation)
        return degradation.simulate(ramp(), jax.random.key(0))

    form = "poisson:{}|drop:{}|jpeg:{}|mask:strokes:{}"
    results = [
        traced(parse(form.format(*strengths), SIZE))
        for strengths in ((96, 0.04, 18, 1), (6, 0.64, 6, 17))
    ]
    assert len(traces) == 1 and not np.allclose(*results)


@pytest.mark.parametrize("spec", ["poisson:0", "poisson:-3", "drop:0", "drop:1.5", "poisson:much"])
def test_wrong_settings(spec: str):
    with pytest.raises(SettingError, match="must be"):
        parse(spec, SIZE)
