"""Every formulation of a convolution, its value and its written-out gradient, against XLA's own."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from mgp_jax.generators.convolution import (
    DIMENSIONS,
    convolve,
    convolve_depthwise,
    convolve_transposed,
    convolve_upsampled,
    correlate,
)
from mgp_jax.generators.formulations import (
    AS_DEFINED,
    OF_BACKEND,
    Formulation,
    formulated,
    formulation,
)


def plain(x: jax.Array, kernel: jax.Array, pads: Any, dilation: int = 1) -> jax.Array:
    """What XLA makes of it, with XLA's own gradient."""
    return lax.conv_general_dilated(
        x,
        kernel,
        (1, 1),
        pads,
        lhs_dilation=(dilation, dilation),
        dimension_numbers=DIMENSIONS,
        precision="highest",
    )


def repeated(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return plain(jnp.repeat(jnp.repeat(x, 2, 1), 2, 2), kernel, ((1, 1), (1, 1)))


def one_by_one(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Every channel for itself."""
    margin = len(kernel) // 2
    channels = [
        plain(x[..., c : c + 1], kernel[..., c, None, None], ((margin, margin),) * 2)
        for c in range(x.shape[-1])
    ]
    return jnp.concatenate(channels, axis=-1)


class Case(NamedTuple):
    mine: Callable
    reference: Callable
    x: tuple[int, ...]
    kernel: tuple[int, ...]
    result: tuple[int, ...]


def correlation(padding: int | tuple[int, int]) -> tuple[Callable, Callable]:
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    reference = partial(plain, pads=((rows, rows), (columns, columns)))
    return lambda x, kernel: correlate(x, kernel, padding), reference


def same(size: int) -> tuple[Callable, Callable]:
    return convolve, partial(plain, pads=((size // 2, size // 2),) * 2)


DOUBLING = convolve_transposed, partial(plain, pads=((2, 2), (2, 2)), dilation=2)

CASES = {
    "3x3": Case(*same(3), (2, 5, 7, 3), (3, 3, 3, 4), (2, 5, 7, 4)),
    "1x1": Case(*same(1), (2, 4, 3, 3), (1, 1, 3, 2), (2, 4, 3, 2)),
    "5x5 on less": Case(*same(5), (1, 3, 2, 2), (5, 5, 2, 3), (1, 3, 2, 3)),
    "no padding": Case(*correlation(0), (2, 6, 5, 3), (3, 3, 3, 2), (2, 4, 3, 2)),
    "wide padding": Case(*correlation(2), (1, 3, 4, 2), (3, 3, 2, 3), (1, 5, 6, 3)),
    "row": Case(*correlation((0, 1)), (2, 4, 5, 2), (1, 3, 2, 2), (2, 4, 5, 2)),
    "uneven": Case(*correlation((1, 0)), (1, 5, 6, 2), (3, 4, 2, 3), (1, 5, 3, 3)),
    "doubling 4x4": Case(*DOUBLING, (2, 3, 5, 3), (4, 4, 3, 2), (2, 6, 10, 2)),
    "doubling one pixel": Case(*DOUBLING, (1, 1, 1, 2), (4, 4, 2, 3), (1, 2, 2, 3)),
    "doubling 3x3": Case(*DOUBLING, (2, 3, 4, 3), (3, 3, 3, 2), (2, 7, 9, 2)),
    "nearest": Case(convolve_upsampled, repeated, (2, 3, 5, 3), (3, 3, 3, 2), (2, 6, 10, 2)),
    "nearest of one pixel": Case(
        convolve_upsampled, repeated, (1, 1, 1, 2), (3, 3, 2, 3), (1, 2, 2, 3)
    ),
    "depthwise": Case(convolve_depthwise, one_by_one, (2, 5, 4, 3), (3, 3, 3), (2, 5, 4, 3)),
    "depthwise 5x5": Case(convolve_depthwise, one_by_one, (1, 2, 3, 2), (5, 5, 2), (1, 2, 3, 2)),
}


FORMULATIONS = {
    "by products": OF_BACKEND["cpu"],
    "by XLA": AS_DEFINED,
    "in lanes": Formulation(lanes=4),
}


@pytest.mark.parametrize("which", FORMULATIONS)
@pytest.mark.parametrize("name", CASES)
def test_value_and_gradients(name: str, which: str):
    case = CASES[name]
    random = np.random.default_rng(0)
    x, kernel, weight = (
        random.normal(size=shape).astype(np.float32) for shape in (case.x, case.kernel, case.result)
    )

    def value_and_gradients(function: Callable) -> tuple:
        def total(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, jax.Array]:
            y = function(x, kernel)
            return jnp.sum(y * weight), y

        with jax.default_matmul_precision("highest"):
            # A new function for jit, which must not remember the other formulation.
            gradients = jax.jit(jax.grad(lambda x, k: total(x, k), (0, 1), has_aux=True))
            (of_x, of_kernel), y = gradients(x, kernel)
        return y, of_x, of_kernel

    with formulated(FORMULATIONS[which]):
        mine = value_and_gradients(case.mine)
    expected = value_and_gradients(case.reference)
    assert mine[0].shape == case.result
    for one, other in zip(mine, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["3x3", "doubling 4x4", "doubling 3x3", "nearest", "depthwise"])
def test_gradient_of_a_batch_of_batches(name: str):
    """The engine maps over images, each of which has a batch of codes."""
    case = CASES[name]
    random = np.random.default_rng(1)
    x = random.normal(size=(3, *case.x)).astype(np.float32)
    kernel = random.normal(size=case.kernel).astype(np.float32)

    def gradient(x: jax.Array) -> jax.Array:
        return jax.grad(lambda v: jnp.sum(jnp.sin(case.mine(v, kernel))))(x)

    together = jax.jit(jax.vmap(gradient))(x)
    alone = jax.jit(gradient)
    np.testing.assert_allclose(together, [alone(one) for one in x], rtol=1e-4, atol=1e-4)


def test_the_formulation_is_that_of_the_backend_unless_one_is_asked_for():
    assert formulation() is OF_BACKEND[jax.default_backend()]
    with formulated(AS_DEFINED):
        assert formulation() is AS_DEFINED
        with formulated(Formulation(lanes=8)):
            assert formulation().lanes == 8
        assert formulation() is AS_DEFINED
    assert formulation() is OF_BACKEND[jax.default_backend()]


@pytest.mark.parametrize("lanes", [1, 4])
def test_channels_fill_the_lanes(lanes: int):
    x, kernel = jnp.ones((1, 4, 4, 3)), jnp.ones((3, 3, 3, 5))
    with formulated(Formulation(lanes=lanes)):
        text = str(jax.make_jaxpr(lambda x: convolve(x, kernel))(x))
    assert ("f32[3,3,4,8]" in text) == (lanes == 4)
