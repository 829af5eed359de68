"""Directions without labels: those that weights amplify most, and those that samples vary along."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.editing.directions import (
    Direction,
    default_space,
    in_layers,
    require_layers,
    unit,
)
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator, as_features, random_latents
from mgp_jax.generators.style import StyleConfig

# Feature maps are averaged down to so many pixels a side before their principal components.
COARSE = 8
BATCH = 32


def sefa(
    generator: Generator, count: int, layers: tuple[int, int] | None = None
) -> list[Direction]:
    """Finds directions in the weights alone: those that the first layers amplify most.

    They are the eigenvectors of A A^T, A [D, outputs] being the weights of what takes the code: the
    first layer, or for style-based generators the style layers of all layers, in W. Where nothing
    undoes the scale of a style, the strongest one only scales everything and is left out.

    Args:
        generator: the generator.
        count: number of directions, the strongest first.
        layers: of style-based generators: the first and the last layer whose weights count, and
            which are moved; None for all.

    Raises:
        SettingError: there are fewer, or no such layers.

    Source: Shen and Zhou 2021 (SeFa), eq. (5). As in their code, outputs count alike.
    """
    space, config = default_space(generator), generator.config
    if layers is not None:
        require_layers(generator, layers)
    skipped = int(isinstance(config, StyleConfig) and not config.normalises)
    _check_count("sefa", count, _size(generator) - skipped)
    weights = np.asarray(config.code_kernel(generator.params, layers), np.float64)
    weights = weights / np.maximum(np.linalg.norm(weights, axis=0), 1e-12)
    _, vectors = np.linalg.eigh(weights @ weights.T)  # Eigenvalues ascend.
    found = [
        Direction(unit(_fixed_sign(vectors[:, -k - skipped])), space, f"sefa-{k}")
        for k in range(1, count + 1)
    ]
    return [in_layers(direction, generator, layers) for direction in found]


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
    size = _size(generator)
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


@partial(jax.jit, static_argnames="stop")
def _coarse_features(generator: Generator, z: jax.Array, stop: int) -> jax.Array:
    crossing = generator.apply(generator.params, z, 0, stop)
    maps = as_features(crossing).maps
    if maps.ndim == 4 and maps.shape[1] > COARSE:
        size = maps.shape[1] // COARSE
        blocks = maps.reshape(len(z), COARSE, size, COARSE, size, maps.shape[-1])
        maps = jnp.mean(blocks, axis=(2, 4))
    return maps.reshape(len(z), -1)


def _size(generator: Generator) -> int:
    """Returns the length of one vector of the space that directions live in."""
    return generator.shapes[generator.space(default_space(generator))].shape[-1]


def _check_count(name: str, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise SettingError(f"{name}: direction {count}, there are 1 to {most}")


def _fixed_sign(vector: np.ndarray) -> np.ndarray:
    """Eigenvectors have no sign of their own; here the largest entry is positive."""
    return vector * np.sign(vector[np.argmax(np.abs(vector))])
