"""Every degradation against the same table of properties."""

import itertools
import re
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from operators import (
    CASES,
    SHAPE,
    SIZE,
    apply,
    apply_all,
    batch,
    each,
    each_linear,
    images,
    prepare,
    simulate,
    transpose,
)

from mgp_jax.degradations import (
    Blur,
    CompressedSensing,
    Downsample,
    Grayscale,
    Impulse,
    Jpeg,
    Mask,
    Noise,
    operators_of,
    parse,
)
from mgp_jax.errors import SettingError


@each
def test_shape_dtype_and_range(case):
    degradation = parse(case.spec, SIZE)
    assert degradation.observation_shape(SHAPE) == case.shape
    observations = apply_all(degradation, batch())
    assert observations.shape == (4, *case.shape)
    assert observations.dtype == jnp.float32
    assert np.abs(observations).max() <= case.bound + 1e-5


@each
def test_text_form_is_canonical(case):
    degradation = parse(case.spec, SIZE)
    assert str(degradation) == case.spec
    again = parse(str(degradation), SIZE)
    assert jax.tree.structure(again) == jax.tree.structure(degradation)
    for a, b in zip(jax.tree.leaves(again), jax.tree.leaves(degradation), strict=True):
        np.testing.assert_array_equal(a, b)


def test_structures_tell_operators_apart():
    # Equal structures whose hashes fall together would share one compiled program.
    degradations = [parse(case.spec, SIZE) for case in CASES]
    for one, two in itertools.combinations(degradations, 2):
        if jax.tree.structure(one) == jax.tree.structure(two):
            names = [[type(operator) for operator in operators_of(x)] for x in (one, two)]
            assert names[0] == names[1], (str(one), str(two))


@each
def test_vmap_equals_loop(case):
    degradation = parse(case.spec, SIZE)
    one_by_one = [apply(degradation, image) for image in batch()]
    np.testing.assert_allclose(apply_all(degradation, batch()), one_by_one, atol=1e-5)


@each
def test_arrays_are_no_constants_of_the_program(case):
    degradation = parse(case.spec, SIZE)
    (image,) = images()
    closed = jax.make_jaxpr(lambda d, x: d(x))(degradation, image)
    assert sum(np.size(c) for c in closed.consts) <= 512  # The tables of JPEG at most.


def test_nothing_compiles_again_for_other_values():
    traces = []

    @jax.jit
    def traced(degradation, image):
        traces.append(degradation)
        return degradation(image)

    (image,) = images()
    for family in (
        [Mask.random(0.5, SHAPE, seed) for seed in (0, 1)] + [Mask.center(8, SHAPE)],
        [Impulse.random(0.5, SHAPE, seed) for seed in (0, 1)],
        [Blur.motion(9, angle) for angle in (0, 30)] + [Blur.from_kernel(np.eye(9))],
        [CompressedSensing.random(0.1, SHAPE, seed) for seed in (0, 1)],
        [parse(f"gray|mask:random:0.5:seed={seed}|down:2", SIZE) for seed in (0, 1)],
    ):
        traces.clear()
        results = [traced(degradation, image) for degradation in family]
        assert len(traces) == 1
        np.testing.assert_allclose(results[1], apply(family[1], image), atol=1e-5)
        assert not np.allclose(results[0], results[1])


@each
def test_simulate(case):
    degradation = parse(case.spec, SIZE)
    assert degradation.sigma == pytest.approx(case.sigma)
    (image,) = images()
    key = jax.random.key(5)
    if degradation.blind:
        with pytest.raises(SettingError, match="unknown level"):
            degradation.simulate(jnp.asarray(image), key)
        return
    one, two = simulate(degradation, image, key), simulate(degradation, image, key)
    assert one.shape == case.shape and one.dtype == jnp.float32
    np.testing.assert_array_equal(one, two)
    clean = np.asarray(apply(degradation, image))
    difference = np.asarray(prepare(degradation, one)) - clean
    known = np.broadcast_to(degradation.visible(one), case.shape) > 0
    if not degradation.reveals:
        assert not difference[~known].any()
    if case.sigma == 0:
        np.testing.assert_allclose(difference[known], 0, atol=1e-6)
    elif not degradation.reveals and "jpeg" not in case.spec:
        draws = [simulate(degradation, image, jax.random.fold_in(key, k)) for k in range(50)]
        deviation = (np.asarray(draws) - clean)[:, known]
        np.testing.assert_allclose(deviation.std() / 2, case.sigma, rtol=0.04)
        assert abs(deviation.mean()) < 0.1 * case.sigma
        # Another key, other noise; the error of rounding alone is the same.
        alone = np.isclose(case.sigma, degradation.step / 2 / 12**0.5)
        correlation = np.corrcoef(deviation[:2])[0, 1]
        assert correlation == pytest.approx(1) if alone else abs(correlation) < 0.3


@each_linear
def test_linear_with_adjoint(case):
    degradation = parse(case.spec, SIZE)
    assert degradation.linear
    with jax.enable_x64(True):
        x, z = images(2).astype(np.float64)
        y = np.random.default_rng(1).normal(size=case.shape)
        a, b = apply(degradation, x), apply(degradation, z)
        assert a.dtype == np.float64
        combined = apply(degradation, 2 * x - 3 * z)
        np.testing.assert_allclose(combined, 2 * np.asarray(a) - 3 * np.asarray(b), atol=1e-9)
        back = transpose(degradation, y, SHAPE)
        np.testing.assert_allclose(np.vdot(a, y), np.vdot(x, back), rtol=1e-6)
        # Reverse mode must work too, and the gradient of a linear function is its adjoint.
        gradient = jax.jit(jax.grad(lambda v, d: jnp.vdot(d(v), y)))(x, degradation)
        np.testing.assert_allclose(gradient, back, atol=1e-9)


def test_wrong_arrays_are_refused():
    ones = np.ones((4, 4))
    for known, problem in (
        (ones, "no pixel is missing"),
        (0 * ones, "no pixel is known"),
        (0.5 * ones, "only 0"),
        (np.eye(4)[None, None], "shape"),
        (np.full((4, 4), np.nan), "only 0"),
    ):
        with pytest.raises(SettingError, match=problem):
            Mask.from_array(known)
    for kernel, problem in (
        (np.ones((2, 3)), "odd"),
        (np.ones(3), "odd"),
        (np.zeros((3, 3)), "positive sum"),
        (np.full((3, 3), np.inf), "finite"),
    ):
        with pytest.raises(SettingError, match=problem):
            Blur.from_kernel(kernel)


def test_misfits_are_refused_when_applied():
    for degradation, image, problem in (
        (Mask.center(8, SHAPE), np.zeros((16, 16, 3)), "32x32 pixels does not fit .* 16x16"),
        (Downsample(5), np.zeros(SHAPE), "does not divide"),
        (Downsample(2, "bicubic"), np.zeros((1, *SHAPE)), "needs an image"),
        (Grayscale(), np.zeros((8, 8, 1)), "3 channels, not 1"),
        (CompressedSensing.random(0.5, SHAPE), np.zeros((8, 8, 3)), "3072 values"),
        (Jpeg(50), np.zeros((8, 8, 2)), "1 or 3 channels, not 2"),
    ):
        with pytest.raises(SettingError, match=problem):
            degradation(jnp.asarray(image, jnp.float32))
    with pytest.raises(SettingError, match="must be one of area"):
        Downsample(2, "cubic")


def test_equality_of_settings():
    assert Downsample(4) == Downsample(4) != Downsample(4, "bicubic")
    assert replace(Noise(0.1), level=0.2) == Noise(0.2)
    assert len({Jpeg(30), Jpeg(30), Jpeg(31)}) == 2
    assert re.fullmatch("noise:0.1", str(Noise(0.1)))
