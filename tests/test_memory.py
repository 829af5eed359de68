"""How much memory an inversion takes, and what is done where there is too little."""

import jax
import numpy as np
import pytest
from networks import untrained

from mgp_jax import memory
from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig, Generator
from mgp_jax.inversion import Inversion, invert, resolve, run
from mgp_jax.memory import at_a_time, fit, required
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.sharding import batch_mesh
from mgp_jax.solve import Execution

RECIPE = Recipe("test", (Phase(3), Phase(2, moves=("residual",))), codes=6)


def sliced(generator: Generator, slices: int) -> Inversion:
    return resolve(generator, recipe=RECIPE, execution=Execution(slices=slices))


@pytest.fixture(scope="module")
def wide() -> Generator:
    """Its feature maps take more than its parameters."""
    return untrained(DCGANConfig(4, (32, 64)), seed=1)


def test_slices_take_less_memory(wide: Generator):
    sizes = {slices: required(sliced(wide, slices), 1) for slices in (0, 6)}
    assert sizes[6] < 0.7 * sizes[0]


def test_the_largest_phase_is_what_is_required(wide: Generator):
    """A phase of codes takes more than one of the residual, wherever it comes."""
    codes, residual = RECIPE.phases
    alone = [
        required(resolve(wide, recipe=RECIPE.with_(phases=(p,))), 1) for p in (codes, residual)
    ]
    assert alone[0] > 1.5 * alone[1]
    for phases in ((codes, residual), (residual, codes)):
        both = required(resolve(wide, recipe=RECIPE.with_(phases=phases)), 1)
        # The losses of all phases are kept, in a snapshot beside the programs.
        assert both == pytest.approx(max(alone), rel=0.2)


def test_what_is_required_is_that_of_one_device(wide: Generator):
    inversion = resolve(wide, recipe=RECIPE)
    mesh = batch_mesh(np.array(jax.devices() * 2))
    assert mesh is not None and mesh.size == 2
    split = inversion.executed(Execution(mesh=mesh))
    assert required(split, 1) == required(inversion, 1)


@pytest.mark.parametrize("slices", [1, 3, 6])
def test_slices_change_nothing_but_rounding(wide: Generator, slices: int):
    observations = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    expected = invert(wide, observations, recipe=RECIPE)
    found = run(sliced(wide, slices), observations)
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-5)
    np.testing.assert_allclose(found.images, expected.images, atol=1e-4)


def test_slices_must_divide_the_codes(wide: Generator):
    with pytest.raises(SettingError, match="slices: 4 do not divide 6 codes"):
        sliced(wide, 4)


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A price in the place of what a compiler says: 100 an image, a sixth of it sliced finest."""

    def price(inversion: Inversion, count: int) -> int:
        return 100 * count // max(1, inversion.execution.slices)

    monkeypatch.setattr(memory, "required", price)


@pytest.mark.parametrize(
    ("limit", "choice"),
    [(800, (8, 0)), (799, (4, 0)), (399, (2, 0)), (100, (1, 0)), (99, (1, 2)), (17, (1, 6))],
)
def test_smaller_batches_come_before_slices(
    wide: Generator, priced: None, limit: float, choice: tuple[int, int]
):
    assert fit(sliced(wide, 0), 8, 1, limit) == choice


def test_every_start_takes_memory(wide: Generator, priced: None):
    assert fit(sliced(wide, 0), 8, 4, 800) == (2, 0)


def test_what_cannot_fit_is_refused(wide: Generator, priced: None):
    with pytest.raises(SettingError, match=r"memory limit: .* GiB, but one image takes .* GiB"):
        fit(sliced(wide, 0), 8, 1, 15)


@pytest.mark.parametrize(
    ("resolution", "limit", "images"),
    [(255, None, 8), (256, None, 1), (1024, None, 1), (1024, 1e9, 8)],
)
def test_devices_that_do_not_say_what_they_have_take_large_images_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch, resolution: int, limit: float | None, images: int
):
    monkeypatch.setattr(memory, "device_limit", lambda: limit)
    assert at_a_time(resolution, 8) == images
