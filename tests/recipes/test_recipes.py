"""Recipes as data: their settings, the sharing of steps, and which one a degradation asks for."""

import dataclasses
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_recipes import rows
from networks import untrained

from mgp_jax.codes import Codes
from mgp_jax.degradations import kind_of, parse
from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig, Generator, MobileStyleGANConfig
from mgp_jax.recipes import RECIPES, Phase, Recipe, described, recipe_for
from mgp_jax.recipes.published import PAPER

ALL = [
    pytest.param(recipe, id=f"{name} {size} {kind}")
    for name, tables in RECIPES.items()
    for size, table in zip(("small", "large"), tables, strict=True)
    for kind, recipe in rows(table).items()
]


def styled(layers: int) -> Generator:
    """A style-based generator of 8 * 2^(layers // 2) pixels."""
    return untrained(MobileStyleGANConfig(4, 4, (4,), (4,) * layers), seed=1)


def recipe_of(*steps: int) -> Recipe:
    return Recipe("test", tuple(Phase(n) for n in steps))


@given(st.lists(st.integers(1, 400), min_size=1, max_size=5), st.integers(0, 3000))
def test_steps_are_shared_as_before(counts: list[int], beyond: int):
    recipe = recipe_of(*counts)
    steps = len(counts) + beyond
    shared = recipe.with_(steps=steps)
    after = [phase.steps for phase in shared.phases]
    assert shared.steps == sum(after) == steps
    assert min(after) >= 1
    for mine, before in zip(after, counts, strict=True):
        # Rounding moves each end by a half; phases of no steps push the others away.
        assert abs(mine - before * steps / sum(counts)) <= 1 + len(counts)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=5))
def test_as_many_steps_as_before_change_nothing(counts: list[int]):
    recipe = recipe_of(*counts)
    assert recipe.with_(steps=recipe.steps) == recipe


@pytest.mark.parametrize(
    ("counts", "steps", "expected"),
    [
        ((60, 300), 6, (1, 5)),
        ((60, 100), 80, (30, 50)),
        ((60, 100), 1600, (600, 1000)),
        ((60, 100), 2, (1, 1)),
        ((1, 1000), 10, (1, 9)),
        ((1000, 1), 10, (9, 1)),
        ((1000, 1, 1), 3, (1, 1, 1)),
        ((7,), 3, (3,)),
    ],
)
def test_sharing(counts, steps, expected):
    shared = recipe_of(*counts).with_(steps=steps)
    assert tuple(phase.steps for phase in shared.phases) == expected


@pytest.mark.parametrize(
    ("counts", "steps"), [((60, 100), 1), ((60,), 0), ((1, 1, 1), 2), ((5,), -4)]
)
def test_too_few_steps_are_refused(counts, steps):
    with pytest.raises(SettingError, match=f"steps: {steps}, recipe test needs {len(counts)}"):
        recipe_of(*counts).with_(steps=steps)


def test_nothing_but_the_steps_changes():
    recipe = dataclasses.replace(PAPER["inpainting"], phases=PAPER["inpainting"].phases * 2)
    shared = recipe.with_(steps=10)
    back = tuple(dataclasses.replace(phase, steps=3000) for phase in shared.phases)
    assert dataclasses.replace(shared, phases=back) == recipe


@pytest.mark.parametrize("recipe", ALL)
def test_recipes_are_possible(recipe: Recipe):
    assert recipe.codes >= 1
    for phase in recipe.phases:
        assert phase.steps >= 1
        assert phase.moves and set(phase.moves) <= set(Codes._fields)
        assert phase.optimizer in ("adam", "sgd") and phase.schedule in ("cosine", "constant")
        assert phase.pixel > 0
    # All phases compare features at one size, which the engine needs.
    assert len({phase.perceptual_size for phase in recipe.phases if phase.perceptual}) <= 1


@pytest.mark.parametrize(
    ("kind", "codes", "layer", "steps", "features"),
    [
        ("inversion", 20, 8, 3000, 1.0),
        ("colorization", 20, 6, 1500, 1.0),
        ("super-resolution", 20, 6, 2000, 1.0),
        ("inpainting", 30, 4, 3000, 0.1),
    ],
)
def test_the_published_settings(kind, codes, layer, steps, features):
    recipe = PAPER[kind]
    (phase,) = recipe.phases
    assert (recipe.codes, recipe.layer, recipe.space) == (codes, layer, "z")
    assert recipe.importance_power == 2  # 1 / N, and the sum divided by N once more.
    assert (phase.steps, phase.moves) == (steps, ("z", "alpha"))
    assert (phase.optimizer, phase.schedule) == ("sgd", "constant")
    assert (phase.z_rate, phase.alpha_rate) == (1.0, 1.0)
    assert (phase.pixel, phase.perceptual) == (1.0, pytest.approx(0.001 * features))
    assert (phase.prior, phase.tether) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("identity", "inversion"),
        ("gray", "colorization"),
        ("down:4:bicubic", "super-resolution"),
        ("mask:center:16", "inpainting"),
        ("mask:random:0.5", "scattered inpainting"),
        ("impulse:0.2", "scattered inpainting"),
        ("noise:0.1", "denoising"),
        ("blur:gaussian:1.5", "restoration"),
        ("jpeg:30", "restoration"),
        ("cs:0.1", "restoration"),
        ("poisson:24|drop:0.1", "denoising"),
        ("blur:gaussian:1|down:2|quantise:8", "super-resolution"),
        ("gray|down:2|noise:0.05", "restoration"),
        ("blur:gaussian:1|down:2|gray", "restoration"),
        ("blur:gaussian:1|jpeg:30", "restoration"),
        ("mask:center:8|noise:0.1", "restoration"),
    ],
)
def test_kind_of_problem(spec, kind):
    """What is a restoration the universal recipe does under all names."""
    degradation = parse(spec, 64)
    assert kind_of(degradation) == kind
    for name, (small, _) in RECIPES.items():
        recipe = recipe_for(name, degradation)
        if isinstance(small, Mapping) and kind in small:
            assert recipe == small[kind]
        else:
            universal = recipe_for("universal", degradation)
            assert recipe.name == name and recipe.phases[0] == universal.phases[0]
            assert recipe.samples == (4 if name == "quality" else 1)
            assert len(recipe.phases) == (1 if name == "prior" else 2)


def test_published_cuts_are_those_of_a_pggan(tiny: Generator):
    degradation = parse("mask:center:16", 32)
    assert recipe_for("paper", degradation).layer == 4
    assert recipe_for("paper", degradation, tiny).layer is None


@pytest.mark.parametrize(
    ("what", "large"),
    [
        (None, False),
        (untrained(DCGANConfig(4, (4,) * 6), seed=1), False),
        (styled(9), False),
        (styled(11), True),
        (styled(11).split(space="w"), True),
        (styled(11).split(space="z"), False),
        (styled(9).split(space="w"), False),
    ],
    ids=lambda value: str(getattr(value, "name", value)),
)
def test_large_style_based_generators_have_their_own(what, large):
    """Those have a space W for codes to live in, which the recipes ask for."""
    for spec in ("identity", "down:16", "gray"):
        degradation = parse(spec, 256)
        recipe = recipe_for("fast", degradation, what)
        row = rows(RECIPES["fast"][large])[kind_of(degradation)]
        # A quarter of 256 pixels, at most.
        finest = min(row.map_size, 64) if large else row.map_size
        assert recipe == dataclasses.replace(row, map_size=finest)
        assert (recipe.space == "w") == large


@pytest.mark.parametrize(
    ("layers", "fast", "universal"), [(11, 64, 64), (13, 128, 128), (15, 256, 128)]
)
def test_maps_of_large_images_are_at_most_a_quarter_as_high(layers, fast, universal):
    what, degradation = styled(layers), parse("identity", 1024)
    assert recipe_for("fast", degradation, what).map_size == fast
    assert recipe_for("universal", degradation, what).map_size == universal
    # What is coarser anyway stays so, and what leaves the cut to the generator.
    assert recipe_for("fast", parse("gray", 1024), what).map_size == 8
    assert recipe_for("w", degradation, what).map_size is None


@pytest.mark.parametrize("name", ["fast", "quality", "edit", "prior", "paper"])
@pytest.mark.parametrize(
    ("spec", "own_row"),
    [
        ("down:8", True),
        ("down:2:pillow", False),
        ("down:8:pillow", False),
        ("down:16:pillow", True),
    ],
)
def test_unknown_filters_that_left_much_are_the_universal_recipes(name, spec, own_row):
    degradation, what = parse(spec, 256), styled(11)
    recipe = recipe_for(name, degradation, what)
    row = rows(RECIPES[name][True])["super-resolution"]
    if own_row or name in ("prior", "paper"):
        assert recipe == dataclasses.replace(row, layer=None)
    else:
        made = recipe_for("universal", degradation, what)
        samples = 4 if name == "quality" else 1
        assert recipe == dataclasses.replace(made, name=name, samples=samples)


def test_scattered_pixels_of_large_images_are_the_universal_recipes():
    degradation, what = parse("mask:random:0.5", 256), styled(11)
    universal = recipe_for("universal", degradation, what)
    for name in ("fast", "edit"):
        recipe = recipe_for(name, degradation, what)
        assert recipe == dataclasses.replace(universal, name=name)
    assert recipe_for("prior", degradation, what).phases == universal.phases[:1]


def test_noise_of_large_images_is_the_universal_recipes():
    for spec in ("noise:0.05", "poisson:24|drop:0.1"):
        degradation, what = parse(spec, 256), styled(11)
        universal = recipe_for("universal", degradation, what)
        assert recipe_for("fast", degradation, what) == dataclasses.replace(universal, name="fast")
        prior = recipe_for("prior", degradation, what)
        assert prior == rows(RECIPES["prior"][True])["denoising"] and len(prior.phases) == 1


def test_small_generators_have_one_recipe_for_all_factors(tiny: Generator):
    for spec in ("down:2", "down:16"):
        recipe = recipe_for("fast", parse(spec, 32), tiny)
        assert recipe == rows(RECIPES["fast"][False])["super-resolution"]


def test_unknown_recipes_are_refused():
    with pytest.raises(SettingError, match="recipe slow: there are fast, quality, prior, edit, un"):
        recipe_for("slow", parse("identity", 32))


def test_settings_are_changed_by_name():
    recipe = recipe_of(60, 100)
    changed = recipe.with_(codes=3, layer="layer1", samples=2, steps=80)
    phases = tuple(Phase(n) for n in (30, 50))
    assert changed == Recipe("test", phases, codes=3, layer="layer1", samples=2)
    assert recipe.with_() == recipe


def own(rendering, target, variables):
    return 0.0


def without_saturation(recipe: Recipe) -> str:
    return repr(recipe).replace(" saturation=1.0,", "")


def test_what_a_recipe_says_is_the_same_in_every_process():
    """It tells runs apart, so where a function lies in memory must not be in it."""
    recipe = Recipe("own", (Phase(1, terms=(own,), rates={"b": 2.0, "a": 1.0}),))
    text = described(recipe)
    assert "own" in text and " at 0x" not in text and " at 0x" in repr(recipe)
    assert text != described(recipe.with_(codes=3))
    published = PAPER["inversion"].with_(samples=2, temperature=1.5)
    assert described(published) == without_saturation(published)


def test_what_was_added_is_not_said_where_it_changes_nothing():
    """So that folders of runs that knew nothing of it are gone on with."""
    recipe = recipe_of(60)
    text = without_saturation(recipe).replace(", temperature=1.0, floor=0.0, shift=0.0)", ")")
    changed = recipe.with_(temperature=2.0, floor=0.1, shift=0.1)
    assert described(recipe) == described(changed) == text != repr(recipe)
    several = recipe.with_(samples=4)
    assert described(several) == text.replace("samples=1", "samples=4")
    for change in ({"temperature": 2.0}, {"floor": 0.1}, {"shift": 0.1}):
        changed = several.with_(**change)
        assert described(changed) == without_saturation(changed)
    assert "saturation=1.2" in described(recipe.with_(saturation=1.2))


@pytest.mark.parametrize(
    ("size", "kind", "fast", "prior"),
    [
        (0, "inversion", (1, 0.005, 0), (1, 0.01, 0)),
        (0, "colorization", (1.6, 0.03, 0), (1.6, 0.03, 0)),
        (0, "super-resolution", (1.6, 0.03, 0.002), (2, 0.03, 0.002)),
        (0, "inpainting", (2.9, 0.03, 0.002), (2.6, 0.03, 0.002)),
        (0, "scattered inpainting", (1.3, 0.03, 0.002), (2.2, 0.03, 0.002)),
        (0, "denoising", (1, 0.03, 0.002), (1.7, 0.03, 0.002)),
        (1, "inversion", (1, 0.005, 0), (1.7, 0.03, 0.002)),
        (1, "colorization", (2, 0.02, 0), (2, 0.02, 0)),
        (1, "super-resolution", (1.5, 0.01, 0.002), (1.5, 0.01, 0.002)),
        (1, "inpainting", (1.8, 0.03, 0.002), (1.8, 0.03, 0.002)),
        (1, "denoising", None, (2.1, 0.03, 0.002)),
    ],
)
def test_what_is_expected_of_several_samples(
    size: int, kind: str, fast: tuple[float, ...] | None, prior: tuple[float, ...]
):
    """As measured, see the guide; colours know no edges, and codes alone miss more."""
    for name, expected in (("fast", fast), ("quality", fast), ("prior", prior)):
        recipe = rows(RECIPES[name][size]).get(kind)
        assert (recipe and tuple(recipe.expected.values())) == expected


def test_rates_of_other_variables():
    phase = Phase(1, rates={"b": 2.0, "z": 0.5})
    assert (phase.rate("z"), phase.rate("b"), phase.rate("alpha")) == (0.5, 2.0, 0.2)
    assert phase == Phase(1, rates=(("b", 2.0), ("z", 0.5))) and hash(phase)
    with pytest.raises(SettingError, match="phase: moves c, but has no learning rate for it"):
        phase.rate("c")
