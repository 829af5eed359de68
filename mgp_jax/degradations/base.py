"""The base of all degradations.

A degradation is a frozen dataclass and a pytree: its arrays (masks, kernels, signs) are leaves, so
that they can be passed through `jax.jit` as arguments, and its settings are static.
`as_degradation` makes one of any function of an image.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, is_dataclass
from numbers import Integral
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.degradations.likelihood import (
    INEXACT,
    deviance,
    kept_by_clipping,
    rounded,
    rounded_error,
)
from mgp_jax.degradations.noise_level import noise_level
from mgp_jax.errors import SettingError

Shape = tuple[int, ...]
# Metadata of the dataclass fields that are settings, not arrays.
STATIC = {"static": True}
# In place of a degradation or a frame: it is found out from the photograph.
AUTO: Literal["auto"] = "auto"


class Degradation:
    """An operator from an image to an observation, and the noise of that observation.

    Attributes:
        pixelwise: whether every pixel of the observation depends on the same pixel of the image
            alone.
        passes_noise: whether independent noise of its input is still independent noise of the same
            standard deviation behind it, wherever the observation is known.
        stochastic: whether `simulate` adds something at random.
    """

    pixelwise: ClassVar[bool] = False
    passes_noise: ClassVar[bool] = False
    stochastic: ClassVar[bool] = False
    _kind: ClassVar[str | None] = None

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Registers the class as a pytree whose structure says which class it is of.

        Of a dataclass, fields with the metadata `STATIC` are settings, the others arrays.
        `jax.tree_util.register_dataclass` (jax 0.10) makes the structures of two classes equal if
        their fields are, so that once in a hundred processes, when their hashes fall together,
        `jax.jit` runs the program of one operator for another.
        """
        super().__init_subclass__(**arguments)

        def names(static: bool) -> list[str]:
            # Not before it is asked for: the fields are known once `dataclass` has run.
            every = fields(cls) if is_dataclass(cls) else ()
            return [f.name for f in every if (f.metadata == STATIC) is static]

        def flatten(operator: Any) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
            keys = [
                (jax.tree_util.GetAttrKey(name), getattr(operator, name)) for name in names(False)
            ]
            return keys, tuple(getattr(operator, name) for name in names(True))

        def unflatten(settings: Iterable[Any], arrays: Iterable[Any]) -> Any:
            values = zip([*names(True), *names(False)], [*settings, *arrays], strict=True)
            return cls(**dict(values))

        jax.tree_util.register_pytree_with_keys(cls, flatten, unflatten)

    def __call__(self, image: jax.Array) -> jax.Array:
        """Applies the operator without noise: deterministic and differentiable.

        Args:
            image: float[H, W, C] in [-1, 1]; for batches use `jax.vmap`.

        Returns: the observation, of the image's dtype and on its scale.

        Raises:
            SettingError: the operator does not fit the image's shape.
        """
        self.observation_shape(image.shape)
        return self._apply(image)

    def _apply(self, image: jax.Array) -> jax.Array:
        """Applies the operator to an image whose shape has been checked."""
        raise NotImplementedError

    def observation_shape(self, image_shape: Shape) -> Shape:
        """Returns the shape of the observation of an image of a shape (H, W, C).

        Raises:
            SettingError: the operator does not fit this shape.
        """
        return self._require_image(image_shape)

    @property
    def linear(self) -> bool:
        """Whether the operator is linear (no offset: a gray image of zeros stays zero)."""
        return True

    @property
    def kind(self) -> str | None:
        """The kind of problem that it poses, by which recipes differ; None for none of its own."""
        return self._kind

    @property
    def sigma(self) -> float:
        """Standard deviation of the observation's additive noise on the [0, 1] scale.

        On the scale of the arrays, [-1, 1], the noise is twice as large.
        """
        return 0.0

    @property
    def variance(self) -> tuple[jax.Array | float, jax.Array | float]:
        """Constant c and slope s of the noise's variance c + s (v + 1) at a value v in [-1, 1]."""
        return (2 * self.sigma) ** 2, 0.0

    @property
    def step(self) -> float:
        """Distance of the levels that values are rounded to, on the scale of the arrays; or 0."""
        return 0.0

    @property
    def signal_dependent(self) -> bool:
        """Whether bright values are noisier than dark ones: the slope of `variance` is not 0."""
        return False

    @property
    def blind(self) -> bool:
        """Whether the level of its noise is not known, so that every observation has to tell it."""
        return False

    @property
    def exact(self) -> bool:
        """Whether an observation is what the operator makes of the image: nothing at random."""
        return self.linear and self.sigma == 0

    def noise_error(self, observation: jax.Array) -> jax.Array:
        """Returns the mean `misfit` that noise alone causes in an observation: float[].

        Of noise that a file has clipped what is left. NaN if the observation has to tell it and
        shows too little.
        """
        known = self.visible(observation)
        if self.blind:
            return jnp.square(self.told_noise(observation)) * jnp.mean(known)
        if not self.signal_dependent and self._coarse:
            return rounded_error(self.step, self._noise) * jnp.mean(known)
        rounding = self.step**2 / 12
        if not self.signal_dependent and self._noise == 0:
            return rounding * jnp.mean(known)
        constant, slope = self.variance
        error = constant = constant - rounding
        if self.signal_dependent:
            # On the scale of the deviance, which knows nothing of what is known.
            error += jnp.mean(slope * (jnp.clip(observation, -1) + 1))
        if observation.ndim == 3:
            error *= kept_by_clipping(observation, known, constant, slope)
        return (error + rounding) * jnp.mean(known)

    def told_noise(self, observation: jax.Array) -> jax.Array:
        """Returns the standard deviation of the noise that an observation shows: float[].

        Args:
            observation: float[H, W, C] in [-1, 1]; the deviation is on this scale, NaN where too
                little is known side by side.
        """
        return noise_level(observation, self.visible(observation))

    def misfit(self, seen: jax.Array, observation: jax.Array) -> jax.Array:
        """Compares what the operator makes of an image with an observation, value by value.

        Squared differences. With noise that depends on the signal, the deviance of a Poisson
        distribution; where values are rounded by more than their noise, the likelihood of all that
        round to the same: in the same units, and at the truth with the mean of `noise_error`.

        Args:
            seen: what the operator makes of an image.
            observation: of the same shape.

        Returns: float of this shape.
        """
        if self.signal_dependent:
            return deviance(seen, observation, *self.variance)
        if self._coarse:
            return rounded(seen - observation, self.step, self._noise)
        return jnp.square(seen - observation)

    @property
    def _noise(self) -> float:
        """Standard deviation of the noise beside rounding, on the scale of the arrays."""
        return math.sqrt(max((2 * self.sigma) ** 2 - self.step**2 / 12, 0.0))

    @property
    def _coarse(self) -> bool:
        """Whether values are rounded by more than their noise and what renderings miss."""
        return not self.blind and self.step > max(self._noise, INEXACT)

    @property
    def support(self) -> jax.Array:
        """1 where the observation is known and 0 elsewhere; broadcasts against the observation."""
        return jnp.ones(())

    @property
    def reveals(self) -> bool:
        """Whether an observation itself tells where it is known, see `visible`."""
        return False

    def visible(self, observation: jax.Array) -> jax.Array:
        """Returns 1 where an observation tells of the image, else 0; broadcasts against it."""
        del observation
        return self.support

    def prepare(self, observation: jax.Array) -> jax.Array:
        """Sets to zero, as the operator does, what an observation holds where nothing is known.

        The objective compares renderings with this: holes of a file may hold anything.
        """
        return jnp.where(self.support > 0, observation, 0)

    def simulate(self, image: jax.Array, key: jax.Array) -> jax.Array:
        """Makes an observation of an image: the operator, then noise. Nothing is clipped.

        Args:
            image: float[H, W, C] in [-1, 1].
            key: JAX random key; the same key draws the same noise.

        Returns: the observation, of the image's dtype.
        """
        del key
        return self(image)

    def predict(self, image: jax.Array, key: jax.Array) -> jax.Array:
        """Makes an observation at random as `simulate` does, with a gradient.

        Where the one that `simulate` draws has none, another distribution of the same mean and
        variance takes its place.
        """
        return self.simulate(image, key)

    def expected(self, image: jax.Array) -> jax.Array:
        """Returns the mean of all observations, holes at unknown places included."""
        return self(image)

    def degrade(self, image: np.ndarray, key: jax.Array) -> np.ndarray:
        """Makes an observation on the host as it comes about where this package has no part in it.

        What `simulate` only imitates, codecs and filters, is done by those themselves.

        Args:
            image: float[H, W, C] in [-1, 1].
            key: JAX random key; the same key draws the same noise.
        """
        return np.asarray(self.simulate(jnp.asarray(image), key))

    def __str__(self) -> str:
        """Returns the text form, if it has one, else the name of the class."""
        return type(self).__name__.lower()

    def _require_image(self, shape: Shape) -> Shape:
        """Returns a shape (H, W, C) as it is and raises SettingError for any other."""
        if len(shape) != 3 or min(shape) < 1:
            raise SettingError(
                f"{self}: needs an image (height, width, channels), not an array of the shape "
                f"{tuple(shape)}"
            )
        return tuple(shape)


@dataclass(frozen=True)
class Function(Degradation):
    """An operator that is a function of an image; made by `as_degradation`.

    Attributes:
        function: float[H, W, C] in [-1, 1] to an array of any shape, traced by JAX.
        is_linear: whether it is linear.
    """

    function: Callable[[jax.Array], Any] = field(metadata=STATIC)
    is_linear: bool = field(default=False, metadata=STATIC)

    def _apply(self, image: jax.Array) -> jax.Array:
        return jnp.asarray(self.function(image))

    def observation_shape(self, image_shape: Shape) -> Shape:
        """Returns the shape of what the function makes of an image."""
        image = jax.ShapeDtypeStruct(self._require_image(image_shape), jnp.float32)
        made = jax.eval_shape(self.function, image)
        if not isinstance(made, jax.ShapeDtypeStruct):
            raise SettingError(f"{self}: must return one array, not {type(made).__name__}")
        return made.shape

    @property
    def linear(self) -> bool:
        """As it was said."""
        return self.is_linear

    def __str__(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)


# What is accepted as a degradation.
Operator = Degradation | Callable[[jax.Array], Any]


def as_degradation(degradation: Operator, *, linear: bool = False) -> Degradation:
    """Makes a degradation of a function of an image; a degradation is returned as it is.

    The observation of a function has no noise and is known everywhere. Programs are compiled for
    each function anew, and two functions are the same only if they are one object.

    Args:
        degradation: takes float[H, W, C] in [-1, 1] to the observation, an array of any shape, by
            operations that JAX can trace and differentiate.
        linear: whether the function is linear. Then the result is made to agree with the
            observation.

    Raises:
        SettingError: it is neither a degradation nor a function.

    Example:
        >>> from mgp_jax.degradations import as_degradation
        >>> every_other = as_degradation(lambda image: image[::2, ::2], linear=True)
        >>> every_other.observation_shape((64, 64, 3))
        (32, 32, 3)
    """
    if isinstance(degradation, Degradation):
        return degradation
    if not callable(degradation):
        kind = type(degradation).__name__
        raise SettingError(f"a degradation is an operator or a function of an image, not {kind}")
    return Function(degradation, linear)


@dataclass(frozen=True, eq=False)
class Label:
    """A text that rides along in the static part of a pytree without telling two of them apart.

    The spec of a degradation names the file or seed of an array. Compared as ordinary metadata it
    would make `jax.jit` compile again for every other mask.

    Attributes:
        text: the spec.
        origin: what the arrays were made of, where somebody needs that again.
    """

    text: str
    origin: Any = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Label)

    def __hash__(self) -> int:
        return hash(Label)

    def __str__(self) -> str:
        return self.text


def plain(value: float) -> str:
    """Writes a number as short as it can be read back."""
    return str(int(value)) if value == int(value) else repr(float(value))


def require_number(what: str, value: float, high: float = math.inf) -> None:
    """Raises SettingError unless 0 < value <= high and value is finite."""
    if not (0 < value <= high and math.isfinite(value)):
        most = "" if high == math.inf else f" and at most {plain(high)}"
        raise SettingError(f"{what} must be above 0{most}, not {value}")


def require_whole(what: str, value: int, low: int, high: int | None = None) -> None:
    """Raises SettingError unless `value` is a whole number with low <= value <= high."""
    if not isinstance(value, Integral) or value < low or (high is not None and value > high):
        most = "" if high is None else f" and at most {high}"
        raise SettingError(f"{what} must be a whole number of at least {low}{most}, not {value}")
