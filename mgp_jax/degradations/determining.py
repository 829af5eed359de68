"""How much an observation tells of an image, measured of whatever degradation."""

from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.sparse.linalg import cg

from mgp_jax.degradations.base import Degradation, Shape
from mgp_jax.degradations.composition import operators_of
from mgp_jax.degradations.jpeg import Jpeg

# Sides of the squares that are tried, in pixels.
CELLS = (1, 2, 4, 8)
# Their deviation, and what renderings miss of an image; in [-1, 1]. Noise that nobody knows is
# taken for as much as is common.
CONTRAST, MISFIT, COMMON = 0.2, 0.05, 0.1
# Squares count as determined where half of their variance is, in every window of so many a side: a
# smaller hole is filled by what is around it.
DETERMINED, WINDOW = 0.5, 4
PROBES = 2
# Part of the height that wide areas have.
AREA = 1 / 4
# Of conjugate gradients. Noise needs two, a blur more.
ITERATIONS = 10
# Deviation of the finest detail of photographs, whose variance doubles with every octave up to that
# of the coarse ones; and what they have nothing darker than: black is what tells nothing.
FINEST, COARSE, DARKEST = 0.05, 0.2, -0.95


class Information(NamedTuple):
    """What observations tell.

    Attributes:
        cell: side in pixels of the smallest squares that are determined everywhere. 1 for a whole
            photograph, `f` for one that is `f` times smaller, more the more noise there is and the
            larger a hole. Of 1, 2, 4, 8; and 16 where these are not determined, as in gray
            photographs, whose colours are not.
        common: side of the smallest squares that are determined in half of the image, where holes
            are small or few.
        determined: number of squares of the side `cell`, times channels; at most `known`.
        known: number of values that tell something.
        noise: their mean squared error, that of JPEG included, in [-1, 1].
        independent: whether their errors are independent of each other. Those of JPEG are not.
        random: the part of the noise that JPEG has not made itself, but may have spread over its
            blocks.
        coloured: whether half of the variance of the colours of wide areas is determined, apart
            from their lightness. Of gray photographs an eighth is.
    """

    cell: int
    common: int
    determined: float
    known: float
    noise: float
    independent: bool = True
    random: float = 0.0
    coloured: bool = True


def information(degradation: Degradation, image_shape: Shape) -> Information:
    """Measures what the observations of a degradation tell.

    The noise is that in a random image with the spectrum of photographs. Random squares are looked
    at through the degradation, with as much noise, and found again by linear least squares.

    Args:
        degradation: any; of one that is not linear what it does near mid-gray counts.
        image_shape: (H, W, C) of the images.
    """
    try:
        hash(degradation)
    except TypeError:  # An own dataclass that holds arrays and compares them.
        return _measured.__wrapped__(degradation, tuple(image_shape))
    return _measured(degradation, tuple(image_shape))


# Of one operator recipes are asked for again and again, and measuring takes seconds.
@lru_cache(maxsize=8)
def _measured(degradation: Degradation, image_shape: Shape) -> Information:
    height, width, channels = image_shape
    size, rng = (height, width), np.random.default_rng(0)

    def squares(cell: int, deviation: float) -> np.ndarray:
        grid = (-(-height // cell), -(-width // cell), channels)
        return rng.normal(0, deviation, grid).astype(np.float32)

    octaves = range(max(1, (min(height, width) - 1).bit_length()))
    deviations = {2**k: min(FINEST * 2 ** (k / 2), COARSE) for k in octaves}
    photograph = sum(_drawn(squares(side, d), side, size) for side, d in deviations.items())
    noise, random, weights = _noise(degradation, np.clip(photograph, DARKEST, 1))

    def probes(side: int) -> np.ndarray:
        return np.stack([squares(side, CONTRAST) for _ in range(PROBES)])

    def missed_of(drawn: np.ndarray, side: int) -> jax.Array:
        errors = rng.normal(size=(PROBES, *weights.shape)).astype(np.float32)
        return _missed(degradation, weights, noise, drawn, errors, size, side)

    def colours_are_found() -> bool:
        area = max(int(AREA * min(size)), 1)
        wide = probes(area)
        # There are so few that their own deviation counts, not that of all that might be drawn.
        colours = wide - wide.mean(axis=-1, keepdims=True)
        colours *= CONTRAST / colours.std()
        return bool(jnp.median(missed_of(colours, area)) < DETERMINED)

    cell = common = 2 * CELLS[-1]
    for tried in CELLS:
        missed = missed_of(probes(tried), tried)
        if jnp.median(missed) < DETERMINED:
            common = min(tried, common)
        if missed.max() < DETERMINED:
            cell = tried
            break
    known = float(weights.sum())
    determined = min(height * width * channels / cell**2, known)
    # Where smaller squares are determined, areas are.
    coloured = channels == 1 or common <= CELLS[-1] or colours_are_found()
    return Information(
        cell,
        common,
        determined,
        known,
        float(noise),
        not _rounds_blocks(degradation),
        float(random),
        coloured,
    )


@jax.jit
def _noise(degradation: Degradation, image: Any) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Returns the mean squared error of an observation, its random part, and what is known."""
    image = jnp.asarray(image)
    seen = degradation.predict(image, jax.random.key(0))
    weights = jnp.broadcast_to(degradation.visible(seen), seen.shape)

    def error_to(expected: jax.Array) -> jax.Array:
        errors = jnp.square(seen - expected) + COMMON**2 * degradation.blind
        error = jnp.sum(weights * errors) / jnp.maximum(weights.sum(), 1)
        return jnp.where(jnp.isfinite(error), error, 0.0)

    error = error_to(_expected(degradation, image))
    return error, jnp.minimum(error_to(degradation(image)), error), weights


def _expected(degradation: Degradation, image: jax.Array) -> jax.Array:
    """Returns an observation without any error, that of JPEG's rounding included."""
    if not _rounds_blocks(degradation):
        return degradation(image)
    gray, see = jax.linearize(degradation, jnp.zeros_like(image))
    return gray + see(image)


def _rounds_blocks(degradation: Degradation) -> bool:
    """Whether the frequencies of blocks are rounded, which loses what is small."""
    return any(isinstance(operator, Jpeg) for operator in operators_of(degradation))


@partial(jax.jit, static_argnames=("size", "cell"))
def _missed(
    degradation: Degradation,
    weights: jax.Array,
    noise: jax.Array,
    squares: Any,
    errors: Any,
    size: tuple[int, int],
    cell: int,
) -> jax.Array:
    """Returns the part of the variance of squares that is not found, in every window."""
    variance = noise + MISFIT**2

    def see(squares: jax.Array) -> jax.Array:
        return degradation(_drawn(squares, cell, size))

    def miss(squares: jax.Array, errors: jax.Array) -> jax.Array:
        _, tangent = jax.linearize(see, jnp.zeros_like(squares))
        adjoint = jax.linear_transpose(tangent, squares)
        seen = tangent(squares) + jnp.sqrt(noise) * errors

        def normal(x: jax.Array) -> jax.Array:
            return adjoint(weights * tangent(x) / variance)[0] + x / CONTRAST**2

        found, _ = cg(normal, adjoint(weights * seen / variance)[0], tol=1e-2, maxiter=ITERATIONS)
        return jnp.square(found - squares).mean(axis=-1) / CONTRAST**2

    missed = jax.vmap(miss)(squares, errors).mean(axis=0)
    window = tuple(min(WINDOW, side) for side in missed.shape)
    sums = lax.reduce_window(missed, 0.0, lax.add, window, (1, 1), "valid")
    return sums / (window[0] * window[1])


def _drawn(squares: Any, cell: int, size: tuple[int, int]) -> Any:
    """Draws squares float[h, w, C] of so many pixels a side."""
    height, width = size
    return squares.repeat(cell, axis=0).repeat(cell, axis=1)[:height, :width]
