"""What all degradations have in common.

A degradation is a frozen dataclass and a pytree: its arrays (masks, kernels, signs) are leaves, so
that they can be passed through `jax.jit` as arguments, and its settings are static.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp

from mgp_jax.errors import SettingError

Shape = tuple[int, ...]
# Metadata of the dataclass fields that are settings, not arrays.
STATIC = {"static": True}

T = TypeVar("T")


def register_pytree(dataclass_type: type[T]) -> type[T]:
    """Registers a dataclass as a pytree whose structure says which class it is of.

    `jax.tree_util.register_dataclass` (jax 0.10) makes the structures of two classes equal if their
    fields are, so that once in a hundred processes, when their hashes fall together, `jax.jit` runs
    the program of one operator for another. Fields with the metadata `STATIC` are settings, the
    others arrays.
    """
    every = fields(dataclass_type)  # pyright: ignore[reportArgumentType]
    static = [field.name for field in every if field.metadata == STATIC]
    arrays = [field.name for field in every if field.metadata != STATIC]

    def flatten(degradation: T):
        children = [(jax.tree_util.GetAttrKey(name), getattr(degradation, name)) for name in arrays]
        return children, tuple(getattr(degradation, name) for name in static)

    def unflatten(settings: Iterable[Any], children: Iterable[Any]) -> T:
        values = zip([*static, *arrays], [*settings, *children], strict=True)
        return dataclass_type(**dict(values))

    jax.tree_util.register_pytree_with_keys(dataclass_type, flatten, unflatten)
    return dataclass_type


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
    def sigma(self) -> float:
        """Standard deviation of the observation's additive noise on the [0, 1] scale.

        On the scale of the arrays, [-1, 1], the noise is twice as large.
        """
        return 0.0

    @property
    def noise_error(self) -> jax.Array:
        """Mean squared error that the noise alone causes in an observation in [-1, 1]."""
        return (2 * self.sigma) ** 2 * jnp.mean(self.support)

    @property
    def support(self) -> jax.Array:
        """Where the observation says something: 1 there and 0 elsewhere; broadcasts against it."""
        return jnp.ones(())

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

    def _require_image(self, shape: Shape) -> Shape:
        """Returns a shape (H, W, C) as it is and raises SettingError for any other."""
        if len(shape) != 3 or min(shape) < 1:
            raise SettingError(
                f"{self}: needs an image (height, width, channels), not an array of the shape "
                f"{tuple(shape)}"
            )
        return tuple(shape)


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
