"""Image files made with Pillow, and what is said of those that are refused."""

import numpy as np
import pytest
from PIL import Image

from mgp_jax.errors import ImageError


def photograph(width=24, height=18):
    """Smooth colours with every corner different: uint8[height, width, 3]."""
    y, x = np.mgrid[0:height, 0:width]
    planes = (40 + 7 * x, 220 - 9 * y, 30 + 4 * x + 5 * y)
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def levels(image):
    """An image in [-1, 1] as levels 0 to 255."""
    return (image + 1) * 127.5


def save(path, array_or_picture, **options):
    picture = array_or_picture
    if not isinstance(picture, Image.Image):
        picture = Image.fromarray(picture)
    picture.save(path, **options)
    return path


def refusal(function, *arguments):
    """The message of the ImageError, which must be one line that starts with the file."""
    with pytest.raises(ImageError) as caught:
        function(*arguments)
    message = str(caught.value)
    assert message.startswith(f"{arguments[0]}: ") and "\n" not in message
    return message
