"""What images are compared with, and how closely."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from runs import CONFIG

from mgp_jax.degradations import Identity, parse
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator
from mgp_jax.inversion import InversionConfig, invert, pose, settings
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
    ],
)
def test_noise_is_not_fitted(tiny: Generator, spec: str, psnr: float | None, expected: float):
    """Images in [-1, 1] have twice the noise; holes of a mask have none."""
    degradation = parse(spec, 32)
    config = dataclasses.replace(CONFIG, target_psnr=psnr)
    observation = jnp.zeros((2, *degradation.observation_shape((32, 32, 3))))
    problem = pose(observation, tiny, settings(tiny, config), config, degradation, None)
    np.testing.assert_allclose(problem.target.tolerance, [expected] * 2, rtol=1e-5)


def test_features_are_computed_once_and_only_where_wanted(tiny: Generator, extractor, photographs):
    observed = jnp.asarray(photographs)
    bare = pose(observed, tiny, settings(tiny, CONFIG), CONFIG, Identity(), extractor)
    assert bare.extractor is None and bare.target.features is None
    phases = (Phase(1), Phase(1, perceptual=0.1))
    config = InversionConfig(recipe=Recipe("features", phases))
    problem = pose(observed, tiny, settings(tiny, config), config, Identity(), extractor)
    assert problem.target.features is not None
    np.testing.assert_allclose(
        problem.target.features[1], extractor(observed[1]), rtol=1e-5, atol=1e-6
    )
    # Compressed sensing observes no image, so there is nothing to look at.
    sensing = parse("cs:0.1", 32)
    measured = jnp.zeros((2, *sensing.observation_shape((32, 32, 3))))
    problem = pose(measured, tiny, settings(tiny, config), config, sensing, extractor)
    assert problem.target.features is None


@pytest.mark.parametrize("shape", [(3, 16, 16, 3), (3, 32, 32, 1), (32, 32, 3), (3, 32, 32)])
def test_observations_of_another_shape_are_refused(tiny: Generator, shape):
    with pytest.raises(SettingError, match=r"the degradation makes \[32, 32, 3\]"):
        invert(tiny, np.zeros(shape), CONFIG)
    if shape == (3, 32, 32, 1):
        with pytest.raises(SettingError, match=r"the degradation makes \[16, 16, 3\]"):
            invert(tiny, np.zeros(shape), CONFIG, parse("down:2", 32))
