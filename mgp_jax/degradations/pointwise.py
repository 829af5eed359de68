"""Degradations that look at one pixel at a time: identity, grayscale, noise, rounding."""

from dataclasses import dataclass, field

import jax

from mgp_jax.degradations.base import (
    AUTO,
    STATIC,
    Degradation,
    Shape,
    plain,
    require_number,
)
from mgp_jax.errors import SettingError
from mgp_jax.images import LUMINANCE


@dataclass(frozen=True)
class Identity(Degradation):
    """The image itself is observed."""

    _kind = "inversion"
    pixelwise = True
    passes_noise = True

    def _apply(self, image: jax.Array) -> jax.Array:
        return image

    def __str__(self) -> str:
        return "identity"


@dataclass(frozen=True)
class Grayscale(Degradation):
    """The luminance 0.299 R + 0.587 G + 0.114 B: float[H, W, 3] -> float[H, W, 1].

    Source: ITU-R BT.601; Gu et al. 2020, section 4.2.
    """

    _kind = "colorization"
    pixelwise = True

    def _apply(self, image: jax.Array) -> jax.Array:
        # Written out: a matrix product would run at reduced precision on accelerators.
        red, green, blue = (image[..., k : k + 1] for k in range(3))
        return LUMINANCE[0] * red + LUMINANCE[1] * green + LUMINANCE[2] * blue

    def observation_shape(self, image_shape: Shape) -> Shape:
        """Returns (H, W, 1) of an RGB image (H, W, 3)."""
        height, width, channels = self._require_image(image_shape)
        if channels != 3:
            raise SettingError(f"{self}: needs an image of 3 channels, not {channels}")
        return (height, width, 1)

    def __str__(self) -> str:
        return "gray"


class Noisy(Degradation):
    """What an operator of noise alone is: the identity, with an observation at random."""

    pixelwise = True
    passes_noise = True
    stochastic = True
    _kind = "denoising"

    @property
    def exact(self) -> bool:
        """False: it is noise."""
        return False

    def _apply(self, image: jax.Array) -> jax.Array:
        return image


@dataclass(frozen=True)
class Noise(Noisy):
    """Additive Gaussian noise: the operator is the identity, `simulate` adds the noise.

    Attributes:
        level: standard deviation on the [0, 1] scale, so 25 of 255 is 0.098.
    """

    level: float = field(metadata=STATIC)

    def __post_init__(self):
        require_number("noise: sigma (on the [0, 1] scale)", self.level, 1)

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise on the [0, 1] scale."""
        return float(self.level)

    @property
    def exact(self) -> bool:
        """Whether there is no noise at all."""
        return self.sigma == 0

    def observation_shape(self, image_shape: Shape) -> Shape:
        """Returns the shape as it is; observations that are no images can be noisy too."""
        return tuple(image_shape)

    def simulate(self, image: jax.Array, key: jax.Array) -> jax.Array:
        """Returns image + noise of standard deviation 2 sigma on the [-1, 1] scale, unclipped."""
        return image + 2 * self.level * jax.random.normal(key, image.shape, image.dtype)

    def __str__(self) -> str:
        return f"noise:{plain(self.level)}"


@dataclass(frozen=True)
class UnknownNoise(Noisy):
    """Additive Gaussian noise whose level each observation, an image, tells: see `noise_level`."""

    @property
    def blind(self) -> bool:
        """True: that is what it is for."""
        return True

    def simulate(self, image: jax.Array, key: jax.Array) -> jax.Array:
        """Raises SettingError: nobody knows how much noise to add."""
        raise SettingError(f"{self}: noise of an unknown level cannot be simulated, give its sigma")

    def predict(self, image: jax.Array, key: jax.Array) -> jax.Array:
        """Returns the image without noise."""
        del key
        return image

    def __str__(self) -> str:
        return f"noise:{AUTO}"
