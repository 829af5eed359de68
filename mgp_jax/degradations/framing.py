"""Photographs of which a generator's image shows only a part, as an operator.

A generator knows its subject in one framing: at one place of the image, in one size. Where
photographs show it smaller, the generator's image is put into a frame within the photograph; what
lies around it, the observation alone must tell.
"""

from dataclasses import dataclass, field
from typing import Self

import jax
import jax.numpy as jnp

from mgp_jax.degradations.base import STATIC, Degradation, plain, require_number
from mgp_jax.errors import SettingError

# Width of the soft edge of a frame, as a part of the photograph's.
EDGE = 0.02


@dataclass(frozen=True)
class Frame(Degradation):
    """Reduces float[H, W, C] into a frame within an image of the same shape, zero around it.

    Attributes:
        size: height and width of the frame as a part of the photograph's, at most 1.
        x: where its centre is, from 0 (left) to 1 (right).
        y: where its centre is, from 0 (top) to 1 (bottom).
    """

    size: float = field(metadata=STATIC)
    x: float = field(default=0.5, metadata=STATIC)
    y: float = field(default=0.5, metadata=STATIC)

    def __post_init__(self):
        require_number("frame: the size", self.size, 1)
        for name, place in (("x", self.x), ("y", self.y)):
            if not self.size / 2 <= place <= 1 - self.size / 2:
                raise SettingError(
                    f"frame: with the size {self.size:g} and the centre {name} = {place:g} it "
                    "would not lie within the photograph"
                )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads SIZE, or SIZE,X,Y.

        Raises:
            SettingError: it is something else, or the frame leaves the photograph.
        """
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) not in (1, 3):
            raise SettingError(f"frame {text}: neither SIZE like 0.9 nor SIZE,X,Y like 0.9,0.5,0.5")
        return cls(*numbers)

    def _apply(self, image: jax.Array) -> jax.Array:
        height, width, _ = image.shape
        rows, columns = self._samples(height, self.y), self._samples(width, self.x)
        framed = jnp.einsum("yj,xk,jkc->yxc", rows, columns, image)
        return self.inside(height, width) * framed

    def inside(self, height: int, width: int) -> jax.Array:
        """Returns float[H, W, 1]: 1 within the frame, 0 around it, in between at its edge.

        Where the frame ends at the photograph's own border there is no edge.
        """
        return (self._ramp(height, self.y)[:, None] * self._ramp(width, self.x))[..., None]

    def _samples(self, count: int, center: float) -> jax.Array:
        """Weights float[count, count] of the image's pixels for every pixel of the photograph."""
        pixels = (jnp.arange(count) + 0.5) / count
        places = ((pixels - center) / self.size + 0.5) * count - 0.5
        places = jnp.clip(places, 0, count - 1)
        # A triangle as wide as a pixel of the photograph is in the image, against aliasing.
        distances = jnp.abs(jnp.arange(count) - places[:, None])
        weights = jnp.maximum(0, 1 - self.size * distances)
        return weights / jnp.sum(weights, axis=1, keepdims=True)

    def _ramp(self, count: int, center: float) -> jax.Array:
        pixels = (jnp.arange(count) + 0.5) / count
        first, last = center - self.size / 2, center + self.size / 2
        begin = jnp.where(first > 1e-6, (pixels - first) / EDGE, 1)
        end = jnp.where(last < 1 - 1e-6, (last - pixels) / EDGE, 1)
        return jnp.clip(jnp.minimum(begin, end), 0, 1)

    def __str__(self) -> str:
        return f"frame:{plain(self.size)},{plain(self.x)},{plain(self.y)}"
