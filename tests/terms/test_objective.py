"""What is minimised, term by term against numpy, and its gradient."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mgp_jax.objective import Target, autocorrelation, code_terms, data_terms
from networks import untrained

from mgp_jax.codes import Codes, fuse, render_fused
from mgp_jax.degradations import Degradation, parse
from mgp_jax.generators import DCGANConfig
from mgp_jax.generators.weights import Weights
from mgp_jax.inversion import Problem, Setting, evaluate
from mgp_jax.perception import FeatureExtractor, make_extractor
from mgp_jax.recipes import Phase

IMPORTANCE = 0.25


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    """A VGG of two small blocks, each of one convolution."""
    layers = {"conv1_1": (3, 4), "conv2_1": (4, 6)}
    params = {
        name: {"kernel": random(3, 3, *sizes, seed=k) / 3, "bias": random(sizes[1], seed=k)}
        for k, (name, sizes) in enumerate(layers.items(), 1)
    }
    return make_extractor(Weights("vgg16", {"layers": [[4], [6]]}, params, {}, ""))


def target_of(
    observation: np.ndarray, extractor: FeatureExtractor | None = None, size=None
) -> Target:
    features = None if extractor is None else extractor(jnp.asarray(observation), size)
    return Target(jnp.asarray(observation), features, jnp.zeros(()))


@pytest.mark.parametrize("spec", ["identity", "gray", "down:2", "mask:center:4", "cs:0.25"])
def test_the_image_is_seen_through_the_degradation(spec: str):
    degradation = parse(spec, 16)
    image, other = random(16, 16, 3), random(16, 16, 3, seed=1)
    observation = np.asarray(degradation(jnp.asarray(other)))
    losses = data_terms(
        jnp.asarray(image), target_of(observation), Phase(1, pixel=0.5), degradation, None
    )
    error = np.mean((np.asarray(degradation(jnp.asarray(image))) - observation) ** 2)
    np.testing.assert_allclose(losses.error, error, rtol=1e-5)
    np.testing.assert_allclose(losses.total, 0.5 * error, rtol=1e-5)
    # The image that was degraded explains its observation.
    known = data_terms(jnp.asarray(other), target_of(observation), Phase(1), degradation, None)
    assert known.total <= 1e-12


@pytest.mark.parametrize("size", [None, 8])
def test_features_are_weighted_with_the_absolute_difference(extractor, size):
    image, other = random(16, 16, 3), random(16, 16, 3, seed=1)
    phase = Phase(1, pixel=2.0, perceptual=0.3, perceptual_size=size)
    losses = data_terms(
        jnp.asarray(image),
        target_of(other, extractor, size),
        phase,
        parse("identity", 16),
        extractor,
    )
    features = [np.asarray(extractor(jnp.asarray(x), size)) for x in (image, other)]
    assert features[0].shape == ((8, 8, 6) if size is None else (4, 4, 6))
    error = np.mean((image - other) ** 2)
    expected = 2 * error + 0.3 * np.mean(np.abs(features[0] - features[1]))
    np.testing.assert_allclose(losses.total, expected, rtol=1e-5)
    np.testing.assert_allclose(losses.error, error, rtol=1e-5)


def test_gray_observations_have_features_too(extractor):
    image = jnp.asarray(random(16, 16, 3))
    gray = parse("gray", 16)
    target = target_of(np.zeros((16, 16, 1), np.float32), extractor)
    phase = Phase(1, pixel=0, perceptual=1.0)
    losses = data_terms(image, target, phase, gray, extractor)
    as_rgb = jnp.repeat(gray(image), 3, axis=2)
    expected = jnp.mean(jnp.abs(extractor(as_rgb) - extractor(jnp.zeros((16, 16, 3)))))
    np.testing.assert_allclose(losses.total, expected, rtol=1e-5)


def codes_with(**fields) -> Codes:
    z, alpha = random(4, 5), random(4, 6, seed=1)
    return Codes(**({"z": z, "alpha": alpha} | fields))


def test_prior_of_the_codes():
    codes = codes_with()
    total = code_terms(codes, Phase(1, prior=0.1), IMPORTANCE, None)
    spread = np.mean((codes.alpha / IMPORTANCE - 1) ** 2)
    np.testing.assert_allclose(total, 0.1 * (np.mean(codes.z**2) + spread), rtol=1e-5)
    start = codes_with(z=np.zeros((4, 5)), alpha=np.full((4, 6), IMPORTANCE))
    assert code_terms(start, Phase(1, prior=0.1), IMPORTANCE, None) == 0


def test_tether_of_the_residual():
    residual, anchor = random(4, 4, 6), random(4, 4, 6, seed=1)
    phase = Phase(1, tether=0.5)
    total = code_terms(codes_with(residual=residual), phase, IMPORTANCE, anchor)
    expected = 0.5 * np.mean(residual**2) / np.mean(anchor**2)
    np.testing.assert_allclose(total, expected, rtol=1e-5)
    # Of several maps, all pixels count the same.
    pair, anchors = (residual, random(8, 8, 3, seed=2)), (anchor, random(8, 8, 3, seed=3))
    total = code_terms(codes_with(residual=pair), phase, IMPORTANCE, anchors)
    flat = [np.concatenate([x.ravel() for x in maps]) for maps in (pair, anchors)]
    expected = 0.5 * np.mean(flat[0] ** 2) / np.mean(flat[1] ** 2)
    np.testing.assert_allclose(total, expected, rtol=1e-5)
    assert code_terms(codes_with(), phase, IMPORTANCE, anchor) == 0


def test_unweighted_terms_are_left_out():
    codes = codes_with(residual=random(4, 4, 6), noise={"layer0": random(1, 16, 16, 1)})
    assert code_terms(codes, Phase(1), IMPORTANCE, random(4, 4, 6)) == 0


def test_noise_regularization():
    noise = {"layer0": random(1, 4, 4, 1), "layer1": random(1, 16, 16, 1, seed=1)}
    total = code_terms(
        codes_with(noise=noise), Phase(1, noise_regularization=3.0), IMPORTANCE, None
    )

    def correlation(x: np.ndarray) -> float:
        steps = ((1, 0), (0, 1))
        return float(sum(np.mean(x * np.roll(x, step, (0, 1))) ** 2 for step in steps))

    small, large = noise["layer0"][0, ..., 0], noise["layer1"][0, ..., 0]
    half = large.reshape(8, 2, 8, 2).mean((1, 3)) * 2
    expected = 3 * (correlation(small) + correlation(large) + correlation(half))
    np.testing.assert_allclose(total, expected, rtol=1e-4)
    # White noise is hardly penalised, smooth noise much.
    assert autocorrelation(jnp.asarray(random(1, 64, 64, 1))) < 0.1
    assert autocorrelation(jnp.ones((1, 64, 64, 1))) > 2


def test_gradient_equals_finite_differences(extractor: FeatureExtractor):
    """All terms together, with respect to every variable, in double precision."""
    generator = untrained(DCGANConfig(4, (6, 4)), seed=2)
    degradation: Degradation = parse("gray|down:2", 16)
    phase = Phase(
        1, moves=("z", "alpha", "residual"), pixel=2.0, perceptual=0.1, prior=0.03, tether=0.1
    )
    setting = Setting(phase, 2, "z", 1 / 3, None)
    with jax.enable_x64(True):
        double = lambda tree: jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), tree)  # noqa: E731
        generator = dataclasses.replace(generator, params=double(generator.params))
        extractor = double(extractor)
        codes = double(Codes(random(3, 4), random(3, 4, seed=1), residual=random(8, 8, 4, seed=2)))
        anchor = double(random(8, 8, 4, seed=3))
        held: Any = SimpleNamespace(features=None, anchor=anchor)
        observation = degradation(double(np.tanh(random(16, 16, 3, seed=4))))
        target = Target(observation, extractor(observation), jnp.zeros(()))
        problem = Problem(generator, degradation, extractor, target)

        # What is composed comes from the codes as long as they move, and from the anchor otherwise.
        for moves, fused in (
            (phase.moves, fuse(generator, codes, setting.cut)),
            (("residual",), anchor),
            (("residual", "alpha"), fuse(generator, codes, setting.cut)),
        ):
            some = dataclasses.replace(setting, phase=dataclasses.replace(phase, moves=moves))
            _, losses = evaluate(problem, target, held, codes, some)
            seen = degradation(render_fused(generator, fused, codes, setting.cut))
            np.testing.assert_allclose(losses.error, np.mean((seen - observation) ** 2), rtol=1e-9)

        @jax.jit
        def objective(codes: Codes) -> jax.Array:
            return evaluate(problem, target, held, codes, setting)[0]

        value, gradient = jax.jit(jax.value_and_grad(objective))(codes)
        assert value.dtype == np.float64
        for field in ("z", "alpha", "residual"):
            assert np.abs(getattr(gradient, field)).max() > 1e-4
            for seed in range(3):
                way = np.random.default_rng(seed).normal(size=getattr(codes, field).shape)
                ahead, back = (
                    objective(codes._replace(**{field: getattr(codes, field) + step * way}))
                    for step in (1e-6, -1e-6)
                )
                slope = np.sum(getattr(gradient, field) * way)
                np.testing.assert_allclose((ahead - back) / 2e-6, slope, rtol=1e-5, atol=1e-8)
