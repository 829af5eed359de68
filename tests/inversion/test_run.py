"""Whole inversions: what a result may depend on, and what is reported on the way."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from runs import RECIPE, assert_equal, solved

from mgp_jax.codes import render_batch
from mgp_jax.generators import Generator
from mgp_jax.inversion import Result, image_keys, invert, resolve
from mgp_jax.solve import Execution, Progress, Status


def worst_difference(mine: Any, expected: Any) -> float:
    pairs = zip(jax.tree.leaves(mine), jax.tree.leaves(expected), strict=True)
    return max(float(np.nanmax(np.abs(np.asarray(a) - b))) for a, b in pairs)


def test_a_result_is_what_it_says(tiny: Generator, photographs: np.ndarray, result: Result):
    count, steps = len(photographs), RECIPE.steps
    assert result.images.shape == photographs.shape and result.images.dtype == np.float32
    assert result.losses.shape == result.errors.shape == (count, steps)
    np.testing.assert_array_equal(result.status, Status.FINISHED)
    np.testing.assert_array_equal(result.steps, steps)
    np.testing.assert_allclose(render_batch(result.split, result.codes), result.images, atol=1e-6)
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
    execution = Execution(chunk=chunk, chunk_seconds=seconds)
    assert Execution().chunk == 50
    assert_equal(invert(tiny, photographs, recipe=RECIPE, execution=execution), result)


def test_an_image_does_not_depend_on_the_others(
    tiny: Generator, photographs: np.ndarray, result: Result
):
    keys = image_keys(0, jnp.arange(3))
    for index in range(3):
        alone = [index] * 3
        mine = invert(tiny, photographs[alone], recipe=RECIPE, keys=keys[jnp.array(alone)])
        assert_equal(mine, result.rows(alone))
    order = [2, 0, 1]
    mine = invert(tiny, photographs[order], recipe=RECIPE, keys=keys[jnp.array(order)])
    assert_equal(mine, result.rows(order))


def test_the_size_of_the_batch_changes_only_the_rounding(
    tiny: Generator, photographs: np.ndarray, result: Result
):
    # XLA may multiply matrices of other sizes in another order. Measured on CPU after these 30
    # steps: 0 for batches of 2, at most 3e-7 for batches of 1 and 5.
    mine = invert(tiny, photographs[:1], recipe=RECIPE)
    assert worst_difference(mine.images, result.images[:1]) < 1e-5
    assert worst_difference(mine.losses, result.losses[:1]) < 1e-5
    assert worst_difference(mine.codes, result.rows(slice(1)).codes) < 1e-4


def test_progress(tiny: Generator, photographs: np.ndarray, result: Result):
    seen: list[Progress] = []
    execution = Execution(chunk=8)
    invert(tiny, photographs, recipe=RECIPE, execution=execution, on_progress=seen.append)
    assert [event.step for event in seen] == [8, 16, 20, 28, 30]
    assert [event.phase for event in seen] == [0, 0, 0, 1, 1]
    assert [event.running for event in seen] == [3, 3, 0, 3, 0]
    assert {event.steps for event in seen} == {30}
    for event in seen:
        last = event.step - 1
        np.testing.assert_allclose(event.loss, result.losses[:, last].mean(), rtol=1e-6)
        psnr = 10 * np.log10(4 / result.errors[:, last])
        np.testing.assert_allclose(event.psnr, psnr.mean(), rtol=1e-6)


def test_progress_is_a_number_while_some_images_rest(tiny: Generator, photographs: np.ndarray):
    """Those that stopped in an earlier phase have no losses in this one."""
    broken = photographs.copy()
    broken[1] = np.nan
    seen: list[Progress] = []
    inversion = resolve(tiny, recipe=RECIPE)
    solved(inversion, broken, on_progress=seen.append)
    assert [event.running for event in seen] == [0, 0]
    assert all(np.isfinite([event.loss, event.psnr]).all() for event in seen)
    # Nothing is left to be said, and nothing is raised.
    broken[:] = np.nan
    solved(inversion, broken, on_progress=seen.append)
    assert all(np.isnan([event.loss, event.psnr]).all() for event in seen[2:])


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (1e-9, list(range(1, 31))),
        (1e9, [1, 2, 4, 6, 8, 12, 16, 20, 21, 22, 24, 26, 28, 30]),
    ],
)
def test_slow_steps_are_reported_more_often(
    tiny: Generator, photographs: np.ndarray, seconds: float, expected: list[int]
):
    """Reports grow apart by doubling; multiples of the chunk's length are never passed over."""
    seen: list[Progress] = []
    execution = Execution(chunk=8, chunk_seconds=seconds)
    invert(tiny, photographs, recipe=RECIPE, execution=execution, on_progress=seen.append)
    assert [event.step for event in seen] == expected


def test_seeds_choose_the_starts(tiny: Generator, photographs: np.ndarray, result: Result):
    again = invert(tiny, photographs, recipe=RECIPE, keys=image_keys(0, [0, 1, 2]))
    assert_equal(again, result)
    other = invert(tiny, photographs, recipe=RECIPE, seed=1)
    assert (np.abs(other.losses[:, 0] - result.losses[:, 0]) > 1e-5).all()
    # Two images never share a start.
    same = invert(tiny, photographs[[0, 0, 0]], recipe=RECIPE)
    assert len(set(same.losses[:, 0].tolist())) == 3
