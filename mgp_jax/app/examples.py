"""Photographs to begin with, which come with the package: something has been done to each."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.app.faults import SMALL, degradation_of
from mgp_jax.degradations import parse
from mgp_jax.generators import Generator
from mgp_jax.images import read_image, write_image


@dataclass(frozen=True)
class Example:
    """A photograph with faults.

    Attributes:
        label: what the page calls it.
        asset: the file in `mgp_jax.assets`, of a square with a face.
        faults: what is wrong with it, see `wishes.Wish`.
    """

    label: str
    asset: str
    faults: Mapping[str, float | None]


EXAMPLES = (
    Example("Grace Hopper, gray", "grace_hopper.png", {"gray": None}),
    Example("Eileen Collins, small", "eileen_collins_aligned.png", {SMALL: 8}),
    Example("Eileen Collins, noisy", "eileen_collins_aligned.png", {"noisy": 0.1}),
)


def write_example(example: Example, what: Generator, path: Path) -> None:
    """Writes an example as large as a generator's images, or smaller where that is its fault."""
    with resources.as_file(resources.files("mgp_jax.assets") / example.asset) as file:
        clean = read_image(file, what.resolution, what.image_shape[2])
    faults = dict(example.faults)
    if SMALL in faults:
        faults[SMALL] = what.resolution // (faults[SMALL] or 1)
    degradation = parse(degradation_of(faults), what.resolution, what.image_shape[2])
    seen = degradation.simulate(jnp.asarray(clean), jax.random.key(0))
    write_image(path, np.clip(np.asarray(seen), -1, 1))
