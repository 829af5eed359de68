"""Single steps, beside the same written out."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.codes import init_codes, whitening
from mgp_jax.degradations import Identity
from mgp_jax.generators import Features, Generator
from mgp_jax.inversion import Inversion, image_keys, pose, resolve, start
from mgp_jax.perception import FeatureExtractor
from mgp_jax.recipes import Phase, Recipe, recipe_for
from mgp_jax.solve import State, advance, begin


def one_step(inversion: Inversion, image: jax.Array) -> tuple[Any, State]:
    """The codes that an inversion begins with, and where a step leads."""
    problem = pose(inversion, image[None])
    (phase,) = inversion.phases
    codes = start(problem, image_keys(inversion.seed, [0]), phase)
    begun = begin(problem, codes, jnp.zeros(1, jnp.int32), phase)
    return codes, advance(problem, begun, 1, phase)


def test_a_whitened_step_is_one_of_orthonormal_importances(
    tiny: Generator, photographs: np.ndarray
):
    """The published update written in those coordinates: plain gradient descent on beta."""
    phase = Phase(
        1, moves=("alpha",), optimizer="sgd", schedule="constant", whiten=True, alpha_rate=0.3
    )
    image = jnp.asarray(photographs[0])
    inversion = resolve(tiny, recipe=Recipe("whitened", (phase,), codes=3))
    cut = inversion.split.cut
    codes, state = one_step(inversion, image)
    maps = tiny.apply(tiny.params, codes.z[0], 0, cut)
    change = whitening(Features(maps))
    # alpha = W^T beta
    beta = jnp.linalg.solve(jnp.swapaxes(change, 1, 2), codes.alpha[0].T[..., None])[..., 0]

    @jax.jit
    @jax.grad
    def gradient(beta: jax.Array) -> jax.Array:
        alpha = jnp.einsum("cmn,cm->nc", change, beta)
        composed = jnp.einsum("nhwc,nc->hwc", maps, alpha)
        return jnp.mean((tiny.apply(tiny.params, composed[None], cut)[0] - image) ** 2)

    moved = beta - 0.3 * gradient(beta)
    expected = jnp.einsum("cmn,cm->nc", change, moved)
    assert np.abs(expected - codes.alpha[0]).max() > 1e-3
    np.testing.assert_allclose(state.variables.alpha[0], expected, rtol=1e-4, atol=1e-5)


def test_the_paper_recipe_is_the_published_update(
    tiny: Generator, photographs: np.ndarray, extractor: FeatureExtractor
):
    count, cut, image = 3, 3, jnp.asarray(photographs[0])
    recipe = recipe_for("paper", Identity(), tiny).with_(steps=1, codes=count)
    inversion = resolve(tiny, recipe=recipe, networks={"vgg": extractor})
    assert inversion.split.cut == cut
    codes, state = one_step(inversion, image)
    np.testing.assert_allclose(codes.alpha, 1 / count**2, rtol=1e-6)

    # The published code: importances start at 1 / N, and the sum is divided by N once more.
    @jax.jit
    @partial(jax.value_and_grad, argnums=(0, 1))
    def published(z: jax.Array, alpha: jax.Array) -> jax.Array:
        composed = 0
        for n in range(count):
            maps = tiny.apply(tiny.params, z[n : n + 1], 0, cut)
            composed += maps * alpha[n]
        mine = tiny.apply(tiny.params, composed / count, cut)[0]
        features = jnp.mean(jnp.abs(extractor(mine) - extractor(image)))
        return jnp.mean((mine - image) ** 2) + 0.001 * features

    z = init_codes(inversion.split, image_keys(0, [0])[0], count).z
    alpha = jnp.full((count, 4), 1 / count)
    loss, (of_z, of_alpha) = published(z, alpha)
    np.testing.assert_allclose(state.history.total[0, 0], loss, rtol=1e-5)
    assert min(np.abs(of_z).max(), np.abs(of_alpha).max()) > 1e-4
    np.testing.assert_allclose(state.variables.z[0], z - of_z, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        count * state.variables.alpha[0], alpha - of_alpha, rtol=1e-5, atol=1e-6
    )
