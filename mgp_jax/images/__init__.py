"""Image files at the edges of the program: files to arrays and back, with NumPy and Pillow alone.

Arrays are float32, height x width x channels, in [-1, 1] (black to white) and in sRGB. Whatever is
wrong with a file ends in an `ImageError` of one line that names it.
"""

from mgp_jax.images.compression import quantisation
from mgp_jax.images.finding import (
    SUFFIXES,
    Found,
    find_images,
    search_images,
    unique_stems,
)
from mgp_jax.images.levels import LUMINANCE, luminance, to_uint8
from mgp_jax.images.masks import MaskPicture, read_mask, read_mask_picture
from mgp_jax.images.opening import Reading, upright_size
from mgp_jax.images.photographs import (
    Photograph,
    read_image,
    read_observation,
    read_photograph,
    read_whole,
)
from mgp_jax.images.showing import Picture, picture_url, pictures_html
from mgp_jax.images.writing import LOSSLESS, WEBP_SIDE, write_animation, write_array, write_image

__all__ = [
    "LOSSLESS",
    "LUMINANCE",
    "SUFFIXES",
    "WEBP_SIDE",
    "Found",
    "MaskPicture",
    "Photograph",
    "Picture",
    "Reading",
    "find_images",
    "luminance",
    "picture_url",
    "pictures_html",
    "quantisation",
    "read_image",
    "read_mask",
    "read_mask_picture",
    "read_observation",
    "read_photograph",
    "read_whole",
    "search_images",
    "to_uint8",
    "unique_stems",
    "upright_size",
    "write_animation",
    "write_array",
    "write_image",
]
