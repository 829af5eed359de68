"""Degradations one after another."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.degradations.base import Degradation, Shape
from mgp_jax.degradations.jpeg import Jpeg
from mgp_jax.degradations.masks import Impulse
from mgp_jax.degradations.pointwise import Identity
from mgp_jax.errors import SettingError


@dataclass(frozen=True, eq=False)
class Composition(Degradation):
    """Applies its operators from left to right; made by `compose`.

    Attributes:
        operators: at least two, none of them a composition.
    """

    operators: tuple[Degradation, ...]

    def _apply(self, image: jax.Array) -> jax.Array:
        for index, operator in enumerate(self.operators):
            # What is mixed afterwards does not tell any more where something is missing.
            mixed = not all(later.pixelwise for later in self.operators[index + 1 :])
            image = operator.expected(image) if mixed else operator(image)
        return image

    def observation_shape(self, image_shape: Shape) -> Shape:
        """Returns the shape that the last operator makes."""
        shape = tuple(image_shape)
        for operator in self.operators:
            shape = operator.observation_shape(shape)
        return shape

    @property
    def linear(self) -> bool:
        """Whether all operators are."""
        return all(operator.linear for operator in self.operators)

    @property
    def sigma(self) -> float:
        """Standard deviation of all noise together on the [0, 1] scale: variances add up."""
        return math.hypot(*(operator.sigma for operator in self.operators))

    @property
    def variance(self) -> tuple[jax.Array | float, jax.Array | float]:
        """Variances of all noise together."""
        constants, slopes = zip(*(operator.variance for operator in self.operators), strict=True)
        return sum(constants), sum(slopes)

    @property
    def step(self) -> float:
        """That of the coarsest rounding."""
        return max(operator.step for operator in self.operators)

    @property
    def signal_dependent(self) -> bool:
        """Whether the noise of one operator is."""
        return any(operator.signal_dependent for operator in self.operators)

    @property
    def blind(self) -> bool:
        """Whether one operator is; what an observation tells is the level of all noise together."""
        return any(operator.blind for operator in self.operators)

    @property
    def exact(self) -> bool:
        """Whether all operators are."""
        return all(operator.exact for operator in self.operators)

    @property
    def reveals(self) -> bool:
        """Whether one of the last operators does, as far back as they work by pixel."""
        return any(operator.reveals for operator in self._last)

    @property
    def kind(self) -> str | None:
        """The kind of the operators that have one, if that is one kind."""
        kinds = {operator.kind for operator in self.operators} - {None}
        return kinds.pop() if len(kinds) == 1 else None

    @property
    def support(self) -> jax.Array:
        """Product of the supports of the last operators, as far back as they work by pixel.

        An operator that mixes pixels spreads the holes of those before it, so that what it shows
        there does count: an observation of `mask|blur` must really be blurred after masking.
        """
        return math.prod((operator.support for operator in self._last), start=jnp.ones(()))

    def visible(self, observation: jax.Array) -> jax.Array:
        """Product of what the last operators say, as far back as they work by pixel."""
        known = (operator.visible(observation) for operator in self._last)
        return math.prod(known, start=jnp.ones(()))

    @property
    def _last(self) -> list[Degradation]:
        """The last operators up to, and with, the last one that mixes pixels."""
        for index in reversed(range(len(self.operators))):
            if not self.operators[index].pixelwise:
                return list(self.operators[index:])
        return list(self.operators)

    def simulate(self, image: jax.Array, key: jax.Array) -> jax.Array:
        """Simulates every operator in turn, each with a key of its own."""
        for index, operator in enumerate(self.operators):
            image = operator.simulate(image, jax.random.fold_in(key, index))
        return image

    def predict(self, image: jax.Array, key: jax.Array) -> jax.Array:
        """Predicts every operator in turn, each with a key of its own."""
        for index, operator in enumerate(self.operators):
            image = operator.predict(image, jax.random.fold_in(key, index))
        return image

    def degrade(self, image: np.ndarray, key: jax.Array) -> np.ndarray:
        """Degrades by every operator in turn, each with a key of its own."""
        for index, operator in enumerate(self.operators):
            image = operator.degrade(image, jax.random.fold_in(key, index))
        return image

    def __str__(self) -> str:
        return "|".join(map(str, self.operators))


def operators_of(degradation: Degradation) -> tuple[Degradation, ...]:
    """Returns the operators of a chain, or the only one."""
    return degradation.operators if isinstance(degradation, Composition) else (degradation,)


def kind_of(degradation: Degradation) -> str:
    """Returns the kind of problem that a degradation poses, by which recipes differ.

    Several kinds in a chain, as in `gray|noise:0.1`, and none at all are `restoration`.
    """
    return degradation.kind or "restoration"


def compose(*operators: Degradation) -> Degradation:
    """Chains operators, the first being applied first; nested chains are flattened.

    Behind noise or impulses only masks and more noise may follow: anything else would mix the
    noise of several pixels, and the observation would no longer have independent noise of a known
    sigma. JPEG may follow noise, as it does in cameras; it leaves at most what noise there was. It
    may not follow noise of an unknown level, nor may photons be counted beside it: what such an
    observation tells is the level of the noise that there is alike everywhere.

    Args:
        operators: any number; identities are dropped.

    Returns: a Composition, or the operator itself if only one remains, or Identity.

    Raises:
        SettingError: noise is followed by an operator that mixes or rescales it, or cannot be told
            from other noise.

    Example:
        >>> from mgp_jax import Grayscale, Noise, compose_degradations
        >>> str(compose_degradations(Grayscale(), Noise(0.1)))
        'gray|noise:0.1'
    """
    flat: list[Degradation] = []
    for operator in operators:
        flat.extend(part for part in operators_of(operator) if not isinstance(part, Identity))
    for index, operator in enumerate(flat):
        told = not isinstance(operator, Impulse) and not operator.blind
        compressible = (Jpeg,) if told else ()
        mixing = [
            later
            for later in flat[index + 1 :]
            if not later.passes_noise and not isinstance(later, compressible)
        ]
        if operator.stochastic and mixing:
            raise SettingError(f"{operator} must come after {mixing[-1]}, not before it")
        if operator.blind and (others := [other for other in flat if other.signal_dependent]):
            raise SettingError(f"{operator}: its level cannot be told from that of {others[0]}")
    if len(flat) < 2:
        return flat[0] if flat else Identity()
    return Composition(tuple(flat))
