"""What images are compared with, and how closely."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from runs import RECIPE

from mgp_jax.degradations import parse
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator
from mgp_jax.inversion import check_observations, image_keys, invert, pose, resolve
from mgp_jax.recipes import Phase, Recipe


@pytest.mark.parametrize(
    ("spec", "psnr", "expected"),
    [
        ("identity", None, 0.0),
        ("identity", 30.0, 4e-3),
        ("noise:0.1", None, 0.04),
        ("noise:0.1", 10.0, 0.4),
        ("noise:0.1", 30.0, 0.04),
        ("mask:center:16|noise:0.1", None, 0.04 * 0.75),
        ("gray|down:2|noise:0.05", None, 0.01),
        ("mask:center:16", None, 0.0),
        ("quantise:8", None, (2 / 255) ** 2 / 12),
        ("noise:0.1|quantise:8", None, 0.04 + (2 / 255) ** 2 / 12),
    ],
)
def test_noise_is_not_fitted(tiny: Generator, spec: str, psnr: float | None, expected: float):
    """Images in [-1, 1] have twice the noise; holes of a mask have none."""
    degradation = parse(spec, 32)
    observation = jnp.zeros((2, *degradation.observation_shape((32, 32, 3))))
    problem = pose(resolve(tiny, degradation, RECIPE, target_psnr=psnr), observation)
    np.testing.assert_allclose(problem.target.tolerance, [expected] * 2, rtol=1e-5)


def test_each_image_tells_the_noise_that_is_not_fitted(tiny: Generator):
    chain = parse("noise:auto", 32)
    noise = np.random.default_rng(0).standard_normal((2, 32, 32, 3)).astype(np.float32)
    observed = noise * np.array([0.1, 2.0], np.float32)[:, None, None, None]
    inversion = resolve(tiny, chain, RECIPE)
    # However noisy it may be, it is in range.
    target = pose(inversion, check_observations(inversion, observed)).target
    np.testing.assert_allclose(target.tolerance, [0.01, 4], rtol=0.1)
    np.testing.assert_allclose(np.asarray(target.noise) ** 2, target.tolerance, rtol=1e-5)
    scattered = resolve(tiny, parse("mask:random:0.9|noise:auto", 32), RECIPE)
    with pytest.raises(SettingError, match="too few pixels side by side"):
        check_observations(scattered, observed)


def test_features_are_computed_once_and_only_where_wanted(tiny: Generator, extractor, photographs):
    observed, networks = jnp.asarray(photographs), {"vgg": extractor}
    bare = pose(resolve(tiny, recipe=RECIPE, networks=networks), observed)
    assert bare.given.networks == {} and bare.target.features == {}
    for size in (None, 16):
        phases = (Phase(1), Phase(1, perceptual=0.1, perceptual_size=size))
        recipe = Recipe("features", phases)
        problem = pose(resolve(tiny, recipe=recipe, networks=networks), observed)
        (seen,) = problem.target.features.values()
        expected = extractor(observed[1], size)
        np.testing.assert_allclose(seen[1], expected, rtol=1e-5, atol=1e-6)
    # Compressed sensing observes no image, so there is nothing to look at.
    sensing = parse("cs:0.1", 32)
    measured = jnp.zeros((2, *sensing.observation_shape((32, 32, 3))))
    problem = pose(resolve(tiny, sensing, recipe, networks=networks), measured)
    assert problem.target.features == {}


@pytest.mark.parametrize("shape", [(3, 16, 16, 3), (3, 32, 32, 1), (32, 32, 3), (3, 32, 32)])
def test_observations_of_another_shape_are_refused(tiny: Generator, shape):
    with pytest.raises(SettingError, match=r"observations: .* float\[B, 32, 32, 3\] is needed"):
        invert(tiny, np.zeros(shape), recipe=RECIPE)
    if shape == (3, 32, 32, 1):
        with pytest.raises(SettingError, match=r"where float\[B, 16, 16, 3\] is needed"):
            invert(tiny, np.zeros(shape), parse("down:2", 32), RECIPE)


def test_keys_belong_to_images_and_starts():
    data = jax.random.key_data
    for starts in (1, 4):
        batch = data(image_keys(5, range(3), starts)).reshape(3, starts, -1)
        for index in range(3):
            np.testing.assert_array_equal(data(image_keys(5, [index], starts)), batch[index])
    many = np.asarray(data(image_keys(5, range(20), 5)))
    assert len({tuple(key) for key in many.tolist()}) == 100
    # A start keeps its key when there are more of them.
    np.testing.assert_array_equal(data(image_keys(5, range(3))), many.reshape(20, 5, -1)[:3, 0])
    assert (data(image_keys(6, [0])) != data(image_keys(5, [0]))).any()
