"""Edits a restored face along several directions at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mgp_jax.code_files import load_codes, split_of
from mgp_jax.codes import Codes
from mgp_jax.editing import (
    CARRIES,
    Direction,
    bundled_directions,
    composed,
    default_carry,
    edit,
    find_direction,
    lift,
    limit,
    render_all,
    render_faded,
)
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator, Split
from mgp_jax.generators.reduced import reduced
from mgp_jax.generators.style import StyleConfig

# Directions that are found in the weights, where none are bundled.
FOUND = 6
# Height and width of the picture while a slider is pulled.
PREVIEW = 256
# Of faces that are being edited, and of directions, so many are kept.
MOST_OPEN, KEPT_DIRECTIONS = 4, 64


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


class Prepared(NamedTuple):
    """What all edits of a face in one space share.

    Attributes:
        split: what the codes are for.
        codes: the face's, in that space.
        plain: float[H, W, C], the face without edits, as large as it is drawn.
        render: draws edited codes.
    """

    split: Split
    codes: Codes
    plain: np.ndarray
    render: Callable[[Codes], np.ndarray]


class OpenFace:
    """A face whose codes have been read. What its edits share is computed once, when it is needed.

    Args:
        path: the codes, as a run has written them.
        generator: what they are for.

    Raises:
        MGPError: they cannot be read, or are of several answers.
    """

    def __init__(self, path: Path, generator: Generator):
        self.generator = generator
        self.split, self.codes = open_codes(path, generator)
        (self.plain,) = render_all(self.split, [self.codes])
        self._prepared: dict[tuple[str, int | None], Prepared] = {}

    def edited(self, edits: Edits, size: int | None = None) -> np.ndarray:
        """Renders the face moved along directions: float[H, W, C], in [-1, 1] up to overshoots.

        What the codes have missed of the photograph moves along as with the command; in a preview
        it fades, which takes less time.

        Args:
            edits: how.
            size: height and width that are enough for a preview; None for the generator's images.

        Raises:
            SettingError: a direction or layers do not fit the generator.
        """
        generator = self.generator
        directions = [
            (_direction(generator, self.split.cut, spec, edits.layers), strength)
            for spec, strength in edits.strengths.items()
            if strength
        ]
        spaces = [self.split.space, *(item.space for item, _ in directions)]
        shared = self.prepared(max(spaces, key=generator.space), size)
        if not directions:
            return shared.plain
        after = shared.codes
        for direction, strength in directions:
            after = edit(shared.split, after, direction, strength)
        image = shared.render(after)
        if edits.region is None:
            return image
        times = len(edits.region) // len(image)
        return limit(image[None], shared.plain, edits.region[::times, ::times])[0]

    def prepared(self, space: str, size: int | None) -> Prepared:
        """Returns what edits in a space share, for images of a size."""
        if (space, size) not in self._prepared:
            split, codes = self.split, self.codes
            if space != split.space:
                split, codes = lift(split, codes, space)
            prepare = full_size if size is None else partial(preview, size=size)
            self._prepared[space, size] = prepare(split, codes, self.plain)
        return self._prepared[space, size]


def full_size(split: Split, codes: Codes, plain: np.ndarray) -> Prepared:
    """Returns what edits share that are drawn as by the command."""
    carry = CARRIES[default_carry()](split, codes)
    return Prepared(split, codes, plain, lambda after: render_all(split, [carry(after)])[0])


def preview(split: Split, codes: Codes, plain: np.ndarray, size: int) -> Prepared:
    """Returns what previews share: about what the edits are, reduced; without one it is exact."""
    drawn, old = reduced(split, size), composed(split, codes)
    side = drawn.image_shape[0]
    blocks = plain.reshape(side, len(plain) // side, side, len(plain) // side, -1)
    plain = blocks.mean(axis=(1, 3))
    missing = plain - render_faded(drawn, old, codes)
    return Prepared(
        split, codes, plain, lambda after: np.asarray(render_faded(drawn, old, after) + missing)
    )


class OpenFaces:
    """The faces that are being edited; those that have not been for longest are let go of.

    `find(path, generator)` returns an `OpenFace`, opened if it is not yet.
    """

    def __init__(self) -> None:
        self.find = lru_cache(MOST_OPEN)(OpenFace)


def open_codes(path: Path, generator: Generator) -> tuple[Split, Codes]:
    """Reads codes of a run.

    Raises:
        MGPError: they cannot be read, or are of several answers.
    """
    split = split_of(path, generator)
    if split is None:
        raise SettingError("the codes do not say where the generator was cut")
    return split, load_codes(path, split)


@lru_cache(KEPT_DIRECTIONS)
def _direction(
    generator: Generator, cut: int, spec: str, layers: tuple[int, int] | None
) -> Direction:
    return find_direction(spec, generator, cut, layers=layers)


def last_layer(generator: Generator) -> int | None:
    """Returns the number of the last layer that has a style of its own; None without styles."""
    config = generator.config
    return max(config.style_layers) if isinstance(config, StyleConfig) else None
