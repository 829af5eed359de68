"""What a phase of codes holds fixed when it begins, and that holding it changes nothing."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from networks import CONFIGS, untrained
from runs import assert_equal, started

from mgp_jax.codes import Codes, features_of, fuse, render, render_batch, whitening
from mgp_jax.generators import Generator, Split
from mgp_jax.inversion import Inversion, draw, invert, pose, resolve
from mgp_jax.methods.multi_code import enter_codes, in_coordinates, render_codes
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.terms import Given, Held

COUNT = 2


@pytest.mark.parametrize("moves", [("alpha",), ("alpha", "residual")])
def test_a_head_at_rest_is_run_once(
    tiny: Generator, photographs: np.ndarray, moves: tuple[str, ...]
):
    """Feature maps kept from the start of the phase change nothing but the cost."""
    kept = Recipe("kept", (Phase(8, moves=moves),), codes=3)
    again = Recipe("again", (Phase(8, moves=("z", *moves), z_rate=0.0),), codes=3)
    mine, other = (invert(tiny, photographs, recipe=recipe) for recipe in (kept, again))
    assert_equal(mine.codes.z, np.asarray(other.codes.z))
    np.testing.assert_allclose(mine.losses, other.losses, rtol=1e-5)
    np.testing.assert_allclose(mine.codes.alpha, other.codes.alpha, rtol=1e-4, atol=1e-5)
    assert (mine.losses[:, -1] < mine.losses[:, 0]).all()


@pytest.fixture(scope="module")
def split() -> Split:
    """One with an accumulated image, styles and noise behind the cut."""
    return untrained(CONFIGS["stylegan2"], seed=3).split("layer1")


# Which of the anchor, the features and the whitening a phase holds.
HELD = [
    (("z", "alpha", "styles"), False, ""),
    (("z",), False, ""),
    (("noise",), False, ""),
    (("noise", "alpha"), False, ""),
    (("z", "alpha"), True, "whitening"),
    (("alpha",), False, "features"),
    (("alpha",), True, "features whitening"),
    (("alpha", "styles"), False, "features"),
    (("styles",), False, "anchor"),
    (("styles",), True, "anchor"),
    (("residual",), False, "anchor"),
    (("residual",), True, "anchor"),
    (("residual", "z"), False, "anchor"),
    (("residual", "noise"), False, "anchor"),
    (("residual", "alpha"), False, "anchor features"),
    (("residual", "alpha"), True, "anchor features whitening"),
    (("residual", "z", "alpha"), True, "anchor whitening"),
]


def resolved(split: Split, case: int) -> Inversion:
    moves, whiten, _ = HELD[case]
    recipe = Recipe("held", (Phase(1, moves=moves, whiten=whiten),), codes=COUNT)
    return resolve(split, recipe=recipe)


class Entered(NamedTuple):
    """Phases that have begun: a program for each would take much longer to compile.

    Attributes:
        codes: what all of them began with.
        features: what comes out of the head.
        fused: what is composed of that.
        whitening: of the features.
        cases: by case, the codes of the phase and what it holds.
        renderings: by case, image, composed map and anchor of codes that have moved, with what is
            held and without it; and what the codes render.
    """

    codes: Codes
    features: Any
    fused: Any
    whitening: Any
    cases: dict[int, tuple[Codes, Held]]
    renderings: dict[int, Any]


@pytest.fixture(scope="module")
def entered(split: Split) -> Entered:
    inversions = [resolved(split, case) for case in range(len(HELD))]
    images = jnp.zeros((1, *split.image_shape))
    given = pose(inversions[0], images).given
    begun = jax.tree.map(lambda leaf: leaf[0], started(split, images, inversions[0].recipe))

    @jax.jit
    def enter_all(given: Given, codes: Codes) -> Any:
        cases, renderings = {}, {}
        for case, inversion in enumerate(inversions):
            (phase,) = inversion.phases
            after, held = cases[case] = enter_codes(given, codes, phase)
            away = {
                name: jax.tree.map(lambda leaf: leaf + 0.1, getattr(after, name))
                for name in phase.moves
            }
            moved = after._replace(**away)
            mine, free = (render_codes(given, moved, h, phase) for h in (held, None))
            renderings[case] = (
                tuple((r.image, r.composed, r.anchor) for r in (mine, free)),
                render(given.split, moved),
            )
        features = features_of(given.split, codes)
        return features, fuse(given.split, codes), whitening(features), cases, renderings

    return Entered(begun, *enter_all(given, begun))


@pytest.mark.parametrize("case", range(len(HELD)), ids=lambda case: "-".join(HELD[case][0]))
def test_a_phase_holds_what_does_not_change(split: Split, entered: Entered, case: int):
    moves, _, names = HELD[case]
    after, held = entered.cases[case]
    assert {name for name, value in held._asdict().items() if value is not None} == set(
        names.split()
    )
    if held.anchor is not None:
        close(held.anchor, entered.fused)
    if held.features is not None:
        close(held.features, entered.features._replace(styles=None))
    if held.whitening is not None:
        close(held.whitening, entered.whitening)
    # Only what moves and is not there yet is made: a residual of zeros, the stored noise maps.
    assert (after.residual is not None) == ("residual" in moves)
    assert (after.noise is not None) == ("noise" in moves)
    assert_equal(after._replace(residual=None, noise=None), entered.codes)
    if after.residual is not None:
        assert_equal(after.residual, jax.tree.map(np.zeros_like, entered.fused))
    if after.noise is not None:
        assert_equal(after.noise, split.noise_maps)
        assert set(after.noise) == {"layer0", "layer1", "layer2"}


@pytest.mark.parametrize("case", range(len(HELD)), ids=lambda case: "-".join(HELD[case][0]))
def test_what_is_held_renders_as_what_is_not(entered: Entered, case: int):
    """With variables that have moved, those that the phase moves."""
    (mine, free), expected = entered.renderings[case]
    for image, _, _ in (mine, free):
        close(image, expected)
    close(mine[1], free[1])
    # Without a phase nothing is held, so there is nothing to be tethered to.
    assert free[2] is None and (mine[2] is not None) == ("anchor" in HELD[case][2])


def test_a_composed_map_is_that_of_the_residual_too(split: Split, entered: Entered):
    """What the tail renders, not what the codes alone come to."""
    for case, (moves, _, _) in enumerate(HELD):
        composed = entered.renderings[case][0][0][1]
        away = max(
            float(np.abs(a - b).max())
            for a, b in zip(jax.tree.leaves(composed), jax.tree.leaves(entered.fused), strict=True)
        )
        assert (away > 0.05) == (moves != ("styles",))


def close(mine: Any, expected: Any):
    assert jax.tree.structure(mine) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(mine), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_codes_are_drawn_as_they_are_rendered(split: Split, entered: Entered):
    inversion = resolved(split, 0)
    given = pose(inversion, jnp.zeros((1, *split.image_shape))).given
    batch = jax.tree.map(lambda leaf: leaf[None], entered.codes)
    close(draw(given, batch, inversion.phases[0]), render_batch(split, batch))


def test_importances_are_whitened_and_back():
    """A step in other coordinates is W^T (rate W gradient): written out channel by channel."""
    random = np.random.default_rng(0)
    change = np.tril(random.normal(size=(4, COUNT, COUNT))).astype(np.float32)
    gradient = random.normal(size=(COUNT, 4)).astype(np.float32)
    other = np.ones(3, np.float32)
    transform = in_coordinates(optax.sgd(0.5), jnp.asarray(change))
    values = {"alpha": jnp.zeros((COUNT, 4)), "z": jnp.zeros(3)}
    updates: Any
    updates, _ = transform.update(
        {"alpha": jnp.asarray(gradient), "z": jnp.asarray(other)}, transform.init(values), values
    )
    for channel in range(4):
        w = change[channel]
        expected = -0.5 * w.T @ (w @ gradient[:, channel])
        np.testing.assert_allclose(updates["alpha"][:, channel], expected, rtol=1e-5)
    np.testing.assert_allclose(updates["z"], -0.5 * other)


def momentum(rate: Any) -> optax.GradientTransformation:
    return optax.sgd(rate, momentum=0.5)


@pytest.mark.parametrize("optimizer", ["sgd", momentum])
def test_importances_have_rates_in_units_of_their_start(
    tiny: Generator, photographs: np.ndarray, optimizer: str | Callable
):
    """An own optimiser is handed the same rates as those that have a name."""
    moved = {}
    for power in (1, 2):
        phase = Phase(
            1, moves=("alpha", "z"), optimizer=optimizer, schedule="constant", alpha_rate=0.5
        )
        recipe = Recipe("rates", (phase,), codes=3, importance_power=power)
        begun = started(tiny, photographs[:1], recipe)
        inversion = resolve(tiny, recipe=recipe)
        (resolved_phase,) = inversion.phases
        zeros = {"alpha": jnp.zeros((3, 4)), "z": jnp.zeros((3, 8))}
        transform = resolved_phase.transform(Held(), resolved_phase)
        ones = jax.tree.map(jnp.ones_like, zeros)
        updates: Any
        updates, _ = transform.update(ones, transform.init(zeros), zeros)
        moved[power] = updates["alpha"]
        np.testing.assert_allclose(begun.alpha, 3.0**-power, rtol=1e-6)
        np.testing.assert_allclose(updates["alpha"], -0.5 * 3.0**-power, rtol=1e-6)
        np.testing.assert_allclose(updates["z"], -0.1, rtol=1e-6)
