"""Contributions of single codes: images of each alone, of the sum without it, and their dimension.

The composed map is a sum over codes, so at the cut each code's part is exact and the parts add up.
Behind the cut nothing is linear: images of parts show what a part stands for, they do not add up.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.codes import Codes, contribute, render_fused
from mgp_jax.generators import Split


class CodeImages(NamedTuple):
    """Images of the codes of one photograph; in [-1, 1] up to overshoots.

    Attributes:
        whole: float[H, W, C], all codes together, with the residual if there is one.
        alone: float[N, H, W, C], the part of every code by itself, without the residual.
        scaled: float[N, H, W, C], the same with the part brought to the root mean square of the
            composed map, because the part alone is weak where there are many codes.
        without: float[N, H, W, C], the sum without that code, with the residual.
    """

    whole: np.ndarray
    alone: np.ndarray
    scaled: np.ndarray
    without: np.ndarray


class Dimension(NamedTuple):
    """Of how many independent maps a composed map is made; 1 to N, N for orthogonal equal parts.

    Attributes:
        whole: participation ratio of the parts as whole maps.
        channels: float[C], of the parts in every channel by itself; 0 for a channel of zeros.
        spectrum: float[N], shares of the parts' energy along their principal axes, descending.
    """

    whole: float
    channels: np.ndarray
    spectrum: np.ndarray


def code_images(split: Split, codes: Codes) -> CodeImages:
    """Renders every code alone and the sum without it.

    Args:
        split: what the codes are for.
        codes: the codes of one image.
    """
    return CodeImages(*map(np.asarray, _code_images(split, codes)))


@jax.jit
def _code_images(split: Split, codes: Codes) -> tuple[jax.Array, ...]:
    parts = contribute(split, codes)
    whole = jax.tree.map(lambda part: jnp.sum(part, axis=0), parts)
    bare = codes._replace(residual=None)

    def strengthen(part: Any) -> Any:
        def by_leaf(part: jax.Array, whole: jax.Array) -> jax.Array:
            ratio = jnp.mean(jnp.square(whole)) / jnp.maximum(jnp.mean(jnp.square(part)), 1e-30)
            return part * jnp.sqrt(ratio)

        return jax.tree.map(by_leaf, part, whole)

    def one(part: Any) -> tuple[jax.Array, ...]:
        rest = jax.tree.map(jnp.subtract, whole, part)
        return (
            render_fused(split, part, bare),
            render_fused(split, strengthen(part), bare),
            render_fused(split, rest, codes),
        )

    return render_fused(split, whole, codes), *jax.lax.map(one, parts)


def effective_dimension(split: Split, codes: Codes) -> Dimension:
    """Measures how independent the parts are that make up a composed map.

    The participation ratio of the eigenvalues l of the parts' Gram matrix, (sum l)^2 / sum l^2.

    Args:
        split: what the codes are for.
        codes: the codes of one image.

    Source: Gao et al. 2017, "A theory of multineuronal dimensionality", eq. (5).
    """
    whole, by_channel = map(np.asarray, _grams(split, codes))
    values = np.maximum(np.linalg.eigvalsh(whole)[::-1], 0)
    return Dimension(
        whole=float(_participation(whole)),
        channels=_participation(by_channel),
        spectrum=values / max(values.sum(), 1e-30),
    )


@jax.jit
def _grams(split: Split, codes: Codes) -> tuple[jax.Array, jax.Array]:
    """Returns the Gram matrices of the parts as a whole [N, N] and by channel [C, N, N]."""
    leaves = jax.tree.leaves(contribute(split, codes))
    by_channel = jnp.concatenate([jnp.einsum("n...c,m...c->cnm", p, p) for p in leaves])
    return jnp.sum(by_channel, axis=0), by_channel


def _participation(gram: np.ndarray) -> np.ndarray:
    """Participation ratio of the eigenvalues of [..., N, N], from traces alone."""
    trace = np.trace(gram.astype(np.float64), axis1=-2, axis2=-1)
    squares = np.sum(np.square(gram.astype(np.float64)), axis=(-2, -1))
    return np.where(squares > 0, np.square(trace) / np.maximum(squares, 1e-300), 0.0)
