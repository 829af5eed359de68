"""Matrix products of networks, in float32 or of matrices rounded to bfloat16.

JAX names the latter `bfloat16` (`jax.default_matmul_precision`). XLA pays no heed to that on CPUs,
of which those that have instructions for it need half of the time. So it is done here. (JAX's other
name for it, `BF16_BF16_F32`, makes XLA fail on CPUs where a product is merged with what is around.)
"""

import jax
import jax.numpy as jnp

from mgp_jax.precision import HALVES


def multiply(x: jax.Array, weights: jax.Array) -> jax.Array:
    """Multiplies matrices; in bfloat16, sums in float32, on a CPU where JAX is told `HALVES`.

    The gradients are products of the same kind.

    Args:
        x: float[..., I].
        weights: float[I, O], or float[K, I, O] for float[K, P, I].

    Returns: float[..., O].
    """
    told = jax.config.values["jax_default_matmul_precision"]
    halves = told == HALVES and jax.default_backend() == "cpu" and x.dtype == jnp.float32
    return _in_halves(x, weights) if halves else x @ weights


@jax.custom_vjp
def _in_halves(x: jax.Array, weights: jax.Array) -> jax.Array:
    halves = (part.astype(jnp.bfloat16) for part in (x, weights))
    return jnp.matmul(*halves, preferred_element_type=jnp.float32)


def _forward(x: jax.Array, weights: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _in_halves(x, weights), (x, weights)


def _backward(
    saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, weights = saved
    of_x = _in_halves(gradient, weights.mT)
    if weights.ndim == 2:
        x, gradient = (part.reshape(-1, part.shape[-1]) for part in (x, gradient))
    # The compiler drops it where nobody asks for it.
    return of_x, _in_halves(x.mT, gradient)


_in_halves.defvjp(_forward, _backward)
