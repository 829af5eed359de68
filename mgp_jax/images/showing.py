"""Pictures as browsers and notebooks show them: within the page, so that nothing is fetched."""

import base64
import html
import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

from mgp_jax.images.writing import picture_of

# Of a picture on a page; the file keeps all pixels.
LONGEST_SIDE = 1024
QUALITY = 90
# Of one that a notebook keeps.
KEPT_SIDE, KEPT_QUALITY = 800, 50


class Picture:
    """A picture that a notebook shows and keeps as a small JPEG file.

    Args:
        image: [H, W], [H, W, 1] or [H, W, 3], float in [-1, 1] or uint8.
        longest: larger pictures are reduced to so many pixels on their longer side.

    Raises:
        ImageError: the array is no finite image.

    Example:
        >>> import numpy as np
        >>> from mgp_jax.images import Picture
        >>> Picture(np.zeros((1000, 2000, 3)))
        Picture of 800 x 400 pixels
    """

    def __init__(self, image: Any, longest: int = KEPT_SIDE):
        self.picture = _reduced(image, longest)

    def __repr__(self) -> str:
        return f"Picture of {self.picture.width} x {self.picture.height} pixels"

    def _repr_jpeg_(self) -> bytes:
        return _jpeg(self.picture, KEPT_QUALITY)


def picture_url(image: Any, longest: int = LONGEST_SIDE) -> str:
    """Returns a picture as a `data:` URL of a JPEG file.

    Args:
        image: [H, W], [H, W, 1] or [H, W, 3], float in [-1, 1] or uint8.
        longest: larger pictures are reduced to so many pixels on their longer side.

    Raises:
        ImageError: the array is no finite image.
    """
    content = _jpeg(_reduced(image, longest), QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(content).decode("ascii")


def pictures_html(rows: Sequence[tuple[Sequence[tuple[str, Any]], str]]) -> str:
    """Returns rows of pictures with their headings, as notebooks show results.

    Args:
        rows: for each the headings with their images, see `picture_url`; and a line below it.
    """
    parts = []
    for pictures, line in rows:
        figures = "".join(
            f'<figure style="margin:0"><figcaption>{html.escape(heading)}</figcaption>'
            f'<img src="{picture_url(image)}" alt="{html.escape(heading)}" '
            'style="width:100%;min-width:64px;max-width:256px;image-rendering:auto"></figure>'
            for heading, image in pictures
        )
        parts.append(
            f'<div style="display:flex;flex-wrap:wrap;gap:8px">{figures}</div>'
            f'<p style="margin:4px 0 12px">{html.escape(line)}</p>'
        )
    return "".join(parts)


def _reduced(image: Any, longest: int) -> Image.Image:
    picture = picture_of(image)
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return picture


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, optimize=True)
    return file.getvalue()
