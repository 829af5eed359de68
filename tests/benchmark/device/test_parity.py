"""The comparison with the CPU: all is looked at, and a difference is noticed."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mgp_jax.benchmark.device.networks import SMALLEST, smallest
from mgp_jax.benchmark.device.parity import OPERATORS, compared, difference, the_cpu
from mgp_jax.degradations.parsing import BUILDERS
from mgp_jax.errors import SettingError
from mgp_jax.generators import FAMILIES
from mgp_jax.generators.formulations import AS_DEFINED, Formulation, formulated, formulation

X = np.linspace(-1, 1, 12, dtype=np.float32)


def test_every_family_and_operator_is_looked_at():
    assert SMALLEST.keys() == FAMILIES.keys()
    assert {spec.split(":")[0] for spec in OPERATORS} == BUILDERS.keys()


def test_equal_formulations():
    check = compared("dcgan", (g := smallest("dcgan")).apply, g.params, X[:10].reshape(2, 5))
    assert check.ok and check.name == "dcgan"
    # Both formulations were computed: their rounding differs.
    assert 0 < max(check.facts["highest"]) < 1e-5


def gradient_differs(scale: jax.Array, x: jax.Array) -> jax.Array:
    off = 0.0 if formulation().products else 0.01
    return scale * x + off * (x - jax.lax.stop_gradient(x))


@pytest.mark.parametrize(
    ("function", "value", "gradient"),
    [
        (lambda s, x: s * x * (1.0 if formulation().products else 1.01), 0.01, 0.01),
        (gradient_differs, 0, 0.01),
    ],
    ids=["value", "gradient"],
)
def test_differences_are_noticed(function: Callable, value: float, gradient: float):
    check = compared("it", function, jnp.ones(()), X)
    assert not check.ok
    assert check.facts["highest"] == pytest.approx([value, gradient], rel=0.3, abs=1e-6)


def test_difference():
    assert difference([1.0, 2.0], [1.0, 4.0]) == 0.5
    assert difference([np.nan, 2.0], [1.0, 4.0]) == np.inf


def test_without_a_cpu(monkeypatch: pytest.MonkeyPatch):
    def refuse(platform: str) -> None:
        raise RuntimeError(platform)

    monkeypatch.setattr(jax, "devices", refuse)
    with pytest.raises(SettingError, match="JAX_PLATFORMS: leaves out the CPU"):
        the_cpu()


def test_modulated_kernels_are_the_same():
    """The formulation that `variants.py` measures, and the one that scales the maps."""
    generator = smallest("stylegan2")
    codes = X[:10].reshape(2, 5)

    def value_and_gradient(choice: Formulation) -> tuple[jax.Array, jax.Array]:
        with formulated(choice), jax.default_matmul_precision("highest"):
            run = lambda z: jnp.sum(jnp.sin(generator.apply(generator.params, z)))  # noqa: E731
            return jax.jit(jax.value_and_grad(run))(codes)

    for one, other in zip(
        *map(value_and_gradient, (Formulation(modulated=True), AS_DEFINED)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-4)
