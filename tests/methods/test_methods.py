"""Baselines on problems whose optimum is known: a broken optimiser would miss it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mgp_jax.baselines.encoder import (
    Encoder,
    encode,
    first_guess,
    load_encoder,
    save_encoder,
    train_encoder,
)
from mgp_jax.baselines.intermediate import BALL, enter, layers, moved, optimise_layers
from mgp_jax.baselines.methods import METHODS, Case
from mgp_jax.baselines.recipes import FEATURE_MAP
from mgp_jax.baselines.weights import fit_weights
from networks import untrained

from mgp_jax.codes import fuse
from mgp_jax.degradations import Identity, parse
from mgp_jax.errors import WeightsError
from mgp_jax.generators import DCGANConfig, Generator, StyleGAN2Config, generate, random_latents
from mgp_jax.inversion import InversionConfig, invert, within_ball

COUNT = 2
STEPS = 100


@pytest.fixture(scope="module")
def small() -> Generator:
    return untrained(DCGANConfig(8, (8, 4)), seed=1)


@pytest.fixture(scope="module")
def truths(small: Generator) -> np.ndarray:
    return generate(small, random_latents(small, COUNT, seed=3))


@pytest.fixture(scope="module")
def encoder(small: Generator) -> Encoder:
    losses: list[float] = []
    encoder = train_encoder(small, 60, on_step=lambda step, loss: losses.append(loss))
    assert len(losses) == 60 and np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    return encoder


def psnr(images: np.ndarray, truths: np.ndarray) -> np.ndarray:
    return -10 * np.log10(np.mean((images - truths) ** 2, (1, 2, 3)) / 4)


# An image that the generator renders is its own optimum. How near every method comes in 100 steps
# is stated with some room; a step of the wrong sign or size ends below 15 dB.
@pytest.mark.parametrize(
    ("name", "decibels"),
    [
        ("one-code", 25),
        ("encoder-optimised", 25),
        ("feature-map", 20),
        ("ilo", 25),
        ("pivotal", 25),
        ("dip", 20),
        ("codes-only", 20),
        ("multi-code", 20),
    ],
)
def test_known_optimum(
    small: Generator, encoder: Encoder, truths: np.ndarray, name: str, decibels: float
):
    case = Case(small, Identity(), jnp.asarray(truths), encoder, 0)
    restored = METHODS[name].restore(case, STEPS)
    assert restored.shape == truths.shape
    reached = psnr(restored, truths)
    assert reached.mean() > decibels, reached
    assert np.abs(restored).max() <= 1


def test_optimisation_leads_beyond_the_encoder(
    small: Generator, encoder: Encoder, truths: np.ndarray
):
    case = Case(small, Identity(), jnp.asarray(truths), encoder, 0)
    guess = psnr(METHODS["encoder"].restore(case, 0), truths)
    reached = psnr(METHODS["encoder-optimised"].restore(case, STEPS), truths)
    assert np.all(reached > guess + 5), (guess, reached)


def test_tuned_weights_lead_beyond_the_pivot(small: Generator):
    """The images are those of other weights: no code of the generator reaches them."""
    random = np.random.default_rng(0)
    others = jax.tree.map(lambda leaf: leaf * random.uniform(0.7, 1.3, leaf.shape), small.params)
    truths = np.asarray(small.apply(others, jnp.asarray(random_latents(small, COUNT, seed=3))))
    case = Case(small, Identity(), jnp.asarray(truths), None, 0)
    pivot = psnr(METHODS["one-code"].restore(case, STEPS // 2), truths)
    reached = psnr(METHODS["pivotal"].restore(case, STEPS), truths)
    assert np.all(reached > pivot + 3), (pivot, reached)


def test_free_maps_have_no_bound_and_balls_have(small: Generator, truths: np.ndarray):
    config = InversionConfig(recipe=FEATURE_MAP.with_steps(5))
    free = invert(small, truths, config)
    assert free.codes.residual is not None and np.abs(free.codes.residual).max() > 0.01
    result = optimise_layers(small, truths, Identity(), 40)
    cut = layers(small)[-1]
    codes = jax.tree.map(jnp.asarray, result.codes)
    for k in range(COUNT):
        one = jax.tree.map(lambda leaf, k=k: leaf[k], codes)
        centre = fuse(small, one, cut, str(cut))
        size = np.abs(one.residual).sum() / np.abs(centre).sum()
        assert 1e-4 < size <= BALL * (1 + 1e-5)


def test_what_is_carried_to_the_next_layer_renders_the_same(small: Generator):
    z = jax.random.normal(jax.random.key(0), (COUNT, 1, 8))
    codes = enter(small, z, 0, 1)
    codes = codes._replace(residual=0.1 * jnp.ones(codes.z.shape[:1] + codes.z.shape[2:]))
    maps = moved(small, codes, 1)
    np.testing.assert_allclose(maps, codes.z + 0.1, rtol=1e-6)
    image = jax.vmap(lambda h: small.apply(small.params, h, 1))(maps)
    later = enter(small, maps, 1, 2).z
    np.testing.assert_allclose(
        jax.vmap(lambda h: small.apply(small.params, h, 2))(later), image, atol=1e-6
    )


@pytest.mark.parametrize("radius", [0.05, 0.7, 100.0])
def test_the_ball_is_projected_on(radius: float):
    random = np.random.default_rng(0)
    residual, anchor = random.normal(size=(2, 4, 5, 3)).astype(np.float32)
    mine = np.asarray(within_ball(jnp.asarray(residual), radius, jnp.asarray(anchor)))
    # The nearest point of the ball is a soft threshold; the threshold is found by bisection.
    bound = radius * np.abs(anchor).sum()
    low, high = 0.0, float(np.abs(residual).max())
    for _ in range(60):
        middle = (low + high) / 2
        inside = np.maximum(np.abs(residual) - middle, 0).sum() <= bound
        low, high = (low, middle) if inside else (middle, high)
    expected = np.sign(residual) * np.maximum(np.abs(residual) - high, 0)
    np.testing.assert_allclose(mine, expected, atol=1e-5)


def linear(params: jax.Array, basis: jax.Array) -> jax.Array:
    return jnp.einsum("k,khwc->hwc", params, basis)


def test_weights_of_a_linear_network_reach_least_squares():
    random = np.random.default_rng(0)
    basis = random.normal(size=(2, 3, 4, 4, 3)).astype(np.float32)
    observed = random.normal(size=(2, 4, 4, 3)).astype(np.float32)
    mask = parse("mask:center:2", 4)
    images = fit_weights(linear, jnp.zeros(3), basis, mask(observed[0])[None], mask, 400, 0.1)
    known = np.asarray(mask.support)
    flat = (basis[0] * known).reshape(3, -1)
    best, *_ = np.linalg.lstsq(flat.T, (observed[0] * known).ravel(), rcond=None)
    np.testing.assert_allclose(images[0], np.einsum("k,khwc->hwc", best, basis[0]), atol=1e-3)


def test_a_fit_stops_at_the_noise():
    """Below the error of the noise it would fit the noise itself."""
    basis = np.ones((1, 1, 4, 4, 3), np.float32)
    observed = np.full((1, 4, 4, 3), 1.0, np.float32)
    noise = parse("noise:0.1", 4)
    noisy = fit_weights(linear, jnp.zeros(1), basis, observed, noise, 400, 0.01)
    exact = fit_weights(linear, jnp.zeros(1), basis, observed, Identity(), 400, 0.05)
    assert 0.1 < np.abs(noisy - 1).mean() < 0.2
    assert np.abs(exact - 1).mean() < 0.01


@pytest.mark.parametrize("spec", ["identity", "gray", "down:2", "mask:center:4", "noise:0.1"])
def test_a_first_guess_explains_the_observation(truths: np.ndarray, spec: str):
    degradation = parse(spec, 16)
    truth = jnp.asarray(0.8 * truths[0])
    observation = degradation(truth)
    guess = first_guess(degradation, observation, truth.shape)
    np.testing.assert_allclose(degradation(guess), observation, atol=0.02)


def test_other_operators_have_a_guess_too(truths: np.ndarray):
    jpeg = parse("jpeg:50", 16)
    np.testing.assert_allclose(first_guess(jpeg, truths[0], (16, 16, 3)), truths[0], atol=1e-6)


def test_an_encoder_knows_codes(small: Generator, encoder: Encoder):
    codes = random_latents(small, 64, seed=9)
    images = jnp.asarray(generate(small, codes))
    guessed = encode(small, encoder, images, Identity())
    assert guessed.shape == codes.shape
    # Zero, the best guess without looking, has an error of 1.
    assert np.mean((guessed - codes) ** 2) < 0.7


def test_an_encoder_is_kept(small: Generator, encoder: Encoder, truths: np.ndarray, tmp_path):
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, encoder, "CC0")
    again = load_encoder(path, small)
    np.testing.assert_array_equal(again(truths), encoder(truths))
    assert "60 steps" in again.provenance["training"]
    with pytest.raises(WeightsError, match="trained for another generator"):
        load_encoder(path, untrained(DCGANConfig(8, (8, 4)), seed=2))


def test_who_can_run(small: Generator, encoder: Encoder):
    styled = untrained(StyleGAN2Config(5, 4, (4,), (4, 4, 4)))
    names = {name for name, method in METHODS.items() if not method.suits(small, None)}
    assert names == {"encoder", "encoder-optimised", "w", "w+"}
    names = {name for name, method in METHODS.items() if not method.suits(styled, None)}
    assert names == {"encoder", "encoder-optimised"}
    assert METHODS["encoder"].suits(small, encoder)


# Many values of the target are clipped, which free maps and weights can follow but styles cannot.
@pytest.mark.parametrize(("name", "gain"), [("ilo", 3), ("w+", 1), ("pivotal", 3)])
def test_style_based_generators(name: str, gain: float):
    styled = untrained(StyleGAN2Config(5, 4, (4,), (4, 4, 4)))
    truths = np.clip(generate(styled, random_latents(styled, 1, seed=3)), -1, 1)
    case = Case(styled, Identity(), jnp.asarray(truths), None, 0)
    few, many = (psnr(METHODS[name].restore(case, steps), truths) for steps in (6, 60))
    assert many[0] > few[0] + gain, (few, many)


def test_certain_pixels_are_put_back(small: Generator, truths: np.ndarray):
    mask = parse("mask:center:6", 16)
    case = Case(small, mask, jax.vmap(mask)(jnp.asarray(truths)), None, 0)
    restored = METHODS["one-code"].restore(case, 2)
    known = np.broadcast_to(np.asarray(mask.support) > 0, truths.shape)
    np.testing.assert_array_equal(restored[known], truths[known])
