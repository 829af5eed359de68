"""Edits a restored face along several directions at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from mgp_jax.code_files import load_codes, split_of
from mgp_jax.codes import Codes
from mgp_jax.editing import (
    Direction,
    bundled_directions,
    edit,
    fade,
    find_direction,
    in_every_style,
    lift,
    limit,
    render_all,
)
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator, Split
from mgp_jax.generators.style import StyleConfig

# Directions that are found in the weights, where none are bundled.
FOUND = 6
# Height and width of the picture while a slider is pulled.
PREVIEW = 256
KEPT_DIRECTIONS = 64


@dataclass(frozen=True)
class Lever:
    """A direction as a slider.

    Attributes:
        spec: what the command calls it.
        label: what the page calls it.
        less: what negative strengths do.
        more: what positive strengths do.
    """

    spec: str
    label: str
    less: str
    more: str


def levers_of(generator: Generator) -> tuple[Lever, ...]:
    """Returns the directions that are offered: those bundled with a generator, or found by SeFa."""
    bundled = bundled_directions(generator)
    if bundled:
        return tuple(Lever(item.name, item.name, item.less, item.more) for item in bundled)
    return tuple(
        Lever(f"sefa:{k}", f"direction {k}", "one way", "the other") for k in range(1, FOUND + 1)
    )


@dataclass(frozen=True)
class Edits:
    """How a face is edited.

    Attributes:
        strengths: how far along each direction, in standard deviations; zero leaves it out.
        layers: the first and the last layer that moves; None for those a direction is for.
        region: bool[H, W], where the image may change; None for everywhere.
    """

    strengths: Mapping[str, float]
    layers: tuple[int, int] | None = None
    region: np.ndarray | None = field(default=None, repr=False, compare=False)


def open_codes(path: Path, generator: Generator) -> tuple[Split, Codes]:
    """Reads codes of a run for editing.

    Raises:
        MGPError: they cannot be read, or are of several answers.
    """
    split = split_of(path, generator)
    if split is None:
        raise SettingError("the codes do not say where the generator was cut")
    return split, load_codes(path, split)


def edited(generator: Generator, split: Split, codes: Codes, edits: Edits) -> np.ndarray:
    """Renders a face moved along directions: float[H, W, C], in [-1, 1] up to overshoots.

    What the codes have missed of the photograph fades where the edit draws something else.

    Raises:
        SettingError: a direction or layers do not fit the generator.
    """
    directions = [
        (_direction(generator, split.cut, spec, edits.layers), strength)
        for spec, strength in edits.strengths.items()
        if strength
    ]
    if not directions:
        return render_all(split, [codes])[0]
    furthest = max((item.space for item, _ in directions), key=generator.space)
    if generator.space(furthest) > generator.space(split.space):
        split, codes = lift(split, codes, furthest)
    after = codes
    for direction, strength in directions:
        if direction.space != split.space:
            direction = in_every_style(direction, generator)
        after = edit(split, after, direction, strength)
    images = [fade(split, codes)(after)]
    if edits.region is None or edits.region.all():
        return render_all(split, images)[0]
    image, original = render_all(split, [*images, codes])
    return limit(image[None], original, edits.region)[0]


@lru_cache(KEPT_DIRECTIONS)
def _direction(
    generator: Generator, cut: int, spec: str, layers: tuple[int, int] | None
) -> Direction:
    return find_direction(spec, generator, cut, layers=layers)


def last_layer(generator: Generator) -> int | None:
    """Returns the number of the last layer that has a style of its own; None without styles."""
    config = generator.config
    return max(config.style_layers) if isinstance(config, StyleConfig) else None
