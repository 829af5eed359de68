"""Photographs of faces cropped as those of FFHQ are, by the places of eyes and mouth."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

Point = tuple[float, float]


@dataclass(frozen=True)
class Face:
    """Where a face is in a photograph, in pixels (x, y); left and right as one looks at it.

    Attributes:
        left_eye: centre of the left eye.
        right_eye: centre of the right eye.
        mouth_left: left corner of the mouth.
        mouth_right: right corner of the mouth.
    """

    left_eye: Point
    right_eye: Point
    mouth_left: Point
    mouth_right: Point

    def square(self) -> np.ndarray:
        """Returns the corners of the square that FFHQ would cut out.

        It stands upright along the line from the eyes to the mouth, is four times as wide as the
        eyes are apart, or 3.6 times as high as they are above the mouth, whichever is more, and has
        its centre a tenth of that height below the eyes.

        Returns: float64[4, 2], (x, y) of the corners: top left, bottom left, bottom right, top
            right.

        Source: Karras, Laine, Aila 2019, appendix C.
        """
        eyes = np.array([self.left_eye, self.right_eye])
        apart = eyes[1] - eyes[0]
        down = np.mean([self.mouth_left, self.mouth_right], axis=0) - eyes.mean(0)
        across = apart + np.array([down[1], -down[0]])
        across *= max(2 * np.hypot(*apart), 1.8 * np.hypot(*down)) / np.hypot(*across)
        along = np.array([-across[1], across[0]])
        centre = eyes.mean(0) + 0.1 * down
        signs = ((-1, -1), (-1, 1), (1, 1), (1, -1))
        return np.array([centre + x * across + y * along for x, y in signs])

    def crop(self, photograph: Image.Image, size: int) -> Image.Image:
        """Cuts the square out, resampled to `size` pixels, about as many as it has."""
        corners = tuple(float(value) for value in np.ravel(self.square()))
        quad, bicubic = Image.Transform.QUAD, Image.Resampling.BICUBIC
        return photograph.convert("RGB").transform((size, size), quad, corners, bicubic)
