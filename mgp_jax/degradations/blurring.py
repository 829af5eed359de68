"""Blur: convolution with a kernel that is known."""

import math
from dataclasses import dataclass, field
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.degradations.base import (
    STATIC,
    Degradation,
    Label,
    Shape,
    plain,
    require_number,
    require_whole,
)
from mgp_jax.errors import SettingError

# Beyond any sensible image; keeps a slip of the finger from filling the memory with a kernel.
LONGEST = 1000


@dataclass(frozen=True, eq=False)
class Blur(Degradation):
    """Convolves every channel with the same kernel.

    The image is continued by reflection about the centres of its outermost pixels (`reflect` of
    numpy and torch, `mirror` of scipy).

    Attributes:
        kernel: float[k, l], k and l odd, with the sum 1.
        label: the text form.
    """

    kernel: jax.Array
    label: Label = field(default=Label("blur"), metadata=STATIC)

    @classmethod
    def from_kernel(cls, kernel: Any, text: str = "blur") -> Self:
        """Blurs with a given kernel (a point spread function), which is scaled to the sum 1.

        Args:
            kernel: float[k, l], k and l odd.
            text: what `str` shows.

        Raises:
            SettingError: the kernel has another shape, values that are not finite, or no positive
                sum.
        """
        array = np.asarray(kernel, np.float64)
        if array.ndim != 2 or not all(n % 2 for n in array.shape):
            raise SettingError(
                f"{text}: a blur kernel has two odd sides, not the shape {array.shape}"
            )
        if not np.isfinite(array).all() or not array.sum() > 1e-6 * np.abs(array).sum():
            raise SettingError(f"{text}: a blur kernel needs finite values of a positive sum")
        return cls(jnp.asarray(array / array.sum(), jnp.float32), Label(text))

    @classmethod
    def gaussian(cls, sigma: float) -> Self:
        """Blurs with a Gaussian of standard deviation `sigma` pixels, cut off at 4 sigma."""
        require_number("blur:gaussian: sigma (in pixels)", sigma, LONGEST)
        radius = int(4 * sigma + 0.5)
        row = np.exp(-0.5 * np.square(np.arange(-radius, radius + 1) / sigma))
        return cls.from_kernel(np.outer(row, row), f"blur:gaussian:{plain(sigma)}")

    @classmethod
    def motion(cls, length: int, angle: float) -> Self:
        """Blurs along a straight line: the mean of shots one pixel apart.

        Args:
            length: how many shots, at least 2. The line is centred on the pixel.
            angle: of the line in degrees, counter-clockwise from the horizontal. A shot between
                pixels is spread over its four neighbours (bilinear).
        """
        require_whole("blur:motion: the length (in pixels)", length, 2, LONGEST)
        if not math.isfinite(angle):
            raise SettingError(f"blur:motion: the angle (in degrees) must be finite, not {angle}")
        along = np.arange(length) - (length - 1) / 2
        direction = np.array([-math.sin(math.radians(angle)), math.cos(math.radians(angle))])
        radius = math.ceil((length - 1) / 2)
        # Rounded, so that 90 degrees is a column and not a column and its faint neighbours.
        places = np.round(along[:, None] * direction, 9)
        offsets = np.arange(-radius, radius + 1)
        hats = np.maximum(0, 1 - np.abs(offsets[None, :, None] - places[:, None]))
        kernel = np.einsum("nk,nl->kl", hats[..., 0], hats[..., 1])
        return cls.from_kernel(kernel, f"blur:motion:{length}:{plain(angle)}")

    def _apply(self, image: jax.Array) -> jax.Array:
        # By Fourier transform: 20 to 50 times faster than `lax.conv` of so few channels on
        # XLA:CPU, whatever the kernel's size (64x64 and 256x256 pixels, kernels of 9x9 and 17x17).
        height, width, _ = image.shape
        rows, columns = (n // 2 for n in self.kernel.shape)
        padded = jnp.pad(image, ((rows, rows), (columns, columns), (0, 0)), mode="reflect")
        size = padded.shape[:2]
        spectrum = jnp.fft.rfft2(padded, axes=(0, 1))
        transfer = jnp.fft.rfft2(self.kernel.astype(image.dtype), size)
        blurred = jnp.fft.irfft2(spectrum * transfer[..., None], size, axes=(0, 1))
        # The first values are those that the periodic transform has mixed with the far edge.
        return blurred[2 * rows : 2 * rows + height, 2 * columns : 2 * columns + width]

    def observation_shape(self, image_shape: Shape) -> Shape:
        """Returns the shape as it is if the kernel's reach is below the image's size."""
        shape = self._require_image(image_shape)
        if any(k // 2 >= n for k, n in zip(self.kernel.shape, shape[:2], strict=True)):
            height, width = self.kernel.shape
            raise SettingError(
                f"{self}: a kernel of {width}x{height} pixels is too wide for an image of "
                f"{shape[1]}x{shape[0]}"
            )
        return shape

    def __str__(self) -> str:
        return str(self.label)
