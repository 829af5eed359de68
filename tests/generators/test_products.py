"""Matrix products in bfloat16, value and gradient, and when they are."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mgp_jax.generators.products import multiply
from mgp_jax.precision import HALVES, halves_pay

SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "maps": ((2, 3, 4, 5), (5, 6)),
    "rows": ((7, 5), (5, 6)),
    "parts": ((3, 7, 5), (3, 5, 6)),
}


def rounded(x: jax.Array) -> jax.Array:
    return x.astype(jnp.bfloat16).astype(jnp.float32)


def random(*shapes: tuple[int, ...]) -> list[jax.Array]:
    keys = jax.random.split(jax.random.key(0), len(shapes))
    return [jax.random.normal(key, shape) for key, shape in zip(keys, shapes, strict=True)]


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("told", [None, "float32", HALVES])
def test_value_and_gradients(name: str, told: str | None):
    x, weights = random(*SHAPES[name])
    (gradient,) = random((*x.shape[:-1], weights.shape[-1]))
    with jax.default_matmul_precision(told):  # pyright: ignore[reportArgumentType]
        y, back = jax.vjp(multiply, x, weights)
        of_x, of_weights = back(gradient)
    near: Any = rounded if told == HALVES else lambda part: part
    expected, exact_back = jax.vjp(lambda x, weights: x @ weights, near(x), near(weights))
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    for found, wanted in zip((of_x, of_weights), exact_back(near(gradient)), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    # What is rounded can be seen.
    difference = float(jnp.abs(y - x @ weights).max())
    assert (1e-4 < difference < 0.1) if told == HALVES else difference < 1e-5


def test_images_share_weights():
    (x, weights), told = random((3, 7, 5), (5, 6)), jax.default_matmul_precision(HALVES)

    def gradient(x: jax.Array) -> jax.Array:
        return jax.grad(lambda x: jnp.sum(jnp.sin(multiply(x, weights))))(x)

    with told:
        together, alone = jax.vmap(gradient)(x), [gradient(one) for one in x]
    np.testing.assert_allclose(together, alone, rtol=1e-2, atol=1e-2)


def test_what_is_bfloat16_already_stays_so():
    x, weights = (part.astype(jnp.bfloat16) for part in random((7, 5), (5, 6)))
    with jax.default_matmul_precision(HALVES):
        assert multiply(x, weights).dtype == jnp.bfloat16


@pytest.mark.parametrize(
    ("text", "pays"),
    [
        ("processor : 0\nflags : fpu avx512f avx512_bf16 gfni\n", True),
        ("flags\t\t: fpu amx_bf16\nflags : fpu\n", True),
        ("flags : fpu avx512f avx512_bf16x\n", False),
        ("Features : fp asimd bf16\n", False),
        ("", False),
    ],
)
def test_processors(tmp_path: Path, text: str, pays: bool):
    file = tmp_path / "cpuinfo"
    assert not halves_pay(file)
    halves_pay.cache_clear()
    file.write_text(text)
    assert halves_pay(file) is pays
