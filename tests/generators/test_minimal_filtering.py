"""Convolutions with fewer multiplications against the plain sum, their gradients too."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from mgp_jax.generators import convolution, minimal_filtering
from mgp_jax.generators.convolution import DIMENSIONS
from mgp_jax.generators.minimal_filtering import Filtering


def plain(
    x: jax.Array, kernel: jax.Array, padding: int = 1, stride: int = 1, stuffing: int = 1
) -> jax.Array:
    return lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        ((padding, padding), (padding, padding)),
        lhs_dilation=(stuffing, stuffing),
        dimension_numbers=DIMENSIONS,
        precision="highest",
    )


def repeated(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return plain(jnp.repeat(jnp.repeat(x, 2, 1), 2, 2), kernel)


stuffed, strided = partial(plain, padding=2, stuffing=2), partial(plain, stride=2)


FILTERINGS: dict[str, tuple[Filtering, Callable, int, list[tuple[int, ...]]]] = {
    "convolve": (minimal_filtering.convolve, plain, 3, [(2, 4, 8, 3), (6, 4, 4, 2)]),
    "upsampled": (minimal_filtering.convolve_upsampled, repeated, 3, [(2, 3, 5, 3), (5, 1, 1, 2)]),
    "transposed": (minimal_filtering.convolve_transposed, stuffed, 4, [(2, 4, 6, 3), (6, 2, 2, 2)]),
    "strided": (minimal_filtering.convolve_strided, strided, 4, [(2, 4, 8, 3), (6, 4, 4, 2)]),
}

CASES = [
    pytest.param(mine, reference, size, shape, group, id=f"{name} {shape} by {group}")
    for name, (mine, reference, size, shapes) in FILTERINGS.items()
    for shape in shapes
    # All maps at once, a few at a time, every map alone.
    for group in (4096, 32, 1)
]


@pytest.mark.parametrize(("mine", "reference", "size", "shape", "group"), CASES)
def test_value_and_gradients(
    monkeypatch: pytest.MonkeyPatch,
    mine: Filtering,
    reference: Callable,
    size: int,
    shape: tuple[int, ...],
    group: int,
):
    monkeypatch.setattr(minimal_filtering, "GROUP", group)
    random = np.random.default_rng(0)
    x = random.normal(size=shape).astype(np.float32)
    kernel = random.normal(size=(size, size, shape[-1], 4)).astype(np.float32)
    weight = random.normal(size=jax.eval_shape(reference, x, kernel).shape).astype(np.float32)

    def value_and_gradients(function: Callable) -> tuple:
        with jax.default_matmul_precision("highest"):
            y, pull = jax.vjp(lambda x, k: function(x, k), x, kernel)
            return y, *pull(jnp.asarray(weight))

    for one, other in zip(*map(value_and_gradients, (mine, reference)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=5e-5)


def test_rounding_stays_that_of_float32():
    """A wide layer of a face generator, by sums in double precision."""
    random = np.random.default_rng(1)
    x = random.normal(size=(2, 32, 32, 256)).astype(np.float32)
    kernel = (random.normal(size=(3, 3, 256, 256)) / (9 * 256) ** 0.5).astype(np.float32)
    assert minimal_filtering.convolve.pays(jnp.asarray(x), jnp.asarray(kernel))
    mine = np.asarray(convolution.convolve(jnp.asarray(x), jnp.asarray(kernel)))
    # A few pixels, corner and border among them.
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))).astype(np.float64)
    for row, column in ((0, 0), (0, 17), (13, 31), (20, 9)):
        window = padded[:, row : row + 3, column : column + 3]
        exact = np.einsum("nabi,abio->no", window, kernel.astype(np.float64))
        np.testing.assert_allclose(mine[:, row, column], exact, atol=5e-5)


@pytest.mark.parametrize(
    ("x", "kernel", "expected"),
    [
        ((20, 32, 32, 512), (3, 3, 512, 512), True),
        ((20, 4, 4, 512), (3, 3, 512, 512), True),
        ((1, 4, 4, 512), (3, 3, 512, 512), False),  # The kernel's transform would cost more.
        ((1, 256, 256, 32), (3, 3, 32, 32), False),  # Memory, not products, is the limit.
        ((20, 30, 32, 512), (3, 3, 512, 512), False),
    ],
)
def test_where_it_pays(x: tuple[int, ...], kernel: tuple[int, ...], expected: bool):
    shapes = [jax.ShapeDtypeStruct(shape, "float32") for shape in (x, kernel)]
    assert minimal_filtering.convolve.pays(*shapes) is expected
    # The differences of a tile would take most of the digits of a shorter type.
    short = [jax.ShapeDtypeStruct(shape, "bfloat16") for shape in (x, kernel)]
    assert not minimal_filtering.convolve.pays(*short)
