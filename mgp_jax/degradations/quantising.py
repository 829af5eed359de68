"""Rounding to the levels that a file can hold."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.degradations.base import STATIC, Degradation, Shape, require_whole
from mgp_jax.degradations.composition import compose, operators_of
from mgp_jax.degradations.jpeg import straight_through

# The bits of common files; rounding to as many is taken for no loss where a value is put back.
FINE = 8


@dataclass(frozen=True)
class Quantise(Degradation):
    """Rounds to levels at equal distances, black being the first and white the last.

    The operator is the identity: an error that is as likely anywhere within half a step on either
    side counts as noise of its variance, a twelfth of the squared step. Where there is not more
    noise than that the data term is the likelihood of what rounds to a level, see `misfit`.

    Attributes:
        bits: there are 2^bits levels.
    """

    bits: int = field(metadata=STATIC)

    pixelwise = True
    passes_noise = True
    # What is behind it would mix the errors of several pixels.
    stochastic = True

    def __post_init__(self):
        require_whole("quantise: the number of bits", self.bits, 1, 16)

    def _apply(self, image: jax.Array) -> jax.Array:
        return image

    @property
    def step(self) -> float:
        """Distance of the levels on the scale of the arrays."""
        return 2 / (2**self.bits - 1)

    @property
    def sigma(self) -> float:
        """Standard deviation of the error on the [0, 1] scale."""
        return self.step / 2 / math.sqrt(12)

    @property
    def exact(self) -> bool:
        """Whether a level says what the value was, as far as can be seen."""
        return self.bits >= FINE

    def observation_shape(self, image_shape: Shape) -> Shape:
        """Returns the shape as it is."""
        return tuple(image_shape)

    def simulate(self, image: jax.Array, key: jax.Array) -> jax.Array:
        """Rounds, without clipping; the gradient is that of the identity."""
        del key
        return straight_through(lambda x: self._rounded(x, jnp.round), image)

    def degrade(self, image: np.ndarray, key: jax.Array) -> np.ndarray:
        """Rounds and clips, as a file does."""
        del key
        return self._rounded(np.clip(image, -1, 1), np.round).astype(image.dtype)

    def _rounded(self, image: Any, round: Callable) -> Any:
        return round((image + 1) / self.step) * self.step - 1

    def __str__(self) -> str:
        return f"quantise:{self.bits}"


def unrounded(degradation: Degradation) -> Degradation:
    """Returns a degradation without its rounding."""
    return compose(*(part for part in operators_of(degradation) if not isinstance(part, Quantise)))
