"""Compressed sensing: fewer measurements than pixels, each a random mixture of all of them."""

import math
from dataclasses import dataclass, field
from typing import Self

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


@dataclass(frozen=True, eq=False)
class CompressedSensing(Degradation):
    """Measures float[H, W, C] by `m` random projections: float[m].

    Every value gets a random sign, the whole image goes through one orthonormal cosine transform,
    and `m` random coefficients are kept. The rows of this operator are orthonormal and behave like
    those of a dense random matrix, but take H W C + m numbers instead of H W C m. A measurement
    has the root mean square of the image's values.

    Attributes:
        signs: float[H * W * C] of -1 and 1.
        rows: int32[m], the coefficients that are kept, ascending.
        label: the text form.

    Source: Do et al. 2012, "Fast and efficient compressive sensing using structurally random
    matrices".
    """

    signs: jax.Array
    rows: jax.Array
    label: Label = field(default=Label("cs"), metadata=STATIC)

    @classmethod
    def random(cls, fraction: float, image_shape: Shape, seed: int = 0) -> Self:
        """Draws m = fraction * H * W * C measurements (at least one) by seed.

        Raises:
            SettingError: the fraction is not in (0, 1].
        """
        require_number("cs: the fraction of measurements", fraction, 1)
        require_whole("cs: the seed", seed, 0)
        size = math.prod(image_shape)
        # The raw uniform stream of PCG64 does not change between NumPy versions.
        draws = np.random.Generator(np.random.PCG64(seed)).random((2, size))
        rows = np.sort(np.argsort(draws[1], kind="stable")[: max(1, round(fraction * size))])
        text = f"cs:{plain(fraction)}" + (f":seed={seed}" if seed else "")
        signs = np.where(draws[0] < 0.5, np.float32(-1), np.float32(1))
        return cls(jnp.asarray(signs), jnp.asarray(rows, jnp.int32), Label(text))

    def _apply(self, image: jax.Array) -> jax.Array:
        mixed = self.signs.astype(image.dtype) * image.reshape(-1)
        return jax.scipy.fft.dct(mixed, norm="ortho")[self.rows]

    def observation_shape(self, image_shape: Shape) -> Shape:
        """Returns (m,)."""
        shape = self._require_image(image_shape)
        if math.prod(shape) != self.signs.shape[0]:
            raise SettingError(
                f"{self}: made for images of {self.signs.shape[0]} values, not for the shape "
                f"{shape}"
            )
        return self.rows.shape

    def __str__(self) -> str:
        return str(self.label)
