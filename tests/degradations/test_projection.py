"""Images that agree with an observation: by back-projection, and the smoothest one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from operators import SHAPE, SIZE, apply, each_linear, images, norm, prepare, project

from mgp_jax.degradations import (
    Blur,
    Downsample,
    Grayscale,
    Identity,
    Jpeg,
    Mask,
    back_project,
    laplacian,
    parse,
    smoothest,
)
from mgp_jax.errors import SettingError


@each_linear
def test_back_projection(case):
    degradation = parse(case.spec, SIZE)
    truth, start = images(2)
    observation = np.asarray(apply(degradation, truth))
    result = np.asarray(project(degradation, start, observation))
    before = np.abs(apply(degradation, start) - observation).max()
    after = np.abs(apply(degradation, result) - observation).max()
    assert after < (1e-4 if case.exact else 0.1 * before)
    # Every step leads towards the truth, which is one of the images that fit.
    assert norm(result - truth) < norm(start - truth) + 1e-5
    np.testing.assert_allclose(project(degradation, truth, observation), truth, atol=1e-5)
    # No image explains this observation if holes were mixed in; then it is approached.
    impossible = np.ones_like(observation)
    result = project(degradation, start, impossible)
    wanted = np.asarray(prepare(degradation, impossible))
    before = norm(apply(degradation, start) - wanted)
    assert norm(apply(degradation, result) - wanted) <= before + 1e-5


def test_back_projection_keeps_what_is_not_observed():
    truth, start = images(2)
    mask = Mask.random(0.5, SHAPE)
    known = np.asarray(mask.known) > 0
    result = project(mask, start, np.where(known, truth, np.float32(7)))
    np.testing.assert_allclose(result, np.where(known, truth, start), atol=1e-6)
    gray = project(Grayscale(), start, apply(Grayscale(), truth))
    np.testing.assert_allclose(  # The change is along the luminance weights.
        np.cross(np.asarray(gray) - start, (0.299, 0.587, 0.114)), 0, atol=1e-6
    )


def test_back_projection_damps_and_ends_early():
    truth, start = images(2)
    half = project(Identity(), start, truth, damping=1.0)
    np.testing.assert_allclose(half, (start + truth) / 2, atol=1e-6)
    blur = Blur.gaussian(2)
    observation = apply(blur, truth)
    few = project(blur, start, observation, iterations=2)
    many = project(blur, start, observation, iterations=20)
    assert norm(few - start) < norm(many - start)


def test_back_projection_refuses():
    (image,) = jnp.asarray(images())
    with pytest.raises(SettingError, match="not linear"):
        back_project(Jpeg(30), image, image)
    with pytest.raises(SettingError, match=r"\(32, 32, 3\), not \(8, 8, 3\)"):
        back_project(Downsample(4), image, image)


@pytest.mark.parametrize("spec", ["down:4", "mask:random:0.8", "gray", "cs:0.1"])
def test_the_smoothest_image_explains_the_observation(spec: str):
    degradation = parse(spec, SIZE)
    truth = scipy.ndimage.gaussian_filter(images(1)[0], (4, 4, 0)) * 4
    observation = apply(degradation, truth)
    found = jax.jit(smoothest, static_argnums=2)(degradation, observation, SHAPE)
    assert norm(apply(degradation, found) - observation) < 0.2 * norm(observation)
    assert norm(laplacian(found)) <= norm(laplacian(truth)) * 1.01
