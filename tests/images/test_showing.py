"""Pictures within a page."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from mgp_jax.errors import ImageError
from mgp_jax.images import Picture, picture_url, pictures_html


def decoded(url: str) -> Image.Image:
    kind, _, data = url.partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_arrive(channels: int):
    y, x = np.mgrid[:24, :32] / 32
    image = np.repeat((x - y)[..., None], channels, axis=2)
    picture = decoded(picture_url(image))
    assert picture.size == (32, 24) and picture.mode == ("L" if channels == 1 else "RGB")
    seen = np.asarray(picture).reshape(24, 32, channels) / 127.5 - 1
    assert np.abs(seen - image).mean() < 0.02


def test_large_pictures_are_reduced_and_small_ones_stay():
    image = np.zeros((300, 600, 3), np.uint8)
    assert decoded(picture_url(image, 100)).size == (100, 50)
    assert decoded(picture_url(image)).size == (600, 300)


def test_notebooks_keep_a_small_file():
    noise = np.random.default_rng(0).integers(0, 255, (300, 600, 3), np.uint8)
    picture = Picture(noise, 100)
    content = picture._repr_jpeg_()
    assert repr(picture) == "Picture of 100 x 50 pixels"
    assert Image.open(io.BytesIO(content)).size == (100, 50)
    page = base64.b64decode(picture_url(noise, 100).partition(",")[2])
    assert len(content) < 0.5 * len(page)
    assert repr(Picture(noise)) == "Picture of 600 x 300 pixels"


def test_what_is_no_image_is_said():
    with pytest.raises(ImageError):
        picture_url(np.full((4, 4, 3), np.nan))


def test_rows_of_pictures():
    image = np.zeros((4, 4, 3), np.uint8)
    page = pictures_html([([("a<b", image), ("after", image)], "x & y"), ([("c", image)], "z")])
    assert page.count("<img") == 3 and "a&lt;b" in page and "x &amp; y" in page and "z" in page
    assert "a<b" not in page
