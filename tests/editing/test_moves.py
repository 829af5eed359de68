"""Moves: nothing at strength zero, back again, only what is chosen, only where it is allowed."""

from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from networks import untrained

from mgp_jax.codes import Codes, fuse, init_codes, render
from mgp_jax.editing import (
    Direction,
    drift,
    edit,
    fade,
    in_every_style,
    lift,
    limit,
    render_edits,
)
from mgp_jax.errors import SettingError
from mgp_jax.generators import (
    DCGANConfig,
    Generator,
    PGGANConfig,
    Split,
    StyleGAN2Config,
    StyleGANConfig,
)
from mgp_jax.inversion import invert
from mgp_jax.recipes import Phase, refined

CASES = {
    "dcgan": (DCGANConfig(5, (6, 4)), "z"),
    "pggan": (PGGANConfig(5, (6, 4)), "z"),
    "stylegan in w": (StyleGANConfig(5, 4, (4,), (6, 4)), "w"),
    "stylegan2 in z": (StyleGAN2Config(5, 4, (4,), (6, 4, 4)), "z"),
    "stylegan2 in w+": (StyleGAN2Config(5, 4, (4,), (6, 4, 4)), "w+"),
}


class Case(NamedTuple):
    split: Split
    codes: Codes
    direction: Direction


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    config, space = CASES[request.param]
    generator = untrained(config, seed=3)
    split = generator.split(len(generator.stages) - 1, space)
    codes = init_codes(split, jax.random.key(0), 3)
    random = np.random.default_rng(0)
    residual = jax.tree.map(
        lambda x: (0.1 * random.normal(size=x.shape)).astype(np.float32),
        fuse(split, codes),
    )
    vector = random.normal(size=codes.z.shape[-1])
    direction = Direction((vector / np.linalg.norm(vector)).astype(np.float32), space, "d")
    return Case(split, codes._replace(residual=residual), direction)


def test_zero_changes_nothing_and_back_again_is_back(case: Case):
    split, codes, direction = case
    zero = edit(split, codes, direction, 0.0)
    jax.tree.map(np.testing.assert_array_equal, zero, codes)
    there = edit(split, codes, direction, 2.5)
    back = edit(split, there, direction, -2.5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), back, codes)
    images = render_edits(split, codes, direction, [0.0, 2.5])
    np.testing.assert_array_equal(images[0], render_edits(split, codes, direction, [0])[0])
    np.testing.assert_allclose(images[0], render(split, codes), atol=1e-5)
    assert np.abs(images[1] - images[0]).max() > 1e-2
    # Importances and residual are what they were.
    np.testing.assert_array_equal(there.alpha, codes.alpha)
    jax.tree.map(np.testing.assert_array_equal, there.residual, codes.residual)


def test_only_chosen_codes_move(case: Case):
    split, codes, direction = case
    moved = np.asarray(edit(split, codes, direction, 2.0, [0, 2]).z - codes.z)
    np.testing.assert_array_equal(moved[1], 0)
    expected = np.broadcast_to(2 * direction.vector, moved[0].shape)
    for number in (0, 2):
        np.testing.assert_allclose(moved[number], expected, atol=1e-5)
    for wrong in ([3], [-1]):
        with pytest.raises(SettingError, match="the codes 0 to 2"):
            edit(split, codes, direction, 1.0, wrong)
    other = direction._replace(space="w" if split.space == "z" else "z")
    with pytest.raises(SettingError, match="lives in"):
        edit(split, codes, other, 1.0)


def test_strengths_are_in_deviations(case: Case):
    split, codes, direction = case
    half = edit(split, codes, direction._replace(deviation=0.5), 3.0)
    jax.tree.map(np.testing.assert_array_equal, half, edit(split, codes, direction, 1.5))


def test_a_residual_fades_where_the_edit_draws_something_else(case: Case):
    split, codes, direction = case
    same = fade(split, codes)(edit(split, codes, direction, 0.0))
    jax.tree.map(np.testing.assert_array_equal, same, codes)
    edited = edit(split, codes, direction, 2.5)
    carried = fade(split, codes)(edited)
    old, new = fuse(split, codes), fuse(split, edited)
    for before, after, residual, faded in zip(
        *map(jax.tree.leaves, (old, new, codes.residual, carried.residual)), strict=True
    ):
        change = np.sqrt(np.mean((after - before) ** 2, -1) / np.mean(before**2))
        share = np.linalg.norm(faded, axis=-1) / np.linalg.norm(residual, axis=-1)
        np.testing.assert_allclose(share, 1 / (1 + (change / 0.5) ** 2), rtol=1e-4)
        assert share.min() < 0.99
    jax.tree.map(
        np.testing.assert_array_equal,
        carried._replace(residual=None),
        edited._replace(residual=None),
    )
    bare = codes._replace(residual=None)
    assert fade(split, bare)(bare) is bare
    frames = [
        render_edits(split, codes, direction, [0.0, 2.5], residual=name)
        for name in ("keep", "fade")
    ]
    np.testing.assert_array_equal(frames[0][0], frames[1][0])
    assert np.abs(frames[0][1] - frames[1][1]).max() > 1e-4


@pytest.mark.parametrize("case", ["stylegan in w"], indirect=True)
def test_codes_are_lifted_to_a_later_space_of_the_direction(case: Case):
    split, codes, direction = case
    later = in_every_style(direction, split.generator)
    assert later.space == "w+"
    frames = render_edits(split, codes, later, [0.0, 2.5])
    expected = render_edits(*lift(split, codes, "w+"), later, [0.0, 2.5])
    np.testing.assert_array_equal(frames, expected)


@pytest.mark.parametrize("case", ["stylegan in w", "stylegan2 in w+"], indirect=True)
def test_styles_behind_the_cut_go_along(case: Case):
    split, codes, direction = case
    assert codes.styles is not None
    after: Any = edit(split, codes, direction, 1.5).styles
    # Nothing is truncated here, so that a step in W is the same step in every style.
    expected = np.broadcast_to(1.5 * direction.vector, after.shape)
    np.testing.assert_allclose(after - codes.styles, expected, atol=1e-5)
    # Of three codes one: a third of the step.
    third: Any = edit(split, codes, direction, 1.5, [1]).styles
    np.testing.assert_allclose(third - codes.styles, expected / 3, atol=1e-5)


def test_codes_carried_into_a_later_space_render_the_same():
    generator = untrained(StyleGAN2Config(5, 4, (4,), (6, 4, 4)), seed=3)
    split = generator.split("layer1")
    codes = init_codes(split, jax.random.key(0), 3)
    image = render(split, codes)
    for space in ("w", "w+"):
        there, lifted = lift(split, codes, space)
        assert (there.space, there.cut) == (space, split.cut)
        np.testing.assert_allclose(render(there, lifted), image, atol=1e-5)
    with pytest.raises(SettingError, match="carried back"):
        lift(generator.split("layer1", "w"), codes, "z")


def test_zero_is_the_inversion_bit_for_bit(tiny: Generator, photographs: np.ndarray):
    recipe = refined("short", Phase(4, prior=0.03), Phase(3)).with_(codes=3)
    result = invert(tiny, photographs[:1], recipe=recipe)
    codes = jax.tree.map(lambda x: x[0], result.codes)
    assert np.abs(codes.residual.maps).max() > 0
    vector = np.full(8, 8**-0.5, np.float32)
    direction = Direction(vector, "z", "d")
    frames = render_edits(result.split, codes, direction, [-1.0, 0.0, 1.0])
    np.testing.assert_array_equal(frames[1], result.images[0])
    assert min(np.abs(frames[k] - frames[1]).max() for k in (0, 2)) > 1e-3


def test_an_edit_is_limited_to_its_region():
    random = np.random.default_rng(0)
    original, frames = random.normal(size=(1, 32, 32, 3)), random.normal(size=(4, 32, 32, 3))
    region = np.zeros((32, 32), bool)
    region[8:24, 10:] = True
    limited = limit(frames, original[0], region)
    np.testing.assert_array_equal(
        limited[:, ~region], np.broadcast_to(original, frames.shape)[:, ~region]
    )
    # Deep inside, and at the image's edge, the edit is all there; in between it fades in.
    np.testing.assert_array_equal(limited[:, 12:20, 14:], frames[:, 12:20, 14:])
    ramp = np.abs(limited - original)[:, 12:20, 10:13] / np.abs(frames - original)[:, 12:20, 10:13]
    np.testing.assert_allclose(ramp.mean((0, 1, 3)), [1 / 3, 2 / 3, 1], atol=1e-6)
    assert drift(limited, original[0], ~region) == [0.0] * 4
    assert min(drift(frames, original[0], ~region)) > 0.01  # type: ignore[type-var]
    np.testing.assert_array_equal(limit(frames, original[0], region | True), frames)
    whole = drift(limited, original[0])
    assert all(0 < a < b for a, b in zip(whole, drift(frames, original[0]), strict=True))  # type: ignore[operator]
    assert drift(frames[:, :16, :16], original[0, :16, :16]) == [None] * 4
