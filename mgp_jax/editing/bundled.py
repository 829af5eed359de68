"""The directions that are bundled with a generator: a small file beside its weights.

The file is a `.safetensors` with a vector float16[D] of W for each direction. Its metadata have the
single entry `mgp_jax`, a JSON object: what each direction does, where the file comes from, and its
licence. `editing.making` makes it.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from safetensors import safe_open

from mgp_jax.editing.directions import Direction, unit
from mgp_jax.generators import Generator

# A converted generator of the same mapping network and layers could take them too, but nothing says
# that it has those; so they belong to the bundled one by its name.
FILES = {"faces1024": "faces1024_directions.safetensors"}


@dataclass(frozen=True)
class Bundled:
    """A direction of W, and what it does.

    Attributes:
        name: what the command line calls it.
        less: what negative strengths do.
        more: what positive strengths do.
        layers: the first and the last layer that it moves.
        found: how it was found, for people.
        vector: float32[D], of any length.
    """

    name: str
    less: str
    more: str
    layers: tuple[int, int]
    found: str
    vector: np.ndarray = field(repr=False, compare=False)

    def direction(self) -> Direction:
        """Returns it as a direction of W; `in_layers` confines it."""
        return Direction(unit(self.vector), "w", self.name)


def bundled_directions(generator: Generator) -> tuple[Bundled, ...]:
    """Returns the directions that are bundled with a generator, none for those of files."""
    file = FILES.get(generator.name)
    return () if file is None else _read(file)[0]


def about_bundled(generator: Generator) -> dict[str, Any]:
    """Returns where the bundled directions come from, and their licence."""
    file = FILES.get(generator.name)
    return {} if file is None else _read(file)[1]


@cache
def _read(file: str) -> tuple[tuple[Bundled, ...], dict[str, Any]]:
    with (
        resources.as_file(resources.files("mgp_jax.assets") / file) as path,
        safe_open(str(path), framework="numpy") as tensors,
    ):
        header = json.loads(tensors.metadata()["mgp_jax"])
        described = header.pop("directions")
        return tuple(
            Bundled(
                vector=tensors.get_tensor(name).astype(np.float32),
                name=name,
                **{**values, "layers": tuple(values["layers"])},
            )
            for name, values in described.items()
        ), header
