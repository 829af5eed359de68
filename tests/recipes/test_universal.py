"""The universal recipe: the less is known the more the prior weighs and the coarser the cut."""

from itertools import pairwise

import pytest
from known_recipes import TOLD

from mgp_jax.degradations import Information, information, parse
from mgp_jax.recipes import Recipe, recipe_for
from mgp_jax.recipes.universal import (
    uncertainty,
    uncertainty_of_large,
    universal_of_large,
    universal_of_small,
)

SHAPE = (64, 64, 3)


def weights(recipe: Recipe) -> tuple[float, ...]:
    codes, rest = recipe.phases
    assert codes.styles_prior == rest.styles_prior
    return codes.prior, rest.tether / (recipe.map_size or 1) ** 2


@pytest.mark.parametrize("make", [universal_of_large, universal_of_small])
@pytest.mark.parametrize(
    "specs",
    [
        ("identity", "down:2", "down:4", "down:16"),
        ("noise:0.02", "noise:0.1", "noise:0.4"),
        ("mask:random:0.1", "mask:random:0.8", "mask:random:0.99"),
        ("noise:0.1", "down:2|noise:0.1", "gray|down:2|noise:0.1"),
    ],
)
def test_less_that_is_known_makes_priors_heavier_and_maps_coarser(make, specs):
    recipes = [make(information(parse(spec, 64), SHAPE)) for spec in specs]
    for more, less in pairwise(recipes):
        assert all(a < b for a, b in zip(weights(more), weights(less), strict=True))
        assert more.map_size >= less.map_size


def test_errors_of_noise_and_of_renderings_add_up():
    told = Information(2, 2, 100.0, 400.0, 0.02, independent=False)
    assert uncertainty(told) == pytest.approx(0.02 / 400 + 0.03**2 / 100)
    recipe = universal_of_large(told)
    assert (recipe.map_size, recipe.space) == (64, "w")
    assert recipe.phases[0].prior == pytest.approx(3e5 * 5.9e-5, rel=0.05)
    assert recipe.phases[1].tether == pytest.approx(8e3 * 64**2 * 5.9e-5, rel=0.05)


def test_independent_noise_weighs_a_tenth_in_large_images():
    files = Information(2, 2, 1e4, 1e4, 0.9, independent=False)
    grain = files._replace(independent=True)
    large, same = universal_of_large(grain), universal_of_small(grain)
    assert large.phases[0].prior == pytest.approx(3e5 * (0.09 + 0.03**2) / 1e4, rel=0.05)
    assert large.phases[1].tether == pytest.approx(8e3 * 64**2 * (0.09 + 0.03**2) / 1e4, rel=0.05)
    assert same == universal_of_small(files)


def test_styles_are_held_where_colours_are_not_known():
    gray = Information(16, 16, 1e4, 1e4, 0.01, coloured=False)
    held, free = universal_of_large(gray), universal_of_large(gray._replace(coloured=True))
    for phase, other in zip(held.phases, free.phases, strict=True):
        assert phase.styles_prior == pytest.approx(10 * other.styles_prior, rel=0.05)
        assert (phase.prior, phase.tether) == (other.prior, other.tether)
    assert free.phases[0].styles_prior > 0
    small, same = (universal_of_small(x) for x in (gray, gray._replace(coloured=True)))
    assert small.with_(**same.expected) == same


@pytest.mark.parametrize(
    ("size", "spec", "expected"),
    [
        (1024, "noise:0.1", (1.3, 0.01, 0.001)),
        (1024, "mask:random:0.8", (1.3, 0.01, 0.001)),
        (1024, "mask:center:256", (1.8, 0.02, 0.002)),
        (1024, "down:16", (1.8, 0.02, 0.002)),
        (1024, "gray", (2.0, 0.02, 0)),
        (64, "down:2|noise:0.05", (1.1, 0.03, 0.002)),
        (64, "down:4", (1.7, 0.03, 0.002)),
        (64, "mask:random:0.8", (1.7, 0.03, 0.002)),
        (64, "gray", (2.1, 0.03, 0)),
    ],
)
def test_what_is_left_open_is_expected_to_be_farther_off(
    size: int, spec: str, expected: tuple[float, ...]
):
    make = universal_of_large if size == 1024 else universal_of_small
    recipe = make(information(parse(spec, size), (size, size, 3)))
    assert recipe.expected == dict(zip(("temperature", "floor", "shift"), expected, strict=True))


@pytest.mark.parametrize(("cell", "common", "followed"), [(4, 4, 1), (16, 4, 0.25)])
def test_random_errors_that_jpeg_has_spread_are_one_for_each_square(
    cell: int, common: int, followed: float
):
    """Of squares where there are no holes, but no more than there are values."""
    told = Information(cell, common, 1600 / cell**2, 1000.0, 0.03, independent=False, random=0.02)
    missed = 0.03**2 / told.determined
    expected = 0.01 / 1000 + missed + followed * 0.02 / 100
    size = {4: 32, 16: 16}[cell]
    assert uncertainty_of_large(told, size) == pytest.approx(expected)
    few = told._replace(known=50.0)
    assert uncertainty_of_large(few, 64) == pytest.approx(0.03 / 50 + missed)
    assert universal_of_large(told).phases[0].prior == pytest.approx(3e5 * expected, rel=0.05)
    # In small images nothing of it is.
    assert uncertainty(told) == pytest.approx(0.03 / 1000 + missed)


@pytest.mark.parametrize("make", [universal_of_large, universal_of_small])
def test_weights_have_two_digits_so_that_every_host_has_the_same(make):
    for told in TOLD.values():
        near = told._replace(noise=told.noise * (1 + 1e-9))
        assert make(told) == make(near)


def test_cuts():
    told = [Information(cell, cell, 1, 1, 0) for cell in (1, 2, 4, 8, 16)]
    assert [universal_of_large(known).map_size for known in told] == [128, 64, 32, 16, 8]
    assert [universal_of_small(known).map_size for known in told] == [16, 8, 4, 4, 4]


@pytest.mark.parametrize(
    ("cell", "common", "map_size"),
    [(16, 1, 16), (16, 8, 16), (16, 16, 8), (8, 2, 32), (4, 1, 64), (2, 1, 64)],
)
def test_holes_make_maps_coarser_by_one_octave_less(cell: int, common: int, map_size: int):
    assert universal_of_large(Information(cell, common, 1, 1, 0)).map_size == map_size


def test_by_name():
    degradation = parse("down:4", 64)
    expected = universal_of_small(information(degradation, SHAPE))
    assert recipe_for("universal", degradation) == expected
