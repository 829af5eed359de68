"""Every family and every operator on the device against the CPU of the same process.

The CPU computes by its own formulations and in full float32; the device by those of accelerators,
once in the default precision (TF32 on NVIDIA, bfloat16 on TPU) and once in the highest. Where the
device is the CPU itself, that compares the formulations.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.benchmark.device.networks import SMALLEST, smallest
from mgp_jax.benchmark.device.setting import Setting
from mgp_jax.degradations import parse
from mgp_jax.doctor import Check
from mgp_jax.errors import SettingError
from mgp_jax.generators.formulations import AS_DEFINED, OF_BACKEND, formulated

SIZE = 16
# One spec at least for every operator that `parse` knows.
OPERATORS = (
    *("identity", "gray", "down:2", "down:2:bicubic-antialias", "resize:5", "noise:0.1"),
    *("mask:center:4", "mask:random:0.5", "impulse:0.2", "blur:gaussian:1", "blur:motion:5:45"),
    *("jpeg:30", "jpeg:75:444", "cs:0.25", "poisson:24", "drop:0.2", "quantise:3"),
)
# Largest differences of value and gradient, in units of the largest number.
TOLERANCES = {"default": (0.05, 0.1), "highest": (1e-4, 1e-3)}


def families(setting: Setting) -> Iterator[Check]:
    """Yields for every family how far image and gradient are from the CPU's."""
    del setting
    for family in SMALLEST:
        generator = smallest(family)
        codes = _numbers(2, *generator.latent_shape)
        yield compared(family, generator.apply, generator.params, codes)


def operators(setting: Setting) -> Iterator[Check]:
    """Yields for every operator how far observation and gradient are from the CPU's."""
    del setting
    for spec in OPERATORS:
        image = np.clip(0.5 * _numbers(SIZE, SIZE, 3), -1, 1)

        def observe(degradation: Any, image: jax.Array) -> jax.Array:
            return degradation.simulate(image, jax.random.key(0))

        yield compared(spec, observe, parse(spec, SIZE), image)


def compared(name: str, function: Callable[[Any, Any], Any], held: Any, x: np.ndarray) -> Check:
    """Compares a function's value and gradient on the device with the CPU's.

    Args:
        name: what it is called.
        function: of what is held and of `x`, returns an array.
        held: a pytree.
        x: float[...], with respect to which the gradient is taken.
    """

    def run(held: Any, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        def total(x: jax.Array) -> tuple[jax.Array, jax.Array]:
            y = function(held, x)
            return jnp.sum(jnp.sin(y)), y

        gradient, value = jax.grad(total, has_aux=True)(x)
        return value, gradient

    cpu = the_cpu()
    with formulated(OF_BACKEND["cpu"]), jax.default_matmul_precision("highest"):
        # A new function for every run, because `jax.jit` would remember the formulation.
        expected = jax.jit(lambda *a: run(*a))(*jax.device_put((held, x), cpu))
    differences: dict[str, list[float]] = {}
    for precision in TOLERANCES:
        with formulated(AS_DEFINED), jax.default_matmul_precision(precision):
            found = jax.jit(lambda *a: run(*a))(held, x)
        differences[precision] = [
            difference(one, other) for one, other in zip(found, expected, strict=True)
        ]
    ok = all(
        found <= limit
        for name, limits in TOLERANCES.items()
        for found, limit in zip(differences[name], limits, strict=True)
    )
    text = ", ".join(
        f"{name} {value:.1e}, gradient {gradient:.1e}"
        for name, (value, gradient) in differences.items()
    )
    return Check(name, ok, text, differences)


def difference(found: Any, expected: Any) -> float:
    """Returns the largest difference in units of the largest number; infinity if one is NaN."""
    found, expected = np.asarray(found), np.asarray(expected)
    if not np.all(np.isfinite(found)):
        return float("inf")
    return float(np.max(np.abs(found - expected)) / max(np.max(np.abs(expected)), 1e-12))


def the_cpu() -> Any:
    """Returns the CPU as a device.

    Raises:
        SettingError: JAX was told to leave it out.
    """
    try:
        return jax.devices("cpu")[0]
    except RuntimeError:
        raise SettingError(
            "JAX_PLATFORMS: leaves out the CPU, with which results are compared; add `,cpu`"
        ) from None


def _numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)
