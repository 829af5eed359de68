"""What the sliders of the pages for editing and exploring do."""

from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import pytest
from networks import untrained

from mgp_jax.app.editing import Edits, edited, last_layer, levers_of
from mgp_jax.app.exploring import Mixture, contributions, mixed
from mgp_jax.batch.outputs import save_codes
from mgp_jax.codes import Codes, init_codes
from mgp_jax.editing import edit, find_direction, render_all
from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig, Generator, Split, StyleGAN2Config, random_latents
from mgp_jax.generators.sampling import generate, with_truncation

Case = tuple[Generator, Split, Codes]


@pytest.fixture(scope="module")
def plain() -> Case:
    generator = untrained(DCGANConfig(8, (8, 4)), seed=1)
    split = generator.split(1)
    return generator, split, init_codes(split, jax.random.key(0), 3)


@pytest.fixture(scope="module")
def styled() -> Case:
    generator = untrained(StyleGAN2Config(8, 8, (8,), (6, 4, 4)), seed=1)
    split = generator.split("layer1", "w")
    return generator, split, init_codes(split, jax.random.key(0), 3)


@pytest.fixture(params=["plain", "styled"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    yield request.getfixturevalue(request.param)


def test_levers_at_zero_change_nothing(case: Case):
    generator, split, codes = case
    specs = [lever.spec for lever in levers_of(generator)]
    still = edited(generator, split, codes, Edits(dict.fromkeys(specs, 0.0)))
    np.testing.assert_array_equal(still, render_all(split, [codes])[0])


def test_one_lever_is_the_edit_of_the_command(plain: Case):
    generator, split, codes = plain
    direction = find_direction("sefa:2", generator, split.cut)
    expected = render_all(split, [edit(split, codes, direction, 1.5)])[0]
    moved = edited(generator, split, codes, Edits({"sefa:1": 0.0, "sefa:2": 1.5}))
    np.testing.assert_array_equal(moved, expected)


def test_levers_add_up_in_any_order(case: Case):
    generator, split, codes = case
    first = edited(generator, split, codes, Edits({"sefa:1": 1.0, "sefa:3": -2.0}))
    second = edited(generator, split, codes, Edits({"sefa:3": -2.0, "sefa:1": 1.0}))
    np.testing.assert_allclose(first, second, atol=1e-4)
    assert np.abs(first - edited(generator, split, codes, Edits({"sefa:1": 1.0}))).max() > 1e-3


def test_layers_and_region(styled: Case):
    generator, split, codes = styled
    assert last_layer(generator) == 3
    still = render_all(split, [codes])[0]
    everywhere = edited(generator, split, codes, Edits({"sefa:1": 2.0}))
    late = edited(generator, split, codes, Edits({"sefa:1": 2.0}, layers=(2, 3)))
    assert np.abs(late - everywhere).max() > 1e-3
    region = np.zeros(still.shape[:2], bool)
    region[:6] = True
    half = edited(generator, split, codes, Edits({"sefa:1": 2.0}, region=region))
    np.testing.assert_array_equal(half[6:], still[6:])
    assert np.abs(half[:3] - still[:3]).max() > 1e-3
    with pytest.raises(SettingError, match="layer"):
        edited(generator, split, codes, Edits({"sefa:1": 2.0}, layers=(7, 9)))


def test_without_styles_there_are_no_layers(plain: Case):
    assert last_layer(plain[0]) is None


def test_ends_of_a_mixture_are_the_samples(case: Case):
    generator, _, _ = case
    psi = 0.5 if last_layer(generator) else 1.0
    first, middle, last = mixed(generator, Mixture(3, 4, 0.0, psi))
    own = generator if psi == 1 else with_truncation(generator, psi)
    wanted = [generate(own, random_latents(generator, 1, seed))[0] for seed in (3, 4)]
    np.testing.assert_allclose(first, wanted[0], atol=1e-4)
    np.testing.assert_allclose(last, wanted[1], atol=1e-4)
    np.testing.assert_array_equal(middle, first)
    np.testing.assert_array_equal(mixed(generator, Mixture(3, 4, 1.0, psi))[1], last)
    between = mixed(generator, Mixture(3, 4, 0.5, psi))[1]
    assert min(np.abs(between - end).max() for end in (first, last)) > 1e-3


def test_mixing_styles(styled: Case):
    generator, _, _ = styled
    first, middle, last = mixed(generator, Mixture(3, 4, behind=1))
    assert min(np.abs(middle - end).max() for end in (first, last)) > 1e-3


def test_what_codes_add(plain: Case, tmp_path: Path):
    generator, split, codes = plain
    batch = jax.tree.map(lambda leaf: leaf[None], codes)

    class Found:
        losses = errors = np.zeros((1, 1))

    result = Found()
    result.codes, result.split = batch, split  # type: ignore[attr-defined]
    name = save_codes(tmp_path, "a", result, slice(0, 1))
    pictures = contributions(tmp_path / name, generator)
    assert [caption for _, caption in pictures] == ["all together", "code 0", "code 1", "code 2"]
    whole = np.clip(render_all(split, [codes])[0], -1, 1)
    assert np.abs(pictures[0][0] / 127.5 - 1 - whole).max() < 0.01
    assert len({picture.tobytes() for picture, _ in pictures}) == 4
