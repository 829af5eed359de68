"""Noise of few photons, and pixels without any: Poisson and Bernoulli."""

from dataclasses import dataclass, field
from typing import Self

import jax
import jax.numpy as jnp

from mgp_jax.degradations.base import (
    STATIC,
    Label,
    Shape,
    plain,
    require_number,
)
from mgp_jax.degradations.pointwise import Noisy

# A pixel that is darker than half a level of a file of 8 bits is black there.
BLACK = -1 + 1 / 255


@dataclass(frozen=True, eq=False)
class Poisson(Noisy):
    """Noise of counted photons: the brighter, the noisier. The operator is the identity.

    Attributes:
        peak: float[], mean number of photons of a white pixel and channel.
        label: the text form.
    """

    peak: jax.Array
    label: Label = field(default=Label("poisson"), metadata=STATIC)

    @classmethod
    def of(cls, peak: float) -> Self:
        """Counts so many photons in white.

        Raises:
            SettingError: the number is not positive.
        """
        require_number("poisson: the number of photons", peak)
        return cls(jnp.asarray(peak, jnp.float32), Label(f"poisson:{plain(peak)}"))

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise of mid-gray on the [0, 1] scale."""
        return float(0.5 / self.peak) ** 0.5

    @property
    def variance(self) -> tuple[float, jax.Array]:
        """Constant and slope, see `Degradation.variance`."""
        return 0.0, 2 / self.peak

    @property
    def signal_dependent(self) -> bool:
        """True: so is light."""
        return True

    def observation_shape(self, image_shape: Shape) -> Shape:
        """Returns the shape as it is."""
        return tuple(image_shape)

    def simulate(self, image: jax.Array, key: jax.Array) -> jax.Array:
        """Counts photons; what is below black has none."""
        photons = jax.random.poisson(key, self._photons(image))
        return (2 / self.peak * photons - 1).astype(image.dtype)

    def predict(self, image: jax.Array, key: jax.Array) -> jax.Array:
        """Adds Gaussian noise of the same variance."""
        # The root of a pixel without photons would have an infinite gradient.
        deviation = jnp.sqrt(jnp.maximum(self._photons(image), 1e-3))
        noise = jax.random.normal(key, image.shape, image.dtype)
        return image + 2 / self.peak * deviation * noise

    def _photons(self, image: jax.Array) -> jax.Array:
        return self.peak * jnp.maximum(image + 1, 0) / 2

    def __str__(self) -> str:
        return str(self.label)


@dataclass(frozen=True, eq=False)
class Drop(Noisy):
    """Dead pixels at random places: black in all channels. The operator is the identity.

    Unlike the holes of a mask they are found in the observation: what is black there is not known.

    Attributes:
        probability: float[], the part of all pixels that is dropped, on average.
        label: the text form.
    """

    probability: jax.Array
    label: Label = field(default=Label("drop"), metadata=STATIC)

    @classmethod
    def of(cls, probability: float) -> Self:
        """Drops such a part of the pixels.

        Raises:
            SettingError: the probability is not in (0, 1].
        """
        require_number("drop: the probability", probability, 1)
        return cls(jnp.asarray(probability, jnp.float32), Label(f"drop:{plain(probability)}"))

    @property
    def reveals(self) -> bool:
        """True: what is black is not known."""
        return True

    def visible(self, observation: jax.Array) -> jax.Array:
        """float[H, W, 1]: 1 where any channel is above black."""
        return jnp.any(observation > BLACK, axis=-1, keepdims=True).astype(observation.dtype)

    def expected(self, image: jax.Array) -> jax.Array:
        """Returns the image as dark as pixels without light make it on average."""
        return (1 - self.probability) * (image + 1) - 1

    def simulate(self, image: jax.Array, key: jax.Array) -> jax.Array:
        """Makes pixels black; what stays has a gradient."""
        stays = jax.random.bernoulli(key, 1 - self.probability, (*image.shape[:-1], 1))
        return jnp.where(stays, image, -1)

    def __str__(self) -> str:
        return str(self.label)
