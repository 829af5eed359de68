"""The loss of JPEG compression: a twin with gradients, and the codec itself."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Number

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from PIL import Image

from mgp_jax.degradations.base import STATIC, Degradation, Shape, require_whole
from mgp_jax.errors import SettingError
from mgp_jax.images import to_uint8

# ITU-T T.81, annex K.1: quantisation steps at quality 50, for luminance and chrominance.
LUMINANCE_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float64,
)
CHROMINANCE_STEPS = np.full((8, 8), 99.0)
CHROMINANCE_STEPS[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
# JFIF: red, green, blue (0 to 255) to luminance, blue difference and red difference, and back.
TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]]
)
TO_RGB = np.linalg.inv(TO_YCC)
# Orthonormal cosine transform of eight samples.
COSINES = np.cos(np.pi * np.outer(np.arange(8), 2 * np.arange(8) + 1) / 16) / 2
COSINES[0] /= 2**0.5


@dataclass(frozen=True)
class Jpeg(Degradation):
    """JPEG compression: float[H, W, C] -> float[H, W, C].

    The values are those of a baseline codec with the standard tables (libjpeg's scale of quality):
    colour transform, chroma at half the resolution, rounding to whole levels, cosine transform of
    8x8 blocks, rounding to multiples of the steps, and back, with clipping. Most pixels are within
    one of 255 levels of libjpeg's; but its transforms work with integers, and where a coefficient
    is near a tie it may fall to the other side, which changes a block by one step.

    The gradient is NOT that of this function, which is zero almost everywhere, but a surrogate:
    rounding and clipping count as the identity (straight-through). It points the right way on
    average over the roundings; a finite difference of the function will not agree with it.

    `degrade` writes and reads a file instead.

    Attributes:
        quality: 1 (worst) to 100; programs are compiled for all qualities alike.
        subsample: whether colour differences are kept at half the resolution (4:2:0), as most
            files have it; otherwise 4:4:4. Images of one channel have none.
    """

    quality: int
    subsample: bool = field(default=True, metadata=STATIC)

    def __post_init__(self):
        # Elsewhere JAX has put something of its own in its place.
        if isinstance(self.quality, Number | str):
            require_whole("jpeg: the quality", self.quality, 1, 100)

    @property
    def linear(self) -> bool:
        """False: it rounds."""
        return False

    def _apply(self, image: jax.Array) -> jax.Array:
        height, width, channels = image.shape
        unit = 16 if self.subsample and channels == 3 else 8
        below, right = -height % unit, -width % unit
        x = jnp.pad(127.5 * (image + 1), ((0, below), (0, right), (0, 0)), mode="edge")
        if channels == 1:
            y = quantise(x[..., 0] - 128, self._steps(LUMINANCE_STEPS)) + 128
            decoded = y[..., None]
        else:
            ycc = _mix(TO_YCC, x)
            planes = [quantise(ycc[..., 0] - 128, self._steps(LUMINANCE_STEPS)) + 128]
            planes += [self._chroma(ycc[..., k]) for k in (1, 2)]
            decoded = _mix(TO_RGB, jnp.stack(planes, axis=-1))
        decoded = straight_through(lambda v: jnp.clip(v, 0, 255), decoded)
        return decoded[:height, :width] / 127.5 - 1

    def _chroma(self, plane: jax.Array) -> jax.Array:
        """Compresses float[H, W] of colour differences around 0."""
        steps = self._steps(CHROMINANCE_STEPS)
        if not self.subsample:
            return quantise(plane, steps)
        height, width = plane.shape
        half = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        return jax.image.resize(quantise(half, steps), (height, width), "linear")

    def _steps(self, base: np.ndarray) -> jax.Array:
        """Scales the steps of quality 50 to this quality, as libjpeg does."""
        coarse, fine = 5000 // self.quality, 200 - 2 * self.quality
        scale = jnp.where(jnp.asarray(self.quality) < 50, coarse, fine)
        return jnp.clip(jnp.floor((base.astype(np.float32) * scale + 50) / 100), 1, 255)

    def degrade(self, image: np.ndarray, key: jax.Array) -> np.ndarray:
        """Compresses the image by a codec, libjpeg's."""
        del key
        levels, file = to_uint8(np.asarray(image)), io.BytesIO()
        picture = Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)
        chroma = {} if levels.shape[2] == 1 else {"subsampling": 2 if self.subsample else 0}
        picture.save(file, "JPEG", quality=int(self.quality), **chroma)
        decoded = np.asarray(Image.open(file), np.float32).reshape(levels.shape)
        return decoded / np.float32(127.5) - 1

    def observation_shape(self, image_shape: Shape) -> Shape:
        """Returns the shape as it is; an image has 1 or 3 channels."""
        shape = self._require_image(image_shape)
        if shape[2] not in (1, 3):
            raise SettingError(f"{self}: needs an image of 1 or 3 channels, not {shape[2]}")
        return shape

    def __str__(self) -> str:
        return f"jpeg:{self.quality}" + ("" if self.subsample else ":444")


def straight_through(exact: Callable[[jax.Array], jax.Array], x: jax.Array) -> jax.Array:
    """Returns exact(x), whose gradient counts as that of x.

    Source: Bengio et al. 2013, "Estimating or propagating gradients through stochastic neurons".
    """
    return x + lax.stop_gradient(exact(x) - x)


def quantise(plane: jax.Array, steps: jax.Array) -> jax.Array:
    """Rounds levels, then the cosine coefficients of every 8x8 block to multiples of their steps.

    Args:
        plane: float[H, W], sides multiples of 8, 0 = mid-gray, in units of one of 255 levels.
        steps: float[8, 8], vertical by horizontal frequency.

    Returns: float[H, W].
    """
    height, width = plane.shape
    cosines, sizes = jnp.asarray(COSINES, plane.dtype), jnp.asarray(steps, plane.dtype)
    highest = lax.Precision.HIGHEST
    plane = straight_through(jnp.round, plane)
    blocks = plane.reshape(height // 8, 8, width // 8, 8)
    spectrum = jnp.einsum("uy,aybx,vx->abuv", cosines, blocks, cosines, precision=highest)
    spectrum = straight_through(jnp.round, spectrum / sizes) * sizes
    blocks = jnp.einsum("uy,abuv,vx->aybx", cosines, spectrum, cosines, precision=highest)
    return blocks.reshape(height, width)


def _mix(matrix: np.ndarray, x: jax.Array) -> jax.Array:
    """Mixes the channels: out[..., i] = sum_j matrix[i, j] x[..., j], at full precision."""
    return jnp.einsum(
        "ij,hwj->hwi", jnp.asarray(matrix, x.dtype), x, precision=lax.Precision.HIGHEST
    )
