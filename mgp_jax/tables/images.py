"""The clean images that methods are compared on: given ones, or those that every reader has."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mgp_jax.generators.base import Generator
from mgp_jax.generators.sampling import generate, random_latents
from mgp_jax.images import find_images, read_image, unique_stems
from mgp_jax.portraits import draws_aligned_faces

GENERATED = 3
GENERATED_SEED = 2020


class Images(NamedTuple):
    """Clean images.

    Attributes:
        stems: their names.
        truths: float[B, R, R, 3] in [-1, 1].
    """

    stems: tuple[str, ...]
    truths: np.ndarray


def read_images(inputs: Sequence[Path], generator: Generator) -> Images:
    """Reads clean photographs at the generator's resolution.

    Raises:
        ImageError: one cannot be read.
    """
    paths = find_images(inputs)
    truths = [read_image(path, generator.resolution, generator.channels) for path in paths]
    return Images(tuple(unique_stems(paths)), np.stack(truths))


def example_images(generator: Generator) -> Images:
    """Returns the bundled photograph and a few images that the generator makes of fixed seeds.

    The generated ones show what a method does where an exact solution exists.
    """
    portrait = "eileen_collins_aligned" if draws_aligned_faces(generator) else "eileen_collins"
    with resources.as_file(resources.files("mgp_jax.assets") / f"{portrait}.png") as path:
        photograph = read_image(path, generator.resolution, generator.channels)
    made = np.clip(generate(generator, random_latents(generator, GENERATED, GENERATED_SEED)), -1, 1)
    stems = ("photograph", *(f"generated{k}" for k in range(1, GENERATED + 1)))
    return Images(stems, np.concatenate([photograph[None], made]))
