"""The engine: what a result may depend on, what is kept, and why an image stops."""

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import untrained

from mgp_jax.codes import Codes, init_codes, render, whitening
from mgp_jax.degradations import Identity, parse
from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig, Features, Generator, PGGANConfig, StyleGAN2Config
from mgp_jax.generators.weights import Weights
from mgp_jax.inversion import (
    InversionConfig,
    Progress,
    Result,
    Status,
    advance,
    begin,
    default_cut,
    finish,
    image_keys,
    invert,
    pose,
    settings,
    start,
)
from mgp_jax.perception import FeatureExtractor, make_extractor
from mgp_jax.recipes import Phase, Recipe, recipe_for

# Two phases: the codes, then the composed map. Most tests run these, so that they compile once.
RECIPE = Recipe(
    "test", (Phase(20), Phase(10, moves=("residual",), tether=0.01)), codes=3, layer="layer2"
)
CONFIG = InversionConfig(recipe=RECIPE)
# Learning rates that make the objective jump up and down.
WILD = InversionConfig(recipe=Recipe("wild", (Phase(20, z_rate=30, alpha_rate=30),), codes=3))

rendered = partial(jax.jit, static_argnums=2)(jax.vmap(render, (None, 0, None)))


@pytest.fixture(scope="module")
def result(tiny: Generator, photographs: np.ndarray) -> Result:
    return invert(tiny, photographs, CONFIG)


@pytest.fixture(scope="module")
def wild(tiny: Generator, photographs: np.ndarray) -> Result:
    return invert(tiny, photographs, WILD)


def assert_equal(mine: Any, expected: Any):
    """Every leaf bit by bit; NaN equals NaN."""
    assert jax.tree.structure(mine) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, mine, expected)


def rows(result: Result, index: Any) -> Result:
    return jax.tree.map(lambda leaf: np.asarray(leaf)[index], result)


def worst_difference(mine: Any, expected: Any) -> float:
    pairs = zip(jax.tree.leaves(mine), jax.tree.leaves(expected), strict=True)
    return max(float(np.nanmax(np.abs(np.asarray(a) - b))) for a, b in pairs)


def test_a_result_is_what_it_says(tiny: Generator, photographs: np.ndarray, result: Result):
    count, steps = len(photographs), RECIPE.steps
    assert result.images.shape == photographs.shape and result.images.dtype == np.float32
    assert result.losses.shape == result.errors.shape == (count, steps)
    np.testing.assert_array_equal(result.status, Status.FINISHED)
    np.testing.assert_array_equal(result.steps, steps)
    np.testing.assert_allclose(rendered(tiny, result.codes, 3), result.images, atol=1e-6)
    error = np.mean((result.images - photographs) ** 2, (1, 2, 3))
    # The loss is this error and the tether of the residual.
    assert (error <= result.loss + 1e-6).all() and (result.loss < error + 0.05).all()
    assert (error < 0.8 * result.errors[:, 0]).all()
    # The last phase begins where the first ended, at its best iterate.
    first, second = result.losses[:, :20], result.losses[:, 20:]
    assert (second[:, 0] <= first.min(1) + 1e-6).all()
    assert (result.loss <= second.min(1)).all()


@pytest.mark.parametrize(("chunk", "seconds"), [(1, None), (7, None), (30, None), (7, 1e-9)])
def test_chunks_change_nothing(
    tiny: Generator,
    photographs: np.ndarray,
    result: Result,
    chunk: int,
    seconds: float | None,
):
    config = dataclasses.replace(CONFIG, chunk=chunk, chunk_seconds=seconds)
    assert CONFIG.chunk == 50
    assert_equal(invert(tiny, photographs, config), result)


def test_an_image_does_not_depend_on_the_others(
    tiny: Generator, photographs: np.ndarray, result: Result
):
    keys = image_keys(CONFIG.seed, jnp.arange(3))
    for index in range(3):
        alone = [index] * 3
        mine = invert(tiny, photographs[alone], CONFIG, keys=keys[jnp.array(alone)])
        assert_equal(mine, rows(result, alone))
    order = [2, 0, 1]
    mine = invert(tiny, photographs[order], CONFIG, keys=keys[jnp.array(order)])
    assert_equal(mine, rows(result, order))


def test_the_size_of_the_batch_changes_only_the_rounding(
    tiny: Generator, photographs: np.ndarray, result: Result
):
    # XLA may multiply matrices of other sizes in another order. Measured on CPU after these 30
    # steps: 0 for batches of 2, at most 3e-7 for batches of 1 and 5.
    mine = invert(tiny, photographs[:1], CONFIG)
    assert worst_difference(mine.images, result.images[:1]) < 1e-5
    assert worst_difference(mine.losses, result.losses[:1]) < 1e-5
    assert worst_difference(mine.codes, rows(result, slice(1)).codes) < 1e-4


def test_seeds_choose_the_starts(tiny: Generator, photographs: np.ndarray, result: Result):
    again = invert(tiny, photographs, CONFIG, keys=image_keys(0, [0, 1, 2]))
    assert_equal(again, result)
    other = invert(tiny, photographs, dataclasses.replace(CONFIG, seed=1))
    assert (np.abs(other.losses[:, 0] - result.losses[:, 0]) > 1e-5).all()
    # Two images never share a start.
    same = invert(tiny, photographs[[0, 0, 0]], CONFIG)
    assert len(set(same.losses[:, 0].tolist())) == 3


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


def test_the_best_iterate_is_kept(wild: Result, tiny: Generator, photographs: np.ndarray):
    # Too large a step: the objective is worse at the end than at some step before.
    assert (wild.losses[:, -1] > wild.losses.min(1)).any()
    assert (wild.loss <= wild.losses.min(1)).all()
    assert (wild.loss <= wild.losses[:, 0]).all()
    np.testing.assert_allclose(
        np.mean((wild.images - photographs) ** 2, (1, 2, 3)), wild.loss, rtol=1e-5
    )
    np.testing.assert_allclose(rendered(tiny, wild.codes, 3), wild.images, atol=1e-6)


def test_absurd_rates_return_the_start(tiny: Generator, photographs: np.ndarray):
    phase = Phase(6, optimizer="sgd", schedule="constant", z_rate=np.inf, alpha_rate=np.inf)
    config = InversionConfig(recipe=Recipe("absurd", (phase,), codes=3))
    mine = invert(tiny, photographs, config)
    np.testing.assert_array_equal(mine.status, Status.DIVERGED)
    np.testing.assert_array_equal(mine.steps, 2)
    begun = start(tiny, image_keys(0, range(3)), 3, settings(tiny, config)[0])
    assert_equal(mine.codes, jax.tree.map(np.asarray, begun))
    np.testing.assert_array_equal(mine.loss, mine.losses[:, 0])
    assert np.isfinite(mine.images).all()


def test_a_broken_observation_stays_alone(tiny: Generator, photographs: np.ndarray, result: Result):
    broken = photographs.copy()
    broken[1, 5, 5, 0] = np.nan
    mine = invert(tiny, broken, CONFIG)
    assert mine.status.tolist() == [Status.FINISHED, Status.DIVERGED, Status.FINISHED]
    assert mine.steps.tolist() == [30, 1, 30]
    assert_equal(rows(mine, [0, 2]), rows(result, [0, 2]))
    # There is a result all the same: the start.
    assert np.isfinite(mine.images[1]).all()
    assert mine.loss[1] == np.inf


def test_the_target_stops_each_image_by_itself(
    tiny: Generator, photographs: np.ndarray, result: Result
):
    wanted = float(np.median(result.errors[:, 10]))
    psnr = 10 * np.log10(4 / wanted)
    mine = invert(tiny, photographs, dataclasses.replace(CONFIG, target_psnr=psnr))
    reached = result.errors < wanted * (1 - 1e-6)
    assert reached.any(1).sum() > 0
    for index in range(3):
        if not reached[index].any():
            assert_equal(rows(mine, index), rows(result, index))
            continue
        steps = int(np.argmax(reached[index])) + 1
        assert mine.status[index] == Status.TARGET
        assert mine.steps[index] == steps < RECIPE.steps
        for field in ("losses", "errors"):
            one, other = getattr(mine, field)[index], getattr(result, field)[index]
            np.testing.assert_array_equal(one[:steps], other[:steps])
            assert np.isnan(one[steps:]).all()
        # What is returned is at least as good as what reached the target.
        assert mine.loss[index] <= np.nanmin(mine.losses[index])


def test_all_chunks_share_one_program(tiny: Generator, photographs: np.ndarray):
    for setting in (phases := settings(tiny, CONFIG)):
        problem = pose(jnp.asarray(photographs), tiny, phases, CONFIG, Identity(), None)
        codes = start(tiny, image_keys(0, range(3)), 3, phases[0])
        before = begin(problem, codes, jnp.zeros(3, jnp.int32), setting)
        after = advance(problem, before, 1, setting)
        # The whole type counts: a weakly typed value would compile everything again.
        assert jax.tree.map(jax.typeof, before) == jax.tree.map(jax.typeof, after)


def test_progress_is_a_number_while_some_images_rest(tiny: Generator, photographs: np.ndarray):
    """Those that stopped in an earlier phase have no losses in this one."""
    broken = photographs.copy()
    broken[1] = np.nan
    seen: list[Progress] = []
    invert(tiny, broken, CONFIG, on_progress=seen.append)
    assert [event.running for event in seen] == [0, 0]
    assert all(np.isfinite([event.loss, event.psnr]).all() for event in seen)
    # Nothing is left to be said, and nothing is raised.
    broken[:] = np.nan
    invert(tiny, broken, CONFIG, on_progress=seen.append)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(1e-9, list(range(1, 31))), (1e9, [1, 2, 8, 16, 20, 21, 22, 28, 30])],
)
def test_slow_steps_are_reported_more_often(
    tiny: Generator, photographs: np.ndarray, seconds: float, expected: list[int]
):
    """Two steps show how long they take; multiples of the chunk's length are never passed over."""
    seen: list[Progress] = []
    config = dataclasses.replace(CONFIG, chunk=8, chunk_seconds=seconds)
    invert(tiny, photographs, config, on_progress=seen.append)
    assert [event.step for event in seen] == expected


def test_progress(tiny: Generator, photographs: np.ndarray, result: Result):
    seen: list[Progress] = []
    invert(tiny, photographs, dataclasses.replace(CONFIG, chunk=8), on_progress=seen.append)
    assert [event.step for event in seen] == [8, 16, 20, 28, 30]
    assert [event.phase for event in seen] == [0, 0, 0, 1, 1]
    assert [event.running for event in seen] == [3, 3, 0, 3, 0]
    assert {event.steps for event in seen} == {30}
    for event in seen:
        last = event.step - 1
        np.testing.assert_allclose(event.loss, result.losses[:, last].mean(), rtol=1e-6)
        psnr = 10 * np.log10(4 / result.errors[:, last])
        np.testing.assert_allclose(event.psnr, psnr.mean(), rtol=1e-6)


def stop_of(losses: np.ndarray, patience: int, factor: float) -> int | None:
    """After how many steps an image stops whose objective must fall below `factor` of itself."""
    lowest, since = np.inf, 0
    for step, loss in enumerate(losses):
        if loss < lowest * factor:
            lowest, since = loss, step
        if step + 1 - since > patience:
            return step + 1
    return None


def test_patience_ends_on_a_plateau(tiny: Generator, photographs: np.ndarray):
    phase = Phase(40, z_rate=0.004, alpha_rate=0)
    config = InversionConfig(recipe=Recipe("slow", (phase,), codes=3), patience=3)
    mine = invert(tiny, photographs, config)
    for status, steps, losses in zip(mine.status, mine.steps, mine.losses, strict=True):
        expected = stop_of(losses[:steps], 3, 0.999)
        assert status == (Status.FINISHED if expected is None else Status.PLATEAU)
        assert steps == (40 if expected is None else expected)
        # It was still falling, but by less than a thousandth.
        assert stop_of(losses[:steps], 3, 1) is None
    assert (mine.status == Status.PLATEAU).any()


def test_a_phase_moves_only_its_own_variables(
    tiny: Generator, photographs: np.ndarray, result: Result
):
    first = dataclasses.replace(RECIPE, phases=RECIPE.phases[:1])
    before = invert(tiny, photographs, InversionConfig(recipe=first))
    assert before.codes.residual is None
    assert_equal(result.codes._replace(residual=None), before.codes)
    assert (np.abs(result.codes.residual).max((1, 2, 3)) > 0).all()
    assert (result.loss < before.loss).all()
    np.testing.assert_array_equal(before.losses, result.losses[:, :20])


@pytest.mark.parametrize("moves", [("alpha",), ("alpha", "residual")])
def test_a_head_at_rest_is_run_once(
    tiny: Generator, photographs: np.ndarray, moves: tuple[str, ...]
):
    """Feature maps kept from the start of the phase change nothing but the cost."""
    kept = Recipe("kept", (Phase(8, moves=moves),), codes=3)
    again = Recipe("again", (Phase(8, moves=("z", *moves), z_rate=0.0),), codes=3)
    mine, other = (invert(tiny, photographs, InversionConfig(recipe=r)) for r in (kept, again))
    assert_equal(mine.codes.z, np.asarray(other.codes.z))
    np.testing.assert_allclose(mine.losses, other.losses, rtol=1e-5)
    np.testing.assert_allclose(mine.codes.alpha, other.codes.alpha, rtol=1e-4, atol=1e-5)
    assert (mine.losses[:, -1] < mine.losses[:, 0]).all()


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
    codes = start(tiny, image_keys(0, [0]), 3, setting)
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


def test_styles_and_noise_can_be_moved():
    generator = untrained(StyleGAN2Config(5, 4, (4,), (4, 4, 4)))
    image = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 3)), jnp.float32)
    phase = Phase(4, moves=("styles", "noise"), noise_regularization=0.1)
    config = InversionConfig(recipe=Recipe("tail", (phase,), codes=2, layer="layer1"))
    mine = invert(generator, image, config)
    begun = start(generator, image_keys(0, [0]), 2, settings(generator, config)[0])
    assert_equal((mine.codes.z, mine.codes.alpha), (np.asarray(begun.z), np.asarray(begun.alpha)))
    assert mine.codes.noise is not None
    assert np.abs(mine.codes.styles - begun.styles).max() > 1e-3
    for name, noise in mine.codes.noise.items():
        assert np.abs(noise[0] - generator.params[name]["noise"]).max() > 1e-3
    assert mine.loss[0] < mine.losses[0, 0]


@pytest.mark.parametrize("space", ["w", "w+"])
def test_the_projector_starts_from_the_mean_style(space: str):
    generator = untrained(StyleGAN2Config(8, 8, (8, 8), (4, 4, 4)))
    mean = np.linspace(-1, 1, 8, dtype=np.float32)
    params = {**generator.params, "truncation": {"mean": jnp.asarray(mean)}}
    generator = dataclasses.replace(generator, params=params)
    images = jnp.zeros((1, 8, 8, 3))
    phase = dataclasses.replace(
        recipe_for(space, Identity()).phases[0], perceptual=0.0, z_rate=0.0, steps=2
    )
    recipe = dataclasses.replace(recipe_for(space, Identity()), phases=(phase,))
    mine = invert(generator, images, InversionConfig(recipe=recipe))
    shape = {"w": (1, 1, 8), "w+": (1, 1, *generator.shapes[2].shape[1:])}[space]
    assert mine.codes.z.shape == shape
    np.testing.assert_array_equal(mine.codes.z, np.broadcast_to(mean, shape))
    np.testing.assert_array_equal(mine.codes.alpha, 1)
    assert mine.codes.noise is not None


def test_only_style_spaces_have_a_mean(tiny: Generator, photographs: np.ndarray):
    recipe = Recipe("mean", (Phase(1),), from_mean=True)
    with pytest.raises(SettingError, match="only style spaces have a mean"):
        invert(tiny, photographs, InversionConfig(recipe=recipe))


def psnr(images: Any, truths: Any) -> float:
    return float(10 * np.log10(4 / np.mean((np.asarray(images) - truths) ** 2)))


def test_a_known_optimum_is_found(tiny: Generator):
    random = np.random.default_rng(0)
    z = random.normal(size=(1, 1, 8)).astype(np.float32)
    offset = 0.2 * random.normal(size=z.shape).astype(np.float32)
    truth, near = (Codes(jnp.asarray(x), jnp.ones((1, 1, 4))) for x in (z, z + offset))
    image = rendered(tiny, truth, 3)
    config = InversionConfig(recipe=Recipe("near", (Phase(100, z_rate=0.02),), codes=1))
    (setting,) = settings(tiny, config)
    problem = pose(image, tiny, [setting], config, Identity(), None)
    state = begin(problem, near, jnp.zeros(1, jnp.int32), setting)
    state = advance(problem, state, 100, setting)
    best, _ = finish(problem, state, setting)
    before, after = (psnr(rendered(tiny, codes, 3), image) for codes in (near, best))
    assert before < 30 and after > 50, (before, after)
    assert np.abs(best.z - z).max() < 0.1 * np.abs(offset).max()


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    random = np.random.default_rng(0)
    kernel = random.normal(size=(3, 3, 3, 4)) / 5
    params = {"conv1_1": {"kernel": kernel, "bias": random.normal(size=4)}}
    params = jax.tree.map(lambda x: x.astype(np.float32), params)
    return make_extractor(Weights("vgg16", {"layers": [[4]]}, params, {}, ""))


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
    codes = start(tiny, keys, count, setting)
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


@pytest.mark.parametrize(
    ("config", "cut"),
    [
        (DCGANConfig(4, (4, 4, 4)), 3),
        (DCGANConfig(4, (4, 4, 4, 4)), 3),  # faces64: behind its third layer.
        (DCGANConfig(4, (4,)), 1),
        (PGGANConfig(4, (4,) * 14), 8),  # 256 pixels: composing layer 8, as published.
        (PGGANConfig(4, (4,) * 8), 6),
        (StyleGAN2Config(4, 4, (4,), (4,) * 9), 7),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_default_cut(config, cut: int):
    generator = untrained(config)
    assert default_cut(generator) == cut
    crossing = generator.shapes[cut]
    maps = crossing.maps if isinstance(crossing, Features) else crossing
    assert maps.shape[1] <= max(16, generator.resolution // 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": 0}, "codes: 0"),
        ({"layer": 9}, "layer 9: tiny has the cuts 0 to 4"),
        ({"layer": "layer7"}, "layer layer7: "),
        ({"chunk": 0}, "chunk: 0"),
        ({"recipe": dataclasses.replace(RECIPE, space="w")}, "space w: tiny has the spaces z"),
        (
            {
                "recipe": Recipe(
                    "x", (Phase(1, perceptual=1), Phase(1, perceptual=1, perceptual_size=16))
                )
            },
            "features of the same size",
        ),
    ],
)
def test_impossible_settings_are_refused(tiny, photographs, extractor, change: dict, message: str):
    config = dataclasses.replace(CONFIG, **change)
    with pytest.raises(SettingError, match=message):
        invert(tiny, photographs, config, extractor=extractor)


@pytest.mark.parametrize("shape", [(3, 16, 16, 3), (3, 32, 32, 1), (32, 32, 3), (3, 32, 32)])
def test_observations_of_another_shape_are_refused(tiny: Generator, shape):
    with pytest.raises(SettingError, match=r"the degradation makes \[32, 32, 3\]"):
        invert(tiny, np.zeros(shape), CONFIG)
    if shape == (3, 32, 32, 1):
        with pytest.raises(SettingError, match=r"the degradation makes \[16, 16, 3\]"):
            invert(tiny, np.zeros(shape), CONFIG, parse("down:2", 32))
