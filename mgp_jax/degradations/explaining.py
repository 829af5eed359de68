"""A square of a photograph as an observation, whose degradation is estimated from it."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from mgp_jax.degradations.base import Degradation
from mgp_jax.degradations.carrying import carried
from mgp_jax.degradations.composition import compose, operators_of
from mgp_jax.degradations.estimating import Estimate, estimate, is_gray
from mgp_jax.degradations.resampling import Resize
from mgp_jax.images import luminance
from mgp_jax.images.photographs import resized

# Faces are restored from one of so many sizes to a factor of two, because programs are compiled for
# a size: the nearest, which is at most 9 % off.
SIZES_PER_OCTAVE = 4
# A wider blur, in pixels, leaves nothing in some of them: the square is reduced until it is 1.
WIDE = 1.2
# Of fewer pixels nothing is estimated but whether they are gray; and none are reduced to fewer.
FEWEST, SMALLEST = 32, 16


class Explained(NamedTuple):
    """A square as an observation.

    Attributes:
        observation: float32[S, S, C] in [-1, 1].
        degradation: what makes it of the generator's image.
        estimate: what has become of the square, in its own pixels.
    """

    observation: np.ndarray
    degradation: Degradation
    estimate: Estimate


def observed_size(side: float, resolution: int) -> int:
    """Returns from how many pixels a side a square of so many is restored; see SIZES_PER_OCTAVE."""
    steps = round(SIZES_PER_OCTAVE * np.log2(resolution / side))
    return round(resolution * 2 ** (-max(0, steps) / SIZES_PER_OCTAVE))


def explained(
    square: np.ndarray, resolution: int, steps: Any = None, gray: bool | None = None
) -> Explained:
    """Finds out what has become of a square, and from how many of its pixels it is restored.

    Args:
        square: float32[S, S, C] in [-1, 1], C as the generator has.
        resolution: height and width of the generator's image.
        steps: quantisation steps of the square's file, see `images.quantisation`.
        gray: whether the photograph is gray; None to look at the square.
    """
    side = len(square)
    first = guess = estimate(square, steps) if side >= FEWEST else Estimate(is_gray(square))
    size = observed_size(side / first.blur if first.blur > WIDE else side, resolution)
    size = min(max(size, SMALLEST), resolution)
    if size != side:
        square, guess = resized(square, size), first.reduced(size / side)
    # To a generator of gray images a gray photograph lacks nothing.
    gray = (first.gray if gray is None else gray) and square.shape[2] == 3
    own = carried(replace(guess, gray=gray).degradation(), size, resolution)
    if gray:
        square = luminance(square)
    observation = np.clip(square, -1, 1).astype(np.float32)
    return Explained(observation, own, replace(first, gray=gray))


def in_words(estimate: Estimate, degradation: Degradation) -> str:
    """Returns what is told of a square: what it seems to be, and what is undone."""
    return f"{estimate}, restored as {degradation}"


def unresized(degradation: Degradation) -> Degradation:
    """Returns a degradation without the loss of resolution."""
    return compose(*(part for part in operators_of(degradation) if not isinstance(part, Resize)))
