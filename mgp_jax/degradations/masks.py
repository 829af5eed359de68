"""Degradations that hide pixels at known places: masks, and pixel noise at known places."""

import os
from dataclasses import dataclass, field
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from scipy.ndimage import binary_dilation

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
from mgp_jax.images import MaskPicture, read_mask_picture

# Thickness of a stroke as a part of the width.
STROKE = 0.08


@dataclass(frozen=True, eq=False)
class Mask(Degradation):
    """Some pixels are missing; the observation is zero (mid-gray) there.

    Attributes:
        known: float[H, W, 1], 1 = known, 0 = missing.
        label: the text form.
    """

    known: jax.Array
    label: Label = field(default=Label("mask"), metadata=STATIC)

    pixelwise = True
    passes_noise = True

    @classmethod
    def from_array(cls, known: Any, text: str = "mask", origin: Any = None) -> Self:
        """Makes a mask of an array [H, W] or [H, W, 1] of zeros (missing) and ones (known).

        Args:
            known: the array, of numbers or booleans.
            text: its text form.
            origin: what it was made of, see `Label`.

        Raises:
            SettingError: another shape or other values, or all or none of the pixels are known.
        """
        array = np.asarray(known)
        if array.dtype.kind not in "fiub":
            raise SettingError(f"{text}: a mask is an array of numbers, not of {array.dtype}")
        array = array.astype(np.float32)
        array = array[..., None] if array.ndim == 2 else array
        if array.ndim != 3 or array.shape[2] != 1:
            raise SettingError(f"{text}: a mask has the shape (H, W, 1), not {array.shape}")
        if not np.isin(array, (0, 1)).all():
            values = f"{array.min():g} to {array.max():g}"
            raise SettingError(f"{text}: a mask holds only 0 (missing) and 1 (known), not {values}")
        if array.min() == array.max():
            which = "no pixel is missing" if array.size and array.all() else "no pixel is known"
            raise SettingError(f"{text}: {which}")
        return cls(jnp.asarray(array), Label(text, origin))

    @classmethod
    def from_file(
        cls, path: str | os.PathLike[str], resolution: int, inverted: bool = False
    ) -> Self:
        """Reads a mask: white = missing, see `images.read_mask_picture`.

        Args:
            path: the file.
            resolution: height and width of the mask that is needed.
            inverted: whether black marks what is missing.

        Raises:
            ImageError: it cannot be used.
        """
        picture = read_mask_picture(path, inverted)
        text = f"mask:{'inverted:' * inverted}{path}"
        return cls.from_array(picture.known(resolution), text, picture)

    @property
    def picture(self) -> MaskPicture | None:
        """The file that the mask was read from, in its own size."""
        return self.label.origin

    @property
    def missing(self) -> float:
        """The share of pixels that are missing."""
        return float(1 - np.mean(np.asarray(self.known)))

    @classmethod
    def center(cls, size: int, shape: Shape) -> Self:
        """Hides the central square of `size` pixels of an image of the shape (H, W, ...).

        Raises:
            SettingError: the square has no pixel or is not smaller than the image.
        """
        height, width = shape[:2]
        require_whole("mask:center: the size of the hole", size, 1, min(height, width) - 1)
        top, left = (height - size) // 2, (width - size) // 2
        known = np.ones((height, width, 1), np.float32)
        known[top : top + size, left : left + size] = 0
        return cls.from_array(known, f"mask:center:{size}")

    @classmethod
    def random(cls, fraction: float, shape: Shape, seed: int = 0) -> Self:
        """Hides a fraction of the pixels of an image of the shape (H, W, ...), picked by seed.

        Raises:
            SettingError: the fraction is not between 0 and 1 or so extreme that all or no pixels
                would be missing.
        """
        return cls.from_array(*_scattered("mask:random", fraction, shape, seed))

    @classmethod
    def strokes(cls, count: int, shape: Shape, seed: int = 0) -> Self:
        """Hides straight strokes across an image of the shape (H, W, ...), drawn by seed.

        Each is 8 % of the width thick, and leads from a point of one outer third of the image to
        one of the opposite third.

        Raises:
            SettingError: there are no strokes, or so many that no pixel is left.

        Source: Poirier-Ginter and Lalonde 2023, section 4.
        """
        require_whole("mask:strokes: the number of strokes", count, 1)
        require_whole("mask:strokes: the seed", seed, 0)
        height, width = shape[:2]
        draws = np.random.Generator(np.random.PCG64(seed)).random((count, 5))
        y, x = np.mgrid[:height, :width]
        pixels = np.stack([y + 0.5, x + 0.5], axis=-1)
        known = np.ones((height, width), bool)
        for across, *places in draws:
            ends = np.reshape(places, (2, 2)) * [[1 / 3, 1]] + [[0, 0], [2 / 3, 0]]
            # Half of them lead from top to bottom, the others from left to right.
            first, last = (ends if across < 0.5 else ends[:, ::-1]) * (height, width)
            along = last - first
            part = np.clip((pixels - first) @ along / (along @ along), 0, 1)
            distance = np.linalg.norm(pixels - first - part[..., None] * along, axis=-1)
            known &= distance > max(STROKE * width, 1) / 2
        text = f"mask:strokes:{count}" + (f":seed={seed}" if seed else "")
        return cls.from_array(known, text)

    @property
    def scattered(self) -> bool:
        """Whether known pixels are near nearly all missing ones: within two pixels for 95 %."""
        missing = np.asarray(self.known[..., 0]) == 0
        near = binary_dilation(~missing, np.ones((5, 5)))
        return bool(near[missing].mean() >= 0.95)

    @property
    def kind(self) -> str:
        """Holes are harder than scattered pixels, between which little is unknown."""
        return "scattered inpainting" if self.scattered else "inpainting"

    @property
    def support(self) -> jax.Array:
        """float[H, W, 1]: 1 where the pixel is known."""
        return self.known

    def _apply(self, image: jax.Array) -> jax.Array:
        return image * self.known.astype(image.dtype)

    def observation_shape(self, image_shape: Shape) -> Shape:
        """Returns the shape as it is if the mask has the image's size."""
        shape = self._require_image(image_shape)
        height, width = self.known.shape[:2]
        if shape[:2] != (height, width):
            raise SettingError(
                f"{self}: a mask of {width}x{height} pixels does not fit an image of "
                f"{shape[1]}x{shape[0]}"
            )
        return shape

    def __str__(self) -> str:
        return str(self.label)


@dataclass(frozen=True, eq=False)
class Impulse(Mask):
    """Pixel noise at known places: a mask whose missing pixels are observed as random colours."""

    label: Label = field(default=Label("impulse"), metadata=STATIC)

    stochastic = True

    @classmethod
    def random(cls, fraction: float, shape: Shape, seed: int = 0) -> Self:
        """Replaces a fraction of the pixels of an image of the shape (H, W, ...), picked by seed.

        Raises:
            SettingError: the fraction is not between 0 and 1 or so extreme that all or no pixels
                would be replaced.
        """
        return cls.from_array(*_scattered("impulse", fraction, shape, seed))

    def simulate(self, image: jax.Array, key: jax.Array) -> jax.Array:
        """Returns the image with colours drawn uniformly from [-1, 1] in place of the missing."""
        noise = jax.random.uniform(key, image.shape, image.dtype, -1, 1)
        return jnp.where(self.known > 0, image, noise)


def _scattered(name: str, fraction: float, shape: Shape, seed: int) -> tuple[np.ndarray, str]:
    """Picks pixels at random: returns known pixels [H, W], and the text form with its seed."""
    require_number(f"{name}: the fraction of pixels", fraction, 1)
    require_whole(f"{name}: the seed", seed, 0)
    count = shape[0] * shape[1]
    # The raw uniform stream of PCG64 does not change between NumPy versions; `permutation` may.
    order = np.argsort(np.random.Generator(np.random.PCG64(seed)).random(count), kind="stable")
    known = np.ones(count, np.float32)
    known[order[: round(fraction * count)]] = 0
    text = f"{name}:{plain(fraction)}" + (f":seed={seed}" if seed else "")
    return known.reshape(shape[:2]), text
