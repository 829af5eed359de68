"""Directions in a latent space: from boundary files, from weights, from samples, conditioned."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.arrays import read_array
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator, as_features, random_latents

# Feature maps are averaged down to so many pixels a side before their principal components.
COARSE = 8
BATCH = 32


class Direction(NamedTuple):
    """A direction in which latent codes are moved.

    Attributes:
        vector: float[D], of unit length; in the space W+ also float[L, D], a row for each layer,
            the rows' mean square length being one.
        space: the space it lives in.
        name: what to call it in reports and file names.
    """

    vector: np.ndarray
    space: str
    name: str


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
            for W+ also a row for every layer, as [L, D], [L, 1, D] or [1, L, D].
        generator: the generator it is for.
        space: the space it lives in, None for `default_space`; rows for layers are always W+.

    Raises:
        ImageError: the file is not a readable array.
        SettingError: the array does not fit the generator or has no direction.
    """
    array = read_array(path)
    space = default_space(generator) if space is None else space
    shapes = [(space, _code_shape(generator, space)[-1:])]
    if "w+" in dict(generator.config.spaces):
        shapes.append(("w+", _code_shape(generator, "w+")))
    for name, shape in shapes:
        # Only axes of length 1 may be more or fewer.
        if array.dtype.kind in "fiu" and _sizes(array.shape) == _sizes(shape):
            try:
                return Direction(unit(array.reshape(shape)), name, Path(path).stem)
            except SettingError as error:
                raise SettingError(f"{path}: {error}") from None
    wanted = " or ".join(str(list(shape)) for _, shape in shapes)
    raise SettingError(
        f"{path}: a direction of {generator.name} in {space} is numbers {wanted} (with any axes of "
        f"length 1), not {array.dtype} {list(array.shape)}"
    )


def unit(vector: np.ndarray) -> np.ndarray:
    """Brings a direction to unit length; with a row for each layer, to unit root mean square.

    Raises:
        SettingError: it is zero or not finite.
    """
    vector = np.asarray(vector, np.float64)
    length = np.sqrt(np.mean(np.sum(np.square(vector), axis=-1)))
    if not np.isfinite(length) or length < 1e-12:
        raise SettingError("the direction is zero or not finite")
    return (vector / length).astype(np.float32)


def condition(direction: Direction, others: Sequence[Direction]) -> Direction:
    """Takes other directions out of one, so that moving along it leaves their attributes alone.

    Args:
        direction: the direction.
        others: what is kept, directions of the same space and shape.

    Returns: the projection onto the orthogonal complement of `others`, of unit length.

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
    flat = direction.vector.ravel().astype(np.float64)
    # Orthonormal even if the others depend on each other.
    basis, values, _ = np.linalg.svd(
        np.stack([other.vector.ravel() for other in others], 1).astype(np.float64),
        full_matrices=False,
    )
    basis = basis[:, values > 1e-6 * values.max()]
    left = flat - basis @ (basis.T @ flat)
    kept = ", ".join(other.name for other in others)
    if np.linalg.norm(left) < 1e-4 * np.linalg.norm(flat):
        raise SettingError(f"direction {direction.name}: nothing of it is left besides {kept}")
    left = unit(left.reshape(direction.vector.shape))
    return direction._replace(vector=left, name=f"{direction.name}|{kept}")


def sefa(generator: Generator, count: int) -> list[Direction]:
    """Finds directions in the weights alone: those that the first layers amplify most.

    They are the eigenvectors of A A^T, A [D, outputs] being the weights of what takes the code: the
    first layer, or for style-based generators the style layers of all layers, in W.

    Args:
        generator: the generator.
        count: number of directions, the strongest first.

    Raises:
        SettingError: there are fewer.

    Source: Shen and Zhou 2021 (SeFa), eq. (5). As in their code, outputs count alike.
    """
    space = default_space(generator)
    size = _code_shape(generator, space)[-1]
    _check_count("sefa", count, size)
    weights = np.asarray(generator.config.code_kernel(generator.params), np.float64)
    weights = weights / np.maximum(np.linalg.norm(weights, axis=0), 1e-12)
    _, vectors = np.linalg.eigh(weights @ weights.T)  # Eigenvalues ascend.
    return [
        Direction(unit(_fixed_sign(vectors[:, -k])), space, f"sefa-{k}")
        for k in range(1, count + 1)
    ]


def ganspace(
    generator: Generator, count: int, layer: int | str, samples: int = 1000, seed: int = 0
) -> list[Direction]:
    """Finds directions in samples: the principal components of what crosses a cut.

    For style-based generators these are the components of W itself. For others, feature maps at the
    cut, averaged down to at most 8x8 pixels, are decomposed, and the codes are regressed on the
    coordinates along the components.

    Args:
        generator: the generator.
        count: number of directions, those of the largest variance first.
        layer: the cut; of no meaning for style-based generators.
        samples: number of random codes, more than the latent size.
        seed: seed of the random codes.

    Raises:
        SettingError: there are fewer directions, or too few samples.

    Source: Härkönen et al. 2020 (GANSpace), sections 2.1 and 2.2.
    """
    space = default_space(generator)
    size = _code_shape(generator, space)[-1]
    _check_count("ganspace", count, size)
    if samples <= size:
        raise SettingError(f"samples: {samples}, more than the latent size {size} are needed")
    z = random_latents(generator, samples, seed)
    stop = generator.cut(layer) if space == "z" else generator.space("w")
    parts = [
        np.asarray(_coarse_features(generator, z[i : i + BATCH], stop))
        for i in range(0, samples, BATCH)
    ]
    features = np.concatenate(parts).astype(np.float64)
    features -= features.mean(axis=0)
    left, _, right = np.linalg.svd(features, full_matrices=False)
    # Coordinates of different components are uncorrelated, so Z is regressed on each by itself.
    vectors = right if space == "w" else left.T @ np.asarray(z, np.float64)
    return [
        Direction(unit(_fixed_sign(vector)), space, f"ganspace-{k}")
        for k, vector in enumerate(vectors[:count], 1)
    ]


def find_direction(
    spec: str, generator: Generator, layer: int | str, seed: int = 0, space: str | None = None
) -> Direction:
    """Returns the direction that a text names.

    Args:
        spec: `sefa:K` or `ganspace:K`, the K-th such direction, counted from 1; or an array file.
        generator: the generator.
        layer: the cut that `ganspace` looks at.
        seed: seed of the samples of `ganspace`.
        space: the space of a file's direction, None for `default_space`.

    Raises:
        ImageError: the file is not a readable array.
        SettingError: there is no such direction, or the file's does not fit.
    """
    kind, _, number = spec.partition(":")
    if kind not in ("sefa", "ganspace"):
        return read_direction(spec, generator, space)
    if not number.isdecimal() or int(number) < 1:
        raise SettingError(f"direction {spec}: a number from 1 must follow, as in {kind}:1")
    if kind == "sefa":
        return sefa(generator, int(number))[-1]
    return ganspace(generator, int(number), layer, seed=seed)[-1]


@partial(jax.jit, static_argnames="stop")
def _coarse_features(generator: Generator, z: jax.Array, stop: int) -> jax.Array:
    crossing = generator.apply(generator.params, z, 0, stop)
    maps = as_features(crossing).maps
    if maps.ndim == 4 and maps.shape[1] > COARSE:
        size = maps.shape[1] // COARSE
        blocks = maps.reshape(len(z), COARSE, size, COARSE, size, maps.shape[-1])
        maps = jnp.mean(blocks, axis=(2, 4))
    return maps.reshape(len(z), -1)


def _code_shape(generator: Generator, space: str) -> tuple[int, ...]:
    return tuple(generator.shapes[generator.space(space)].shape[1:])


def _check_count(name: str, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise SettingError(f"{name}: direction {count}, there are 1 to {most}")


def _sizes(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size > 1]


def _fixed_sign(vector: np.ndarray) -> np.ndarray:
    """Eigenvectors have no sign of their own; here the largest entry is positive."""
    return vector * np.sign(vector[np.argmax(np.abs(vector))])
