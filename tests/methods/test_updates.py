"""Single steps, beside the same written out."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.codes import init_codes, whitening
from mgp_jax.degradations import Identity
from mgp_jax.generators import Generator
from mgp_jax.inversion import InversionConfig, advance, begin, image_keys, pose, settings, start
from mgp_jax.perception import FeatureExtractor
from mgp_jax.recipes import Phase, Recipe, recipe_for


def test_a_whitened_step_is_one_of_orthonormal_importances(
    tiny: Generator, photographs: np.ndarray
):
    """The published update written in those coordinates: plain gradient descent on beta."""
    phase = Phase(
        1, moves=("alpha",), optimizer="sgd", schedule="constant", whiten=True, alpha_rate=0.3
    )
    config = InversionConfig(recipe=Recipe("whitened", (phase,), codes=3))
    (setting,) = settings(tiny, config)
    image = jnp.asarray(photographs[:1])
    problem = pose(image, tiny, [setting], config, Identity(), None)
    codes = start(problem, image_keys(0, [0]), 3, setting)
    state = advance(problem, begin(problem, codes, jnp.zeros(1, jnp.int32), setting), 1, setting)
    maps = tiny.apply(tiny.params, codes.z[0], 0, setting.cut)
    change = whitening(maps)
    # alpha = W^T beta
    beta = jnp.linalg.solve(jnp.swapaxes(change, 1, 2), codes.alpha[0].T[..., None])[..., 0]

    @jax.jit
    @jax.grad
    def gradient(beta: jax.Array) -> jax.Array:
        alpha = jnp.einsum("cmn,cm->nc", change, beta)
        composed = jnp.einsum("nhwc,nc->hwc", maps, alpha)
        return jnp.mean((tiny.apply(tiny.params, composed[None], setting.cut)[0] - image[0]) ** 2)

    moved = beta - 0.3 * gradient(beta)
    expected = jnp.einsum("cmn,cm->nc", change, moved)
    assert np.abs(expected - codes.alpha[0]).max() > 1e-3
    np.testing.assert_allclose(state.codes.alpha[0], expected, rtol=1e-4, atol=1e-5)


def test_the_paper_recipe_is_the_published_update(
    tiny: Generator, photographs: np.ndarray, extractor: FeatureExtractor
):
    count, cut, image = 3, 3, jnp.asarray(photographs[0])
    recipe = recipe_for("paper", Identity(), tiny.family).with_steps(1)
    config = InversionConfig(recipe=recipe, codes=count)
    (setting,) = settings(tiny, config)
    assert setting.cut == cut
    problem = pose(image[None], tiny, [setting], config, Identity(), extractor)
    keys = image_keys(config.seed, [0])
    codes = start(problem, keys, count, setting)
    np.testing.assert_allclose(codes.alpha, 1 / count**2, rtol=1e-6)
    state = advance(problem, begin(problem, codes, jnp.zeros(1, jnp.int32), setting), 1, setting)

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

    z = init_codes(tiny, keys[0], count, cut).z
    alpha = jnp.full((count, 4), 1 / count)
    loss, (of_z, of_alpha) = published(z, alpha)
    np.testing.assert_allclose(state.history.total[0, 0], loss, rtol=1e-5)
    assert min(np.abs(of_z).max(), np.abs(of_alpha).max()) > 1e-4
    np.testing.assert_allclose(state.codes.z[0], z - of_z, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(count * state.codes.alpha[0], alpha - of_alpha, rtol=1e-5, atol=1e-6)
