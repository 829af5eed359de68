"""The sum of all terms and its gradient, and the networks that are loaded for it."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import untrained
from objectives import losses_of, target_of

from mgp_jax.codes import Codes, cast, fuse, render_fused
from mgp_jax.degradations import parse
from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig, Features
from mgp_jax.inversion import resolve
from mgp_jax.perception import bundled_extractor, bundled_lpips
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.terms import TERMS, Given, Held, Rendering, Target, networks_for
from mgp_jax.terms.networks import observe


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def brightness(rendering: Rendering, target: Target, variables: Any) -> jax.Array:
    return jnp.mean(rendering.image) - jnp.mean(target.observation)


def size(rendering: Rendering, target: Target, variables: Any) -> jax.Array:
    return 7 * jnp.mean(variables["z"]) + jnp.sum(rendering.seen[:1, :1])


def test_own_terms_are_summands():
    image, other, z = random(4, 4, 3), random(4, 4, 3, seed=1), random(5)
    phase = Phase(1, pixel=0.5, terms=(brightness, size))
    losses = losses_of(image, target_of(other), phase, variables={"z": z})
    error = np.mean((image - other) ** 2)
    own = image.mean() - other.mean() + 7 * z.mean() + image[0, 0].sum()
    np.testing.assert_allclose(losses.total, 0.5 * error + own, rtol=1e-5)
    np.testing.assert_allclose(losses.error, error, rtol=1e-5)


def test_every_term_has_a_weight_in_a_phase():
    assert set(TERMS) <= {field.name for field in dataclasses.fields(Phase)}
    assert set(TERMS) == {
        *("pixel", "perceptual", "lpips", "pyramid", "prior", "styles_prior", "tether"),
        "noise_regularization",
    }


def test_images_of_low_precision_are_compared_in_float32():
    image = jnp.asarray(random(4, 4, 3), jnp.bfloat16)
    losses = losses_of(image, target_of(random(4, 4, 3, seed=1)), Phase(1))
    assert losses.total.dtype == losses.error.dtype == jnp.float32


def test_networks_are_loaded_where_a_phase_weighs_them(extractor):
    plain, vgg, lpips = Phase(1), Phase(1, perceptual=0.1), Phase(1, lpips=0.1)
    assert networks_for([plain], {"vgg": extractor}) == {}
    assert networks_for([plain, vgg], {}) == {"vgg": bundled_extractor()}
    assert networks_for([vgg], {"vgg": extractor}) == {"vgg": extractor}
    assert networks_for([vgg, lpips], {"vgg": extractor}) == {
        "vgg": extractor,
        "lpips": bundled_lpips(),
    }
    small = dataclasses.replace(vgg, perceptual_size=16)
    assert set(networks_for([small, small], {"vgg": extractor})) == {"vgg"}
    # Who does not look has no size.
    assert set(networks_for([small, plain], {"vgg": extractor})) == {"vgg"}
    with pytest.raises(SettingError, match="features of the same size"):
        networks_for([small, vgg], {"vgg": extractor})


def test_gradient_equals_finite_differences(extractor):
    """All terms together, with respect to every variable, in double precision."""
    phase = Phase(
        1, moves=("z", "alpha", "residual"), pixel=2.0, perceptual=0.1, prior=0.03, tether=0.1
    )
    moves = (phase.moves, ("residual",), ("residual", "alpha"))
    recipe = Recipe("all", tuple(dataclasses.replace(phase, moves=m) for m in moves), codes=3)
    degradation = parse("gray|down:2", 16)
    inversion = resolve(
        untrained(DCGANConfig(4, (6, 4)), seed=2).split(2),
        degradation,
        recipe,
        networks={"vgg": extractor},
    )
    with jax.enable_x64(True):
        double: Any = lambda tree: cast(jax.tree.map(jnp.asarray, tree), jnp.dtype("float64"))  # noqa: E731
        split, networks = double(inversion.split), double(dict(inversion.networks))
        residual = Features(random(8, 8, 4, seed=2))
        codes = double(Codes(random(3, 4), random(3, 4, seed=1), residual=residual))
        anchor = double(Features(random(8, 8, 4, seed=3)))
        held = Held(anchor=anchor)
        observation = degradation(double(np.tanh(random(16, 16, 3, seed=4))))
        target = Target(observation, observe(networks, observation, None), jnp.zeros(()))
        given = Given(split, degradation, networks, jax.random.key(0))

        # What is composed comes from the codes as long as they move, and from the anchor otherwise.
        composed = fuse(split, codes)
        for resolved, fused in zip(inversion.phases, (composed, anchor, composed), strict=True):
            losses = resolved.objective(given, target, codes, held, resolved)
            seen = degradation(render_fused(split, fused, codes))
            np.testing.assert_allclose(losses.error, np.mean((seen - observation) ** 2), rtol=1e-9)

        @jax.jit
        def objective(codes: Codes) -> jax.Array:
            resolved = inversion.phases[0]
            return resolved.objective(given, target, codes, held, resolved).total

        value, gradient = jax.jit(jax.value_and_grad(objective))(codes)
        assert value.dtype == np.float64
        for field in ("z", "alpha", "residual"):
            mine, before = (jax.tree.leaves(getattr(c, field))[0] for c in (gradient, codes))
            assert np.abs(mine).max() > 1e-4
            for seed in range(3):
                way = np.random.default_rng(seed).normal(size=before.shape)
                ahead, back = (
                    objective(codes._replace(**{field: moved(getattr(codes, field), step * way)}))
                    for step in (1e-6, -1e-6)
                )
                slope = np.sum(mine * way)
                np.testing.assert_allclose((ahead - back) / 2e-6, slope, rtol=1e-5, atol=1e-8)


def moved(tree: Any, way: np.ndarray) -> Any:
    return jax.tree.map(lambda leaf: leaf + way, tree)
