"""How much memory an inversion takes, and what is done where there is too little."""

import dataclasses

import numpy as np
import pytest
from networks import untrained

from mgp_jax import memory
from mgp_jax.degradations import parse
from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig, Generator
from mgp_jax.inversion import Execution, InversionConfig, invert
from mgp_jax.memory import fit, required
from mgp_jax.recipes import Phase, Recipe

IDENTITY = parse("identity", 16)
CONFIG = InversionConfig(recipe=Recipe("test", (Phase(3),), codes=6))


def sliced(slices: int) -> InversionConfig:
    return dataclasses.replace(CONFIG, execution=Execution(slices=slices))


@pytest.fixture(scope="module")
def wide() -> Generator:
    """Its feature maps take more than its parameters."""
    return untrained(DCGANConfig(4, (32, 64)), seed=1)


def test_slices_take_less_memory(wide: Generator):
    sizes = {slices: required(wide, sliced(slices), IDENTITY, 1) for slices in (0, 6)}
    assert sizes[6] < 0.7 * sizes[0]


@pytest.mark.parametrize("slices", [1, 3, 6])
def test_slices_change_nothing_but_rounding(wide: Generator, slices: int):
    observations = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    expected = invert(wide, observations, CONFIG, IDENTITY)
    found = invert(wide, observations, sliced(slices), IDENTITY)
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-5)
    np.testing.assert_allclose(found.images, expected.images, atol=1e-4)


def test_slices_must_divide_the_codes(wide: Generator):
    with pytest.raises(SettingError, match="slices: 4 do not divide 6 codes"):
        invert(wide, np.zeros((1, 16, 16, 3)), sliced(4), IDENTITY)


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A price in the place of what a compiler says: 100 an image, a sixth of it sliced finest."""

    def price(generator, config, degradation, count: int) -> int:
        return 100 * count // max(1, config.execution.slices)

    monkeypatch.setattr(memory, "required", price)


@pytest.mark.parametrize(
    ("limit", "choice"),
    [(800, (8, 0)), (799, (4, 0)), (399, (2, 0)), (100, (1, 0)), (99, (1, 2)), (17, (1, 6))],
)
def test_smaller_batches_come_before_slices(
    wide: Generator, priced: None, limit: float, choice: tuple[int, int]
):
    assert fit(wide, CONFIG, IDENTITY, 8, 1, limit) == choice


def test_every_start_takes_memory(wide: Generator, priced: None):
    assert fit(wide, CONFIG, IDENTITY, 8, 4, 800) == (2, 0)


def test_what_cannot_fit_is_refused(wide: Generator, priced: None):
    with pytest.raises(SettingError, match=r"memory limit: .* GiB, but one image takes .* GiB"):
        fit(wide, CONFIG, IDENTITY, 8, 1, 15)
