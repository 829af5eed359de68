"""One phase of codes: what it moves, what it keeps, and why an image stops."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import untrained
from runs import RECIPE, assert_equal, solved, started

from mgp_jax.codes import Codes, render_batch
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator, StyleGAN2Config
from mgp_jax.inversion import Result, invert, pose, resolve
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import Status, advance, begin

# Learning rates that make the objective jump up and down.
WILD = Recipe("wild", (Phase(20, z_rate=30, alpha_rate=30),), codes=3)


@pytest.fixture(scope="module")
def wild(tiny: Generator, photographs: np.ndarray) -> Result:
    return invert(tiny, photographs, recipe=WILD)


def test_all_chunks_share_one_program(tiny: Generator, photographs: np.ndarray):
    inversion = resolve(tiny, recipe=RECIPE)
    problem = pose(inversion, jnp.asarray(photographs))
    for phase in inversion.phases:
        codes = started(tiny, photographs)
        before = begin(problem, codes, jnp.zeros(3, jnp.int32), phase)
        after = advance(problem, before, 1, phase)
        # The whole type counts: a weakly typed value would compile everything again.
        assert jax.tree.map(jax.typeof, before) == jax.tree.map(jax.typeof, after)


def test_a_phase_moves_only_its_own_variables(
    tiny: Generator, photographs: np.ndarray, result: Result
):
    before = invert(tiny, photographs, recipe=RECIPE.with_(phases=RECIPE.phases[:1]))
    assert before.codes.residual is None
    assert_equal(result.codes._replace(residual=None), before.codes)
    assert (np.abs(result.codes.residual.maps).max((1, 2, 3)) > 0).all()
    assert (result.loss < before.loss).all()
    np.testing.assert_array_equal(before.losses, result.losses[:, :20])


def test_styles_and_noise_can_be_moved():
    generator = untrained(StyleGAN2Config(5, 4, (4,), (4, 4, 4)))
    image = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 3)), jnp.float32)
    phase = Phase(4, moves=("styles", "noise"), noise_regularization=0.1)
    recipe = Recipe("tail", (phase,), codes=2, layer="layer1")
    mine = invert(generator, image, recipe=recipe)
    begun = started(generator, image, recipe)
    assert_equal((mine.codes.z, mine.codes.alpha), (np.asarray(begun.z), np.asarray(begun.alpha)))
    assert mine.codes.noise is not None
    assert mine.codes.styles is not None and begun.styles is not None
    assert np.abs(mine.codes.styles - begun.styles).max() > 1e-3
    for name, noise in mine.codes.noise.items():
        assert np.abs(noise[0] - generator.params[name]["noise"]).max() > 1e-3
    assert mine.loss[0] < mine.losses[0, 0]


def psnr(images: Any, truths: Any) -> float:
    return float(10 * np.log10(4 / np.mean((np.asarray(images) - truths) ** 2)))


def test_a_known_optimum_is_found(tiny: Generator):
    random = np.random.default_rng(0)
    z = random.normal(size=(1, 1, 8)).astype(np.float32)
    offset = 0.2 * random.normal(size=z.shape).astype(np.float32)
    truth, near = (Codes(jnp.asarray(x), jnp.ones((1, 1, 4))) for x in (z, z + offset))
    split = tiny.split(3)
    image = render_batch(split, truth)
    recipe = Recipe("near", (Phase(100, z_rate=0.02),), codes=1)
    found = invert(split, image, recipe=recipe, codes=near)
    before, after = (psnr(render_batch(split, codes), image) for codes in (near, found.codes))
    assert before < 30 and after > 50, (before, after)
    assert np.abs(found.codes.z - z).max() < 0.1 * np.abs(offset).max()


def test_the_best_iterate_is_kept(wild: Result, tiny: Generator, photographs: np.ndarray):
    # Too large a step: the objective is worse at the end than at some step before.
    assert (wild.losses[:, -1] > wild.losses.min(1)).any()
    assert (wild.loss <= wild.losses.min(1)).all()
    assert (wild.loss <= wild.losses[:, 0]).all()
    np.testing.assert_allclose(
        np.mean((wild.images - photographs) ** 2, (1, 2, 3)), wild.loss, rtol=1e-5
    )
    np.testing.assert_allclose(render_batch(wild.split, wild.codes), wild.images, atol=1e-6)


def test_absurd_rates_return_the_start(tiny: Generator, photographs: np.ndarray):
    phase = Phase(6, optimizer="sgd", schedule="constant", z_rate=np.inf, alpha_rate=np.inf)
    recipe = Recipe("absurd", (phase,), codes=3)
    mine = invert(tiny, photographs, recipe=recipe)
    np.testing.assert_array_equal(mine.status, Status.DIVERGED)
    np.testing.assert_array_equal(mine.steps, 2)
    begun = started(tiny, photographs, recipe)
    assert_equal(mine.codes, jax.tree.map(np.asarray, begun))
    np.testing.assert_array_equal(mine.loss, mine.losses[:, 0])
    assert np.isfinite(mine.images).all()


def test_a_broken_observation_stays_alone(tiny: Generator, photographs: np.ndarray, result: Result):
    broken = photographs.copy()
    broken[1, 5, 5, 0] = np.nan
    with pytest.raises(SettingError, match="observations"):
        invert(tiny, broken, recipe=RECIPE)
    inversion = resolve(tiny, recipe=RECIPE)
    mine = solved(inversion, broken)
    assert mine.status.tolist() == [Status.FINISHED, Status.DIVERGED, Status.FINISHED]
    assert mine.steps.tolist() == [30, 1, 30]
    kept = result.rows([0, 2])
    others = jax.tree.map(lambda leaf: np.asarray(leaf)[[0, 2]], mine)
    assert_equal(others.variables, kept.codes)
    for name in ("loss", "losses", "errors", "status", "steps"):
        np.testing.assert_array_equal(getattr(others, name), getattr(kept, name))
    # There is a result all the same: the start.
    begun = started(tiny, photographs)
    np.testing.assert_array_equal(mine.variables.z[1], begun.z[1])
    np.testing.assert_array_equal(mine.variables.alpha[1], begun.alpha[1])
    assert mine.loss[1] == np.inf


def test_the_target_stops_each_image_by_itself(
    tiny: Generator, photographs: np.ndarray, result: Result
):
    wanted = float(np.median(result.errors[:, 10]))
    psnr = 10 * np.log10(4 / wanted)
    mine = invert(tiny, photographs, recipe=RECIPE, target_psnr=psnr)
    reached = result.errors < wanted * (1 - 1e-6)
    assert reached.any(1).sum() > 0
    for index in range(3):
        if not reached[index].any():
            assert_equal(mine.rows(index), result.rows(index))
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
    mine = invert(tiny, photographs, recipe=Recipe("slow", (phase,), codes=3), patience=3)
    for status, steps, losses in zip(mine.status, mine.steps, mine.losses, strict=True):
        expected = stop_of(losses[:steps], 3, 0.999)
        assert status == (Status.FINISHED if expected is None else Status.PLATEAU)
        assert steps == (40 if expected is None else expected)
        # It was still falling, but by less than a thousandth.
        assert stop_of(losses[:steps], 3, 1) is None
    assert (mine.status == Status.PLATEAU).any()
