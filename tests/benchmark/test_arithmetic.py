"""Counting arithmetic against sums by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from mgp_jax.benchmark.arithmetic import (
    copy_rate,
    count_flops,
    matrix_product_rate,
    step_bytes,
    step_flops,
)
from mgp_jax.generators import Generator
from mgp_jax.inversion import resolve
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import compile_program


def image(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def convolution(x, kernel):
    return lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@pytest.mark.parametrize(
    ("function", "shapes", "expected"),
    [
        (jnp.matmul, [(3, 4), (4, 5)], 2 * 3 * 4 * 5),
        (lambda a, b: jnp.einsum("bij,bjk->bik", a, b), [(7, 3, 4), (7, 4, 5)], 7 * 2 * 60),
        (convolution, [(2, 5, 6, 3), (3, 3, 3, 4)], 2 * 60 * 9 * 3 * 4),
        (jax.jit(lambda a, b: jnp.sin(a @ b)), [(3, 4), (4, 5)], 120),
        (lambda a, b: lax.map(lambda row: b @ row, a), [(6, 4), (5, 4)], 6 * 2 * 20),
        (jax.vmap(jnp.matmul, (0, None)), [(7, 3, 4), (4, 5)], 7 * 120),
        (lambda a, b: a + b, [(3, 4), (3, 4)], 0),
    ],
)
def test_by_hand(function, shapes, expected):
    assert count_flops(function, *(image(*shape) for shape in shapes)) == expected


def test_a_step_of_a_small_generator(tiny: Generator):
    """Latent 8; 8 channels at 4x4 and 8x8, 4 at 16x16, image 32x32; 4 products an output pixel."""
    dense, second = 16 * 8 * 8, 8 * 8 * 4 * 8 * 8
    third, last = 16 * 16 * 4 * 8 * 4, 32 * 32 * 4 * 4 * 3
    compose = 5 * 8 * 8 * 8
    head, tail = 5 * (dense + second) + compose, third + last

    def flops(*phases: Phase, number: int = 0) -> float:
        recipe = Recipe("test", phases, codes=5, layer=2)
        return step_flops(resolve(tiny, recipe=recipe), number)

    codes, residual = Phase(1), Phase(1, moves=("residual",))
    assert flops(codes) == 4 * (head + tail)
    assert flops(residual) == 4 * tail
    assert flops(codes, residual) == 4 * (head + tail)
    assert flops(codes, residual, number=1) == 4 * tail
    # Features: VGG16 up to relu3_3 at 32 pixels.
    pixels = 32 * 32 * (3 * 64 + 64 * 64) + 16 * 16 * (64 * 128 + 128 * 128)
    pixels += 8 * 8 * (128 * 256 + 2 * 256 * 256)
    assert flops(Phase(1, perceptual=0.1)) - flops(codes) == 4 * 9 * pixels


def test_the_rate_is_that_of_this_machine():
    for rate in (matrix_product_rate(256, 2), copy_rate(2**18, 2)):
        assert 1e7 < rate < 1e16 and np.isfinite(rate)


def test_the_traffic_of_a_loop_is_that_of_one_round():
    """What a merged pass reads and writes; what it keeps for itself does not count."""
    x, twice = jnp.ones(2**16), jax.jit(lambda x: jnp.sin(x) * 2)
    found = step_bytes(compile_program(twice.lower(x)))
    assert found == 2 * x.nbytes

    def loop(x: jax.Array, rounds: int) -> jax.Array:
        return lax.fori_loop(0, rounds, lambda _, x: jnp.sin(x) * 2, x)

    several = [step_bytes(compile_program(jax.jit(loop).lower(x, n))) for n in (1, 50)]
    assert several[0] == several[1] and 2 * x.nbytes <= (several[0] or 0) < 8 * x.nbytes
