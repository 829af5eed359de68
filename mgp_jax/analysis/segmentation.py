"""Segments of an image: of a file, of the parts of a face, or of the generator's own features."""

import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image
from scipy.cluster.vq import kmeans2

from mgp_jax.codes import Codes, fuse, with_residual
from mgp_jax.errors import ImageError, SettingError
from mgp_jax.generators import Split, as_features, as_passed
from mgp_jax.images import read_image

# Features are compared at this size in pixels, or that of the image if it is smaller.
SIDE = 64
MOST_SEGMENTS = 64
FACE_PARTS = ("background", "hair", "skin", "eyes", "nose", "mouth")


def find_segments(split: Split, codes: Codes, count: int = 6, seed: int = 0) -> np.ndarray:
    """Clusters the pixels of an image by the generator's features behind the cut.

    The maps of all stages from the cut to the image are enlarged to one size, brought to unit
    variance, stages counting alike, and clustered by k-means.

    Args:
        split: what the codes are for, of a generator with stages.
        codes: the codes of one image.
        count: number of segments.
        seed: seed of the clustering.

    Returns: int[H, W], the segments 0 to count - 1, the largest first.

    Raises:
        SettingError: fewer than 2 segments are wanted.
    """
    if not 2 <= count <= MOST_SEGMENTS:
        raise SettingError(f"segments: {count}, 2 to {MOST_SEGMENTS} are possible")
    features = np.asarray(_pixel_features(split, codes), np.float64)
    side = features.shape[0]
    _, labels = kmeans2(features.reshape(side * side, -1), count, minit="++", rng=seed)
    order = np.argsort(-np.bincount(labels, minlength=count), kind="stable")
    ranks = np.argsort(order)[labels].reshape(side, side)
    return np.asarray(_resize_nearest(ranks, split.image_shape[0]))


def read_segments(path: str | os.PathLike[str], resolution: int) -> np.ndarray:
    """Reads a segmentation: every gray level, colour or palette entry of the file is a segment.

    A mask, black and white, has two. The file is resized without mixing levels.

    Args:
        path: an image file without lossy compression, square.
        resolution: height and width that are needed.

    Returns: int[resolution, resolution], the segments in the order of their levels.

    Raises:
        ImageError: the file is not readable, not square, or has one level or more than 64.
    """
    colours = read_image(path)
    if colours.shape[0] != colours.shape[1]:
        raise ImageError(f"{path}: a segmentation must be square like the generator's images")
    levels, labels = np.unique(colours.reshape(-1, 3), axis=0, return_inverse=True)
    if not 2 <= len(levels) <= MOST_SEGMENTS:
        raise ImageError(
            f"{path}: {len(levels)} different levels, a segmentation has 2 to {MOST_SEGMENTS}"
        )
    return _resize_nearest(labels.reshape(colours.shape[:2]), resolution)


def face_segments(points: Any, resolution: int) -> np.ndarray:
    """Divides an image of a face into its parts, ellipses about five face points.

    Args:
        points: float[5, 2], x and y in pixels: the eye at the left, that at the right, the tip of
            the nose, the corners of the mouth at the left and at the right.
        resolution: height and width of the image.

    Returns: int[resolution, resolution], numbers of `FACE_PARTS`. Ears and forehead are skin or
        hair, neck and clothes background.

    Raises:
        SettingError: the eyes are at the same place.
    """
    points = np.asarray(points, float)
    middle, across = (points[0] + points[1]) / 2, points[1] - points[0]
    distance = np.linalg.norm(across)
    if not distance > 0:
        raise SettingError("face points: the eyes are at the same place")
    # Coordinates of the face: along the eyes and downwards, in distances of the eyes.
    turn = np.stack([across, (-across[1], across[0])], axis=1) / distance**2
    places = (np.indices((resolution, resolution))[::-1].transpose(1, 2, 0) - middle) @ turn
    left, right, nose, *corners = (points - middle) @ turn
    mouth, width = np.mean(corners, axis=0), np.linalg.norm(corners[1] - corners[0])

    def ellipse(center: Any, half_axes: Any) -> np.ndarray:
        return np.sum(np.square((places - center) / half_axes), axis=-1) < 1

    segments = np.zeros((resolution, resolution), int)
    parts = {
        "hair": ellipse((0, 0.05), (1.5, 1.8)) & (places[..., 1] < 0.6),
        "skin": ellipse((0, 0.4), (1.0, 1.3)),
        "nose": ellipse(nose - (0, 0.2), (0.28, 0.4)),
        "eyes": ellipse(left, (0.38, 0.24)) | ellipse(right, (0.38, 0.24)),
        "mouth": ellipse(mouth, (0.62 * width, 0.28)),
    }
    for name, part in parts.items():
        segments[part] = FACE_PARTS.index(name)
    return segments


def _resize_nearest(labels: np.ndarray, resolution: int) -> np.ndarray:
    picture = Image.fromarray(labels.astype(np.int32))
    resized = picture.resize((resolution, resolution), Image.Resampling.NEAREST)
    return np.asarray(resized).astype(int)


@jax.jit
def _pixel_features(split: Split, codes: Codes) -> jax.Array:
    """Returns float[S, S, D], the features of all stages behind the cut, S pixels a side."""
    generator = split.generator
    features = with_residual(fuse(split, codes), codes)._replace(styles=codes.styles)
    crossing: Any = as_passed(jax.tree.map(lambda x: x[None], features))
    side = min(SIDE, generator.resolution)
    cut, found = split.cut, []
    for stop in range(cut, len(generator.stages) + 1):
        if stop > cut:
            crossing = generator.apply(generator.params, crossing, stop - 1, stop)
        maps = as_features(crossing).maps[0]
        if maps.ndim == 3:
            maps = maps - jnp.mean(maps, axis=(0, 1))
            spread = jnp.sqrt(jnp.mean(jnp.square(maps)) * maps.shape[-1])
            resized = jax.image.resize(maps, (side, side, maps.shape[-1]), "linear")
            found.append(resized / jnp.maximum(spread, 1e-12))
    return jnp.concatenate(found, axis=-1)
