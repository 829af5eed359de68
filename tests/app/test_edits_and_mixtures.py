"""What the sliders of the pages for editing and exploring do."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
from networks import untrained

from mgp_jax.app import editing
from mgp_jax.app.editing import PREVIEW, Edits, OpenFace, OpenFaces, last_layer, levers_of
from mgp_jax.app.exploring import Mixture, contributions, mixed
from mgp_jax.batch.outputs import save_codes
from mgp_jax.codes import Codes, fuse, init_codes
from mgp_jax.editing import default_carry, find_direction, render_all, render_edits
from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig, Generator, Split, StyleGAN2Config, random_latents
from mgp_jax.generators.sampling import generate, with_truncation

Case = tuple[Generator, Split, Codes]
Opener = Callable[..., OpenFace]


def with_residual(split: Split, codes: Codes) -> Codes:
    """What the codes have missed is a bright spot."""
    spot = jax.tree.map(lambda x: np.zeros_like(x), fuse(split, codes))
    maps = spot.maps.copy()
    maps[1:3, 1:3] = 0.5
    return codes._replace(residual=spot._replace(maps=maps))


@pytest.fixture(scope="module")
def plain() -> Case:
    generator = untrained(DCGANConfig(8, (8, 4)), seed=1)
    split = generator.split(1)
    return generator, split, with_residual(split, init_codes(split, jax.random.key(0), 3))


@pytest.fixture(scope="module")
def styled() -> Case:
    generator = untrained(StyleGAN2Config(8, 8, (8,), (6, 4, 4)), seed=1)
    split = generator.split("layer1", "w")
    return generator, split, with_residual(split, init_codes(split, jax.random.key(0), 3))


@pytest.fixture(params=["plain", "styled"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    yield request.getfixturevalue(request.param)


def write(folder: Path, split: Split, codes: Codes, stem: str = "a") -> Path:
    """Writes codes as a run does."""
    batch = jax.tree.map(lambda leaf: leaf[None], codes)
    none = np.zeros((1, 1))
    result: Any = SimpleNamespace(codes=batch, split=split, losses=none, errors=none)
    return folder / save_codes(folder, stem, result, slice(0, 1))


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    def opened(generator: Generator, split: Split, codes: Codes) -> OpenFace:
        return OpenFace(write(tmp_path, split, codes), generator)

    return opened


def test_levers_at_zero_change_nothing(case: Case, opened: Opener):
    generator, split, codes = case
    specs = [lever.spec for lever in levers_of(generator)]
    still = opened(*case).edited(Edits(dict.fromkeys(specs, 0.0)))
    np.testing.assert_array_equal(still, render_all(split, [codes])[0])


def test_one_lever_is_the_edit_of_the_command(case: Case, opened: Opener):
    generator, split, codes = case
    direction = find_direction("sefa:2", generator, split.cut)
    strengths = [0.0, 1.5]
    _, expected = render_edits(split, codes, direction, strengths, residual=default_carry())
    moved = opened(*case).edited(Edits({"sefa:1": 0.0, "sefa:2": 1.5}))
    np.testing.assert_array_equal(moved, expected)
    # The residual matters here.
    _, kept = render_edits(split, codes, direction, strengths, residual="keep")
    assert np.abs(kept - expected).max() > 1e-3


def test_levers_add_up_in_any_order(case: Case, opened: Opener):
    face = opened(*case)
    first = face.edited(Edits({"sefa:1": 1.0, "sefa:3": -2.0}))
    second = face.edited(Edits({"sefa:3": -2.0, "sefa:1": 1.0}))
    # Where the flow between both is not quite the same, neither is the residual.
    np.testing.assert_allclose(first, second, atol=0.05)
    assert np.abs(first - face.edited(Edits({"sefa:1": 1.0}))).max() > 1e-3


def test_previews_are_small_and_follow_the_levers(opened: Opener):
    generator = untrained(StyleGAN2Config(8, 8, (8,), (6, 4, 4, 4, 4)), seed=1)
    split = generator.split("layer1", "w")
    face = opened(generator, split, init_codes(split, jax.random.key(0), 3))

    def halved(image: np.ndarray) -> np.ndarray:
        return image.reshape(8, 2, 8, 2, 3).mean((1, 3))

    plain, strengths = halved(face.plain), {"sefa:1": 2.0}
    np.testing.assert_allclose(face.edited(Edits({}), 8), plain, atol=1e-6)
    preview, full = face.edited(Edits(strengths), 8), halved(face.edited(Edits(strengths)))
    # Both differ by what the last layers, which it leaves out, make of the edit.
    assert np.abs(preview - full).mean() < np.abs(plain - full).mean()
    region = np.zeros((16, 16), bool)
    region[:8] = True
    limited = face.edited(Edits(strengths, region=region), 8)
    np.testing.assert_allclose(limited[4:], plain[4:], atol=1e-6)
    assert np.abs(limited[:4] - plain[:4]).max() > 1e-3
    # What is not larger than a preview is drawn as it is.
    assert face.edited(Edits(strengths), PREVIEW).shape == face.plain.shape


def test_faces_are_kept_open_up_to_a_number(
    plain: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    generator, split, codes = plain
    monkeypatch.setattr(editing, "MOST_OPEN", 2)
    paths = [write(tmp_path, split, codes, stem) for stem in "abc"]
    faces = OpenFaces()
    first, second = (faces.find(path, generator) for path in paths[:2])
    assert faces.find(paths[0], generator) is first
    faces.find(paths[2], generator)
    assert faces.find(paths[0], generator) is first
    assert faces.find(paths[1], generator) is not second


def test_layers_and_region(styled: Case, opened: Opener):
    generator, split, codes = styled
    edited = opened(*styled).edited
    assert last_layer(generator) == 3
    still = render_all(split, [codes])[0]
    everywhere = edited(Edits({"sefa:1": 2.0}))
    late = edited(Edits({"sefa:1": 2.0}, layers=(2, 3)))
    assert np.abs(late - everywhere).max() > 1e-3
    region = np.zeros(still.shape[:2], bool)
    region[:6] = True
    half = edited(Edits({"sefa:1": 2.0}, region=region))
    np.testing.assert_array_equal(half[6:], still[6:])
    assert np.abs(half[:3] - still[:3]).max() > 1e-3
    with pytest.raises(SettingError, match="layer"):
        edited(Edits({"sefa:1": 2.0}, layers=(7, 9)))


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
    pictures = contributions(write(tmp_path, split, codes), generator)
    assert [caption for _, caption in pictures] == ["all together", "code 0", "code 1", "code 2"]
    whole = np.clip(render_all(split, [codes])[0], -1, 1)
    assert np.abs(pictures[0][0] / 127.5 - 1 - whole).max() < 0.01
    assert len({picture.tobytes() for picture, _ in pictures}) == 4
