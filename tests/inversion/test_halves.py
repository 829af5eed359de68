"""Which phases multiply in bfloat16, and that gradients do and final images do not."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import untrained

from mgp_jax.codes import render_batch
from mgp_jax.degradations import Identity
from mgp_jax.generators import (
    DCGANConfig,
    Generator,
    MobileStyleGANConfig,
    generate,
    load_generator,
    random_latents,
)
from mgp_jax.generators.config import Config
from mgp_jax.inversion import draw_progress, image_keys, invert, pose, resolve, run, start
from mgp_jax.inversion.run import draw
from mgp_jax.methods import find_method
from mgp_jax.precision import HALVES
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import Execution, Progress, advance, begin, execution
from mgp_jax.terms import Given

PHASES = (
    Phase(3),
    Phase(3, moves=("z",)),
    Phase(3, moves=("alpha",)),
    Phase(3, moves=("residual",)),
)
MIXED = Execution(precision="mixed")


def untrained_of(size: int) -> Generator:
    layers = 2 * (size // 8).bit_length() - 1
    return untrained(MobileStyleGANConfig(5, 4, (4,), (8,) * layers))


@pytest.fixture(scope="module")
def generator() -> Generator:
    return untrained_of(16)


def products(generator: Generator, precision: str, **settings: Any) -> list[bool]:
    """Of every phase, whether its products are of halves."""
    recipe = Recipe("test", PHASES, codes=2)
    how = Execution(precision=precision)
    phases = resolve(generator, recipe=recipe, execution=how, **settings).phases
    assert {phase.products for phase in phases} <= {None, HALVES}
    return [phase.products == HALVES for phase in phases]


@pytest.mark.parametrize("size", [128, 256])
@pytest.mark.parametrize(
    ("precision", "told", "pays", "mixed"),
    [
        ("auto", None, True, True),
        ("auto", None, False, False),
        ("auto", "highest", True, False),
        ("mixed", "highest", False, True),
        ("float32", None, True, False),
        ("bfloat16", None, True, False),
    ],
)
def test_which_phases(
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    told: str | None,
    pays: bool,
    mixed: bool,
    size: int,
):
    """All of a large image's, those that move codes of a small one's."""
    monkeypatch.setattr(execution, "halves_pay", lambda: pays)
    with jax.default_matmul_precision(told):  # pyright: ignore[reportArgumentType]
        found = products(untrained_of(size), precision)
    assert found == [mixed, mixed, *[mixed and size == 256] * 2]


def test_other_backends_decide_for_themselves(monkeypatch: pytest.MonkeyPatch, generator):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert not any(products(generator, "mixed"))


def test_weights_that_move_are_float32():
    generator = untrained_of(256)
    for method, expected in (("pivotal", [True, False]), ("one-code", [True])):
        phases = resolve(generator, method=method, execution=MIXED).phases
        assert [phase.products == HALVES for phase in phases] == expected


@pytest.mark.parametrize(
    ("config", "forward"),
    [(MobileStyleGANConfig(5, 4, (4,), (8, 8, 8)), 6), (DCGANConfig(8, (8, 4)), 4)],
    ids=["pointwise", "transposed"],
)
def test_steps_are_of_halves_and_final_images_are_not(config: Config, forward: int):
    """So many matrices are rounded forward, more for the gradient."""
    generator = untrained(config)
    inversion = resolve(generator, recipe=Recipe("test", PHASES, codes=2), execution=MIXED)
    problem, keys = pose(inversion, jnp.zeros((1, 16, 16, 3))), image_keys(0, np.arange(1))
    given = Given(inversion.split, inversion.degradation, {}, jax.random.key(0))
    variables = start(problem, keys, inversion.phases[0])
    for phase in inversion.phases:
        state = begin(problem, variables, jnp.zeros(1, jnp.int32), phase)
        steps = str(jax.make_jaxpr(partial(advance, phase=phase))(problem, state, 1))
        rounded = steps.count("new_dtype=bfloat16")
        assert rounded > forward if phase.products == HALVES else rounded == 0
        # XLA fails on CPUs, or ends the process, where some products are asked for by this name.
        assert "BF16_BF16_F32" not in steps
        drawn = jax.make_jaxpr(partial(draw, phase=phase))(given, state.variables)
        assert "bfloat16" not in str(drawn)
        variables = state.variables


def test_an_inversion_is_near_one_in_float32(generator: Generator):
    observations = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    recipe = Recipe("test", (Phase(8),), codes=2)
    exact, near = (
        invert(generator, observations, recipe=recipe, execution=Execution(precision=precision))
        for precision in ("float32", "mixed")
    )
    difference = np.abs(near.losses - exact.losses) / exact.losses
    assert 0 < difference.max() < 0.01
    assert 0 < np.abs(near.images - exact.images).max() < 0.1


@pytest.mark.parametrize("precision", ["float32", "mixed", "bfloat16"])
def test_final_images_and_those_of_progress_are_float32(generator: Generator, precision: str):
    """Whatever the map is that the phase has held fixed."""
    recipe = Recipe("test", (Phase(2, moves=("residual",)),), codes=2)
    inversion = resolve(generator, recipe=recipe, execution=Execution(precision=precision))
    drawn = []

    def look(progress: Progress) -> None:
        codes = progress.state.variables
        drawn.append((draw_progress(inversion, progress), render_batch(inversion.split, codes)))

    result = run(inversion, np.zeros((2, 16, 16, 3), np.float32), on_progress=look)
    drawn.append((result.images, render_batch(result.split, result.codes)))
    for mine, expected in drawn:
        np.testing.assert_allclose(mine, expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["w", "w+"])
def test_one_code_of_a_large_image(method: str):
    """Products of one row, which compilers merge with what is around them."""
    generator = load_generator("faces1024")
    image = generate(generator, random_latents(generator, 1))
    recipe = find_method(method).recipe(Identity(), generator).with_(steps=2)
    exact, near = (
        invert(generator, image, recipe=recipe, method=method, execution=Execution(precision=how))
        for how in ("float32", "mixed")
    )
    assert 0 < np.abs(near.losses / exact.losses - 1).max() < 0.01
