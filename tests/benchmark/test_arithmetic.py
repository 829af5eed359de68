"""Counting arithmetic against sums by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from mgp_jax.benchmark.arithmetic import count_flops, matrix_product_rate, step_flops
from mgp_jax.codes import init_codes
from mgp_jax.degradations import parse
from mgp_jax.generators import Generator
from mgp_jax.perception import bundled_extractor
from mgp_jax.recipes import Phase


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
    identity = parse("identity", 32)
    codes = init_codes(tiny, jax.random.key(0), 5, 2)
    dense, second = 16 * 8 * 8, 8 * 8 * 4 * 8 * 8
    third, last = 16 * 16 * 4 * 8 * 4, 32 * 32 * 4 * 4 * 3
    compose = 5 * 8 * 8 * 8
    head, tail = 5 * (dense + second) + compose, third + last

    def flops(phase: Phase) -> float:
        return step_flops(tiny, codes, 2, phase, identity)

    assert flops(Phase(1)) == 4 * (head + tail)
    assert flops(Phase(1, moves=("residual",))) == 4 * tail
    # Features: VGG16 up to relu3_3 at 32 pixels.
    pixels = 32 * 32 * (3 * 64 + 64 * 64) + 16 * 16 * (64 * 128 + 128 * 128)
    pixels += 8 * 8 * (128 * 256 + 2 * 256 * 256)
    extractor = bundled_extractor()
    with_features = step_flops(tiny, codes, 2, Phase(1, perceptual=0.1), identity, extractor)
    assert with_features - flops(Phase(1)) == 4 * 9 * pixels


def test_the_rate_is_that_of_this_machine():
    rate = matrix_product_rate(256, 2)
    assert 1e7 < rate < 1e16 and np.isfinite(rate)
