"""Directions in a latent space: what they are, from boundary files, conditioned, in some layers."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mgp_jax.arrays import read_array
from mgp_jax.code_files import to_styles
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator, random_latents
from mgp_jax.generators.style import StyleConfig

# Random codes whose standard deviation is the unit of strengths.
MEASURED = 2000


class Direction(NamedTuple):
    """A direction in which latent codes are moved.

    Attributes:
        vector: float[D], of unit length; in the space W+ also float[L, D], a row for each style,
            the mean square length of those that are not zero being one.
        space: the space it lives in.
        name: what to call it in reports and file names.
        deviation: standard deviation of random codes along it, the unit of strengths: 1 in Z, in W
            what `measured` finds.
    """

    vector: np.ndarray
    space: str
    name: str
    deviation: float = 1.0


def default_space(generator: Generator) -> str:
    """Returns the space that directions live in unless told otherwise: W if there is one, or Z."""
    spaces = [name for name, _ in generator.config.spaces]
    return "w" if "w" in spaces else "z"


def read_direction(
    path: str | os.PathLike[str], generator: Generator, space: str | None = None
) -> Direction:
    """Reads a boundary file, for example one of InterFaceGAN.

    Args:
        path: an array file (.npy): the boundary's normal of any length, with any axes of length 1;
            for W+ also a row for every style, as [L, D], [L, 1, D] or [1, L, D], or for every layer
            of a StyleGAN2 of that resolution (`StyleConfig.rows`).
        generator: the generator it is for.
        space: the space it lives in, None for `default_space`; rows for layers are always W+.

    Raises:
        ImageError: the file is not a readable array.
        SettingError: the array does not fit the generator or has no direction.
    """
    array = read_array(path)
    space = default_space(generator) if space is None else space
    shapes = [(space, _code_shape(generator, space)[-1:])]
    config = generator.config
    if isinstance(config, StyleConfig):
        counts = sorted({config.styles, config.rows})
        shapes += [("w+", (count, config.w_size)) for count in counts]
    for name, shape in shapes:
        # Only axes of length 1 may be more or fewer.
        if array.dtype.kind in "fiu" and _sizes(array.shape) == _sizes(shape):
            array = array.reshape(shape)
            if len(shape) == 2 and isinstance(config, StyleConfig):
                array = to_styles(array, config)
            try:
                return Direction(unit(array), name, Path(path).stem)
            except SettingError as error:
                raise SettingError(f"{path}: {error}") from None
    wanted = " or ".join(str(list(shape)) for _, shape in shapes)
    raise SettingError(
        f"{path}: a direction of {generator.name} in {space} is numbers {wanted} (with any axes of "
        f"length 1), not {array.dtype} {list(array.shape)}"
    )


def unit(vector: np.ndarray) -> np.ndarray:
    """Brings a direction to unit length; with a row for each style, to unit root mean square.

    Rows of zeros, which leave their styles alone, do not count.

    Raises:
        SettingError: it is zero or not finite.
    """
    vector = np.asarray(vector, np.float64)
    squares = np.sum(np.square(vector), axis=-1)
    length = np.sqrt(np.sum(squares) / max(1, np.count_nonzero(squares)))
    if not np.isfinite(length) or length < 1e-12:
        raise SettingError("the direction is zero or not finite")
    return (vector / length).astype(np.float32)


def condition(direction: Direction, others: Sequence[Direction]) -> Direction:
    """Takes other directions out of one, so that moving along it leaves their attributes alone.

    Args:
        direction: the direction.
        others: what is kept, directions of the same space and shape.

    Returns: the projection onto the orthogonal complement of `others`, of unit length; its
        deviation is no longer known, see `measured`.

    Raises:
        SettingError: they live in different spaces, or nothing of the direction is left.

    Source: Shen et al. 2020 (InterFaceGAN), section 2.3, conditional manipulation.
    """
    if not others:
        return direction
    for other in others:
        if (other.space, other.vector.shape) != (direction.space, direction.vector.shape):
            raise SettingError(
                f"direction {other.name}: lives in {other.space} {list(other.vector.shape)}, "
                f"{direction.name} in {direction.space} {list(direction.vector.shape)}"
            )
    # In W+ row by row: what moves one style shall leave the others' attributes alone as well.
    rows = [np.atleast_2d(item.vector).astype(np.float64) for item in (direction, *others)]
    left = np.stack([_beside(row, basis) for row, *basis in zip(*rows, strict=True)])
    kept = ", ".join(other.name for other in others)
    if np.linalg.norm(left) < 1e-4 * np.linalg.norm(rows[0]):
        raise SettingError(f"direction {direction.name}: nothing of it is left besides {kept}")
    left = unit(left.reshape(direction.vector.shape))
    return direction._replace(vector=left, name=f"{direction.name}|{kept}")


def separate(directions: Sequence[Direction], covariance: np.ndarray) -> list[Direction]:
    """Turns directions along which scores rise into moves that change one score each.

    Of all moves that change a score and, to first order, no other, every one is that which is most
    probable for random codes. The directions themselves, and what `condition` makes of them, may
    point where random codes hardly vary: moves along them are weak, or lead away from real images.

    Args:
        directions: the gradients of K scores, of one space without rows for styles.
        covariance: float[D, D], of random codes.

    Returns: the K moves in the same order, of unit length; the columns of C N (N^T C N)^-1, where N
        are the directions and C is the covariance.

    Raises:
        SettingError: a direction is a combination of the others.
    """
    normals = np.stack([item.vector for item in directions], axis=1).astype(np.float64)
    along = np.asarray(covariance, np.float64) @ normals
    products = normals.T @ along
    scale = np.sqrt(np.diag(products))
    if np.linalg.cond(products / np.outer(scale, scale)) > 1e6:
        names = ", ".join(item.name for item in directions)
        raise SettingError(f"directions {names}: one is a combination of the others")
    moves = along @ np.linalg.inv(products)
    return [
        item._replace(vector=unit(move)) for item, move in zip(directions, moves.T, strict=True)
    ]


def in_layers(
    direction: Direction, generator: Generator, layers: tuple[int, int] | None
) -> Direction:
    """Confines a direction of W or W+ to some layers.

    Args:
        direction: the direction.
        generator: the generator it is for.
        layers: the first and the last layer, see `mgp info`; `to_rgb` counts as one more. None for
            all.

    Returns: a direction of W+, rows of zeros for the styles of other layers; for None as it is.

    Raises:
        SettingError: there are no such layers, or it moves nothing there.
    """
    if layers is None:
        return direction
    (first, last), config = layers, require_layers(generator, layers)
    numbers = np.asarray(config.style_layers)[:, None]
    chosen = (numbers >= first) & (numbers <= last)
    rows = in_every_style(direction, generator).vector
    name = f"{direction.name}-layers-{first}-{last}"
    try:
        return Direction(unit(np.where(chosen, rows, 0)), "w+", name)
    except SettingError:
        raise SettingError(
            f"direction {direction.name}: moves no layer {first} to {last}"
        ) from None


def require_layers(generator: Generator, layers: tuple[int, int]) -> StyleConfig:
    """Returns a style-based generator's configuration if it has such a first and last layer.

    Raises:
        SettingError: it has not, or no styles.
    """
    (first, last), config = layers, generator.config
    if not isinstance(config, StyleConfig):
        raise SettingError(f"layers: {generator.name} ({generator.family}) has no styles")
    if not 0 <= first <= last <= config.style_layers[-1]:
        raise SettingError(
            f"layers {first}:{last}: {generator.name} has the layers 0 to {config.style_layers[-1]}"
        )
    return config


def in_every_style(direction: Direction, generator: Generator) -> Direction:
    """Carries a direction of W to W+, so that it moves every style alike.

    Raises:
        SettingError: it is one of Z.
    """
    config = generator.config
    if direction.space == "z" or not isinstance(config, StyleConfig):
        raise SettingError(f"direction {direction.name}: one of {direction.space} has no layers")
    shape = config.styles, config.w_size
    return direction._replace(vector=np.broadcast_to(direction.vector, shape), space="w+")


def measured(direction: Direction, generator: Generator, seed: int = 0) -> Direction:
    """Finds the standard deviation of random codes along a direction of W; over rows, their mean.

    Args:
        direction: the direction.
        generator: the generator it is for.
        seed: seed of the random codes.

    Returns: the direction with its deviation; one of Z, where it is 1, as it is.
    """
    if direction.space == "z":
        return direction
    z = random_latents(generator, MEASURED, seed)
    w = np.asarray(generator.apply(generator.params, z, 0, generator.space("w")), np.float64)
    rows = np.atleast_2d(direction.vector).astype(np.float64)
    # Networks that map to a style for each layer have as many vectors in one.
    along = np.atleast_3d(w.reshape(len(w), -1, rows.shape[-1])) * rows
    squares = np.var(np.sum(along, axis=-1), axis=0)
    moving = np.any(rows != 0, axis=-1)
    return direction._replace(deviation=float(np.sqrt(np.mean(squares[moving]))))


def _beside(row: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """Projects onto the orthogonal complement of others, which may depend on each other."""
    basis, values, _ = np.linalg.svd(np.stack(others, 1), full_matrices=False)
    basis = basis[:, values > 1e-6 * max(values.max(), 1e-12)]
    return row - basis @ (basis.T @ row)


def _code_shape(generator: Generator, space: str) -> tuple[int, ...]:
    return tuple(generator.shapes[generator.space(space)].shape[1:])


def _sizes(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size > 1]
