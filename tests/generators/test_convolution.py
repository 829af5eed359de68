"""The written-out formulations and gradients against XLA's own convolution and gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from mgp_jax.generators.convolution import (
    DIMENSIONS,
    convolve,
    convolve_transposed,
    convolve_upsampled,
    correlate,
)
from mgp_jax.generators.layers import upsample_nearest


def plain(x, kernel, padding, dilation=1):
    pads = [(p, p) for p in padding]
    return lax.conv_general_dilated(
        x, kernel, (1, 1), pads, lhs_dilation=(dilation,) * 2, dimension_numbers=DIMENSIONS
    )


# name: kernel size, our function, the same by XLA
CASES = {
    "same 3x3": (3, convolve, lambda x, k: plain(x, k, (1, 1))),
    "same 1x1": (1, convolve, lambda x, k: plain(x, k, (0, 0))),
    "uneven padding": (
        3,
        lambda x, k: correlate(x, k[:2], (1, 2)),
        lambda x, k: plain(x, k[:2], (1, 2)),
    ),
    "transposed 4x4": (4, convolve_transposed, lambda x, k: plain(x, k, (2, 2), 2)),
    "transposed 3x3": (3, convolve_transposed, lambda x, k: plain(x, k, (2, 2), 2)),
    "upsampled": (3, convolve_upsampled, lambda x, k: plain(upsample_nearest(x), k, (1, 1))),
}


@pytest.mark.parametrize("backend", ["cpu", "other"])
@pytest.mark.parametrize("case", CASES)
def test_value_and_gradients(case: str, backend: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mgp_jax.generators.convolution.on_cpu", lambda: backend == "cpu")
    size, ours, reference = CASES[case]
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (2, 5, 6, 3))
    kernel = jax.random.normal(keys[1], (size, size, 3, 4))
    mine, backward = jax.vjp(ours, x, kernel)
    wanted, backward_wanted = jax.vjp(reference, x, kernel)
    assert mine.shape == wanted.shape
    np.testing.assert_allclose(mine, wanted, atol=1e-5)
    gradient = jax.random.normal(keys[2], mine.shape)
    for got, want in zip(backward(gradient), backward_wanted(gradient), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-4)


def test_vmap_equals_loop():
    x = jax.random.normal(jax.random.key(1), (3, 2, 4, 4, 3))
    kernel = jax.random.normal(jax.random.key(2), (4, 4, 3, 2))
    mapped = jax.vmap(convolve_transposed, in_axes=(0, None))(x, kernel)
    looped = jnp.stack([convolve_transposed(one, kernel) for one in x])
    np.testing.assert_allclose(mapped, looped, atol=1e-5)
