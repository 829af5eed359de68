"""Operators of one's own: a dataclass, or a plain function of an image."""

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mgp_jax.degradations import Grayscale, as_degradation, compose, kind_of
from mgp_jax.degradations.base import STATIC, Degradation
from mgp_jax.errors import SettingError


@dataclass(frozen=True, eq=False)
class Tint(Degradation):
    """A subclass needs nothing but this."""

    colour: jax.Array
    strength: float = field(default=0.5, metadata=STATIC)

    def _apply(self, image: jax.Array) -> jax.Array:
        return image + self.strength * self.colour


@dataclass(frozen=True, eq=False)
class Shade(Degradation):
    """Like `Tint` but for what it does."""

    colour: jax.Array
    strength: float = field(default=0.5, metadata=STATIC)

    def _apply(self, image: jax.Array) -> jax.Array:
        return image * self.colour


IMAGE = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (8, 6, 3)), jnp.float32)
COLOUR = jnp.asarray([0.1, 0.2, 0.3])


def half(image: jax.Array) -> jax.Array:
    return image[::2, ::2]


def test_a_dataclass_is_a_pytree_by_itself():
    tint, shade = Tint(COLOUR), Shade(COLOUR)
    (leaf,) = jax.tree.leaves(tint)
    assert leaf is COLOUR
    assert jax.tree.structure(tint) == jax.tree.structure(Tint(2 * COLOUR))
    assert jax.tree.structure(tint) != jax.tree.structure(Tint(COLOUR, 0.25))
    assert jax.tree.structure(tint) != jax.tree.structure(shade)
    apply = jax.jit(lambda operator, image: operator(image))
    np.testing.assert_allclose(apply(tint, IMAGE), IMAGE + 0.5 * COLOUR, atol=1e-6)
    np.testing.assert_allclose(apply(shade, IMAGE), IMAGE * COLOUR, atol=1e-6)
    assert isinstance(jax.tree.map(jnp.zeros_like, shade), Shade)
    assert str(tint) == "tint"


@pytest.mark.parametrize("linear", [False, True])
def test_a_function_needs_nothing_else(linear: bool):
    operator = as_degradation(half, linear=linear)
    seen = operator(IMAGE)
    np.testing.assert_array_equal(seen, IMAGE[::2, ::2])
    assert operator.observation_shape((8, 6, 3)) == (4, 3, 3) == seen.shape
    assert (operator.linear, operator.sigma, operator.stochastic) == (linear, 0.0, False)
    np.testing.assert_array_equal(operator.simulate(IMAGE, jax.random.key(0)), seen)
    np.testing.assert_array_equal(operator.prepare(seen), seen)
    assert kind_of(operator) == "restoration" and str(operator) == "half"
    # As an argument it is a setting of the program.
    traces = []
    apply = jax.jit(lambda given, image: (traces.append(1), given(image))[1])
    for _ in range(2):
        np.testing.assert_array_equal(apply(as_degradation(half, linear=linear), IMAGE), seen)
    assert len(traces) == 1
    apply(as_degradation(lambda image: half(image), linear=linear), IMAGE)
    assert len(traces) == 2


def test_functions_are_composed_like_operators():
    chain = compose(as_degradation(half), Grayscale())
    assert chain.observation_shape((8, 6, 3)) == (4, 3, 1) and not chain.linear
    np.testing.assert_allclose(chain(IMAGE), Grayscale()(half(IMAGE)), atol=1e-6)
    assert str(chain) == "half|gray" and kind_of(chain) == "colorization"


def test_an_operator_is_kept_as_it_is():
    gray = Grayscale()
    assert as_degradation(gray) is gray


def test_what_is_no_function_of_an_image():
    with pytest.raises(SettingError, match="operator or a function of an image, not str"):
        as_degradation("gray")  # pyright: ignore[reportArgumentType]
    pair = as_degradation(lambda image: (image, image))
    with pytest.raises(SettingError, match="<lambda>: must return one array, not tuple"):
        pair(IMAGE)
    with pytest.raises(SettingError, match="half: needs an image"):
        as_degradation(half).observation_shape((8, 6))
