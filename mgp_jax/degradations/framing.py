"""Photographs of which a generator's image shows only a part, as an operator.

A generator knows its subject in one framing: at one place of the image, in one size. Where
photographs show it smaller, the generator's image is put into a frame within the photograph; what
lies around it, the observation alone must tell.
"""

import math
from dataclasses import dataclass
from typing import Self

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

from mgp_jax.degradations.base import Degradation, plain, require_number
from mgp_jax.errors import SettingError

# Width of the soft edge of a frame, as a part of the photograph's.
EDGE = 0.02


@dataclass(frozen=True)
class Frame(Degradation):
    """Reduces float[H, W, C] into a frame within an image of the same shape, zero around it.

    Its numbers are leaves of a pytree, so that one program serves all frames, and that they can be
    found by their gradient.

    Attributes:
        size: height and width of the frame as a part of the photograph's, at most 1.
        x: where its centre is, from 0 (left) to 1 (right).
        y: where its centre is, from 0 (top) to 1 (bottom).
        turn: by how many degrees it is turned clockwise; None for an upright one.
    """

    size: float | jax.Array
    x: float | jax.Array = 0.5
    y: float | jax.Array = 0.5
    turn: float | jax.Array | None = None

    def __post_init__(self):
        if not isinstance(self.size, float | int):
            return  # Within a program nothing can be refused.
        require_number("frame: the size", self.size, 1)
        for name, place in (("x", self.x), ("y", self.y)):
            if not self.size / 2 <= place <= 1 - self.size / 2:
                raise SettingError(
                    f"frame: with the size {self.size:g} and the centre {name} = {place:g} it "
                    "would not lie within the photograph"
                )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads SIZE, or SIZE,X,Y, or SIZE,X,Y,TURN.

        Raises:
            SettingError: it is something else, or the frame leaves the photograph.
        """
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) not in (1, 3, 4) or not all(map(math.isfinite, numbers[3:])):
            raise SettingError(f"frame {text}: neither SIZE like 0.9 nor SIZE,X,Y like 0.9,0.5,0.5")
        return cls(*numbers)

    def _apply(self, image: jax.Array) -> jax.Array:
        height, width, _ = image.shape
        if self.turn is not None:
            image = turned(image, self.turn)
        rows, columns = self._samples(height, self.y), self._samples(width, self.x)
        framed = jnp.einsum("yj,xk,jkc->yxc", rows, columns, image)
        return self.inside(height, width) * framed

    def inside(self, height: int, width: int) -> jax.Array:
        """Returns float[H, W, 1]: 1 within the frame, 0 around it, in between at its edge.

        Where the frame ends at the photograph's own border there is no edge.
        """
        inside = (self._ramp(height, self.y)[:, None] * self._ramp(width, self.x))[..., None]
        if self.turn is None:
            return inside
        # Its corners turn too; what is then beyond them is the photograph's.
        y, x = (jnp.arange(height) + 0.5) / height, (jnp.arange(width) + 0.5) / width
        angle = jnp.deg2rad(self.turn)
        right, down = x[None, :] - self.x, y[:, None] - self.y
        across = jnp.cos(angle) * right + jnp.sin(angle) * down
        along = jnp.cos(angle) * down - jnp.sin(angle) * right
        farthest = jnp.maximum(jnp.abs(across), jnp.abs(along))
        own = jnp.clip((self.size / 2 - farthest) / EDGE + 1, 0, 1)
        return inside * own[..., None]

    def _samples(self, count: int, center: float | jax.Array) -> jax.Array:
        """Weights float[count, count] of the image's pixels for every pixel of the photograph."""
        pixels = (jnp.arange(count) + 0.5) / count
        places = ((pixels - center) / self.size + 0.5) * count - 0.5
        places = jnp.clip(places, 0, count - 1)
        # A triangle as wide as a pixel of the photograph is in the image, against aliasing.
        distances = jnp.abs(jnp.arange(count) - places[:, None])
        weights = jnp.maximum(0, 1 - self.size * distances)
        return weights / jnp.sum(weights, axis=1, keepdims=True)

    def _ramp(self, count: int, center: float | jax.Array) -> jax.Array:
        pixels = (jnp.arange(count) + 0.5) / count
        first, last = center - self.size / 2, center + self.size / 2
        begin = jnp.where(first > 1e-6, (pixels - first) / EDGE, 1)
        end = jnp.where(last < 1 - 1e-6, (last - pixels) / EDGE, 1)
        return jnp.clip(jnp.minimum(begin, end), 0, 1)

    def __str__(self) -> str:
        turn = () if self.turn is None else (self.turn,)
        return f"frame:{','.join(plain(float(v)) for v in (self.size, self.x, self.y, *turn))}"


def turned(image: jax.Array, degrees: float | jax.Array) -> jax.Array:
    """Turns float[H, W, C] clockwise about its centre; beyond its border it goes on as there."""
    height, width, _ = image.shape
    angle = jnp.deg2rad(degrees)
    y = jnp.arange(height)[:, None] - (height - 1) / 2
    x = jnp.arange(width)[None, :] - (width - 1) / 2
    rows = jnp.cos(angle) * y - jnp.sin(angle) * x + (height - 1) / 2
    columns = jnp.cos(angle) * x + jnp.sin(angle) * y + (width - 1) / 2

    def plane(values: jax.Array) -> jax.Array:
        return map_coordinates(values, [rows, columns], order=1, mode="nearest")

    return jax.vmap(plane, in_axes=2, out_axes=2)(image)
