"""The solver on a problem that is no generator, against the same written out in numpy."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import toy
from runs import assert_equal

from mgp_jax.solve import (
    Execution,
    Progress,
    ResolvedPhase,
    Snapshot,
    Solution,
    Status,
    loop,
    make_transform,
    outline,
    solve,
)


def solved(phases: list[ResolvedPhase], **settings: Any) -> Solution:
    execution = settings.pop("execution", Execution())
    posed = settings.pop("problem", toy.problem())
    return solve(posed, toy.start, phases, execution, **settings)


@pytest.mark.parametrize(
    ("transform", "rate", "settings", "tolerance", "statuses"),
    [
        (toy.SLOW, 0.2, {}, 0.0, {Status.FINISHED}),
        (toy.SLOW, 0.2, {}, 0.3, {Status.TARGET, Status.FINISHED}),
        (toy.WILD, 1.0, {}, 0.0, {Status.FINISHED}),
        (toy.WILD, 1.0, {"patience": 3}, 0.0, {Status.PLATEAU}),
        (toy.SLOW, 0.2, {"patience": 2}, 0.0, {Status.FINISHED}),
        (toy.ABSURD, 1e30, {}, 0.0, {Status.DIVERGED}),
    ],
)
def test_every_image_is_descended_by_itself(
    transform: Any, rate: float, settings: dict, tolerance: float, statuses: set
):
    """Best iterate, target, plateau and divergence, loss by loss."""
    steps = 12
    found = solved(
        [toy.phase_of(steps, transform, **settings)], problem=toy.problem(tolerance=tolerance)
    )
    assert set(found.status.tolist()) == statuses
    for number in range(toy.COUNT):
        with np.errstate(over="ignore", invalid="ignore"):
            expected = toy.descended(
                number, steps, rate, tolerance, patience=settings.get("patience")
            )
        assert found.status[number] == expected.status
        assert found.steps[number] == expected.steps
        # There is no number to compare where it diverged.
        last = expected.steps - (expected.status == Status.DIVERGED)
        for mine, theirs in ((found.losses, expected.losses), (found.errors, expected.errors)):
            np.testing.assert_allclose(mine[number, :last], theirs[:last], rtol=1e-4)
            assert np.isnan(mine[number, expected.steps :]).all()
        np.testing.assert_allclose(found.loss[number], expected.loss, rtol=1e-4)
        for name in ("far", "spread"):
            mine = found.variables[name][number]
            np.testing.assert_allclose(mine, getattr(expected, name), rtol=1e-3, atol=1e-5)


def test_the_wild_case_is_one():
    """Its losses rise, so that the best iterate is not the last."""
    for number in range(toy.COUNT):
        losses = toy.descended(number, 12, 1.0).losses
        assert losses[-1] > losses[0] == losses.min()


def test_a_plateau_is_a_fall_by_less_than_a_thousandth():
    """The objective falls in every step, but ever less."""
    found = solved([toy.phase_of(150, toy.SLOW, patience=3)])
    assert set(found.status.tolist()) == {Status.PLATEAU}
    for number in range(toy.COUNT):
        expected = toy.descended(number, 150, 0.2, patience=3)
        assert found.steps[number] == expected.steps < 150
        falls = found.losses[number, : expected.steps]
        assert (np.diff(falls[:-1]) < 0).all()


def test_a_known_optimum_is_reached():
    found = solved([toy.phase_of(300, toy.adapt)])
    np.testing.assert_allclose(found.variables["far"], toy.POINTS / toy.STRETCH, atol=1e-3)
    np.testing.assert_allclose(found.variables["spread"], 0, atol=1e-3)
    np.testing.assert_allclose(found.loss, 0.25, atol=1e-5)


def test_what_does_not_move_stays():
    begun = toy.bits(toy.start())
    for moves in (("far",), ("spread",)):
        found = toy.bits(solved([toy.phase_of(3, moves=moves)]).variables)
        assert found["absent"] is None
        for name in ("far", "spread", "still"):
            changed = not np.array_equal(found[name], begun[name])
            assert changed == (name in moves)


class Pair(NamedTuple):
    """The variables as a named tuple."""

    far: Any
    spread: Any


def enter_pair(given: Any, pair: Pair, phase: ResolvedPhase) -> tuple[Pair, Any]:
    return pair, {"weight": jnp.asarray(0.25)}


def of_pair(given: Any, target: Any, pair: Pair, held: Any, phase: ResolvedPhase) -> Any:
    return toy.objective(given, target, pair._asdict(), held, phase)


def test_variables_may_be_a_named_tuple():
    begun = toy.start()
    phase = ResolvedPhase(5, Pair._fields, enter_pair, of_pair, toy.SLOW)
    found = solve(toy.problem(), lambda: Pair(begun["far"], begun["spread"]), [phase])
    expected = solved([toy.phase_of(5)])
    np.testing.assert_array_equal(found.losses, expected.losses)
    assert_equal(
        toy.bits(found.variables), Pair(*(expected.variables[k] for k in ("far", "spread")))
    )


def test_a_broken_image_stays_alone():
    points = toy.POINTS.copy()
    points[1, 0] = np.nan
    whole, found = (
        solved([toy.phase_of(12)], problem=p) for p in (toy.problem(), toy.problem(points))
    )
    assert found.status.tolist() == [Status.FINISHED, Status.DIVERGED, Status.FINISHED]
    assert found.steps.tolist() == [12, 1, 12] and found.loss[1] == np.inf
    others = lambda tree: jax.tree.map(lambda leaf: np.asarray(leaf)[[0, 2]], tree)  # noqa: E731
    assert_equal(others(found), others(whole))
    np.testing.assert_array_equal(found.variables["far"][1], toy.start()["far"][1])


def near_start(moved: dict[str, Any], held: Any, phase: ResolvedPhase) -> dict[str, Any]:
    """Keeps a variable within a box around where the phase began."""
    return {**moved, "far": jnp.clip(moved["far"], held["far"] - 0.1, held["far"] + 0.1)}


# Adam has a state, the box something that it holds; the third phase looks no further.
PHASES = [
    toy.phase_of(5, toy.adapt),
    toy.phase_of(6, toy.adapt, project=near_start),
    toy.phase_of(3, toy.SLOW, moves=("spread",)),
]


@pytest.fixture(scope="module")
def whole() -> tuple[Solution, list[Progress]]:
    """All phases from end to end, and all that was reported."""
    seen: list[Progress] = []
    return solved(PHASES, execution=Execution(chunk=2), on_progress=seen.append), seen


def test_iterates_are_projected(whole: tuple[Solution, list[Progress]]):
    states = [event.state for event in whole[1] if event.phase == 1]
    moved = [np.abs(state.variables["far"] - state.held["far"]) for state in states]
    assert all(step.max() <= 0.1 + 1e-6 for step in moved)
    # The box is met, and around the best iterate of the phase before.
    assert moved[-1].max() == pytest.approx(0.1, abs=1e-6)
    first = solved(PHASES[:1]).variables
    np.testing.assert_array_equal(states[0].held["far"], first["far"])
    # The last phase leaves alone what it does not move.
    np.testing.assert_array_equal(whole[0].variables["far"], solved(PHASES[:2]).variables["far"])


@pytest.mark.parametrize(("chunk", "seconds"), [(1, None), (4, None), (50, None), (3, 1e-9)])
def test_chunks_change_nothing(
    whole: tuple[Solution, list[Progress]], chunk: int, seconds: float | None
):
    execution = Execution(chunk=chunk, chunk_seconds=seconds)
    assert_equal(toy.bits(solved(PHASES, execution=execution)), toy.bits(whole[0]))


def test_chunks_grow_no_faster_than_twofold(monkeypatch: pytest.MonkeyPatch):
    """However short the first seemed, which compilation hides, reports do not wait for the end."""
    moments = (1e-6 * n for n in range(1000))
    monkeypatch.setattr(loop.time, "perf_counter", lambda: next(moments))
    seen: list[Progress] = []
    execution = Execution(chunk=100, chunk_seconds=1.0)
    solved([toy.phase_of(40, toy.adapt)], execution=execution, on_progress=seen.append)
    steps = np.array([event.step for event in seen])
    assert steps[:3].tolist() == [1, 2, 4] and steps[-1] == 40
    assert (np.diff(steps)[1:] <= 2 * np.diff(steps)[:-1]).all()


@pytest.mark.parametrize("place", range(8))
def test_what_was_stopped_goes_on_bit_for_bit(whole: tuple[Solution, list[Progress]], place: int):
    result, seen = whole
    assert [event.step for event in seen] == [2, 4, 5, 7, 9, 11, 13, 14]
    snapshot = toy.bits(seen[place].snapshot)
    again: list[Progress] = []
    mine = solve(
        toy.problem(), fail, PHASES, Execution(chunk=3), resume=snapshot, on_progress=again.append
    )
    assert_equal(toy.bits(mine), toy.bits(result))
    assert again[-1].step == 14


def fail() -> Any:
    raise AssertionError("who goes on needs no start")


def test_the_outline_is_that_of_every_snapshot(whole: tuple[Solution, list[Progress]]):
    snapshots = jax.eval_shape(lambda: outline(toy.problem(), toy.start, PHASES))
    assert [type(snapshot) for snapshot in snapshots] == [Snapshot] * 3
    for event in whole[1]:
        outlined = jax.tree.map(lambda x: (x.shape, x.dtype), snapshots[event.phase])
        found = jax.tree.map(lambda x: (np.shape(x), np.asarray(x).dtype), event.snapshot)
        assert outlined == found


@pytest.mark.parametrize("tolerance", [0.0, 0.3])
def test_one_by_one_is_all_together(tolerance: float):
    """The same but for rounding: images stop by themselves either way."""
    posed = toy.problem(tolerance=tolerance)
    together, alone = (
        solved([toy.phase_of(12, toy.adapt, one_by_one=one)], problem=posed)
        for one in (False, True)
    )
    assert together.status.tolist() == alone.status.tolist()
    assert together.steps.tolist() == alone.steps.tolist()
    assert len(set(alone.steps.tolist())) == (1 if tolerance == 0 else 3)
    for mine, other in zip(jax.tree.leaves(alone), jax.tree.leaves(together), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)


def test_no_steps_at_all():
    seen: list[Progress] = []
    found = solved([toy.phase_of(0)], on_progress=seen.append)
    assert found.losses.shape == found.errors.shape == (toy.COUNT, 0)
    assert found.status.tolist() == [Status.FINISHED] * toy.COUNT
    assert found.steps.tolist() == [0] * toy.COUNT
    assert_equal(toy.bits(found.variables), toy.bits(toy.start()))
    # The start is looked at all the same.
    np.testing.assert_allclose(found.loss, [toy.descended(k, 1, 0.2).losses[0] for k in range(3)])
    assert [(event.step, event.steps, event.running) for event in seen] == [(0, 0, 0)]


def test_phases_without_steps_change_nothing():
    phase = toy.phase_of(6)
    assert_equal(
        toy.bits(solved([toy.phase_of(0), phase, toy.phase_of(0)])), toy.bits(solved([phase]))
    )


def with_momentum(held: Any, phase: ResolvedPhase) -> optax.GradientTransformation:
    return make_transform(
        lambda rate: optax.sgd(rate, momentum=0.9), "constant", phase.steps, {"far": 0.1}
    )


def test_an_own_optimiser():
    found = solved([toy.phase_of(8, with_momentum, moves=("far",))])
    for number, point in enumerate(toy.POINTS):
        far, speed = np.asarray(toy.start()["far"][number]), np.zeros(3)
        for loss in found.errors[number]:
            difference = toy.STRETCH * far - point
            np.testing.assert_allclose(loss, np.mean(difference**2), rtol=1e-4)
            speed = 0.9 * speed + 2 / 3 * toy.STRETCH * difference
            far = far - 0.1 * speed


def test_a_reached_target_rests_in_later_phases():
    posed = toy.problem(tolerance=0.3)
    one, two = (
        solved([toy.phase_of(12)] * count, problem=posed, execution=Execution(chunk=5))
        for count in (1, 2)
    )
    reached = one.status == Status.TARGET
    assert reached.any() and not reached.all()
    np.testing.assert_array_equal(two.losses[:, :12], one.losses)
    assert np.isnan(two.losses[reached, 12:]).all()
    assert np.isfinite(two.losses[~reached, 12]).all()
    np.testing.assert_array_equal(two.steps[reached], one.steps[reached])
    np.testing.assert_array_equal(two.variables["far"][reached], one.variables["far"][reached])


def test_a_plateau_goes_on_in_the_next_phase():
    found = solved([toy.phase_of(150, patience=3), toy.phase_of(4)])
    assert set(found.status.tolist()) == {Status.FINISHED}
    assert np.isfinite(found.losses[:, 150:]).all()
