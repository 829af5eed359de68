"""Ways from one inverted photograph to another: codes matched, interpolated, styles mixed."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import linear_sum_assignment

from mgp_jax.codes import Codes
from mgp_jax.editing.moves import lift
from mgp_jax.errors import SettingError
from mgp_jax.generators import Split


def match(first: Codes, second: Codes) -> Codes:
    """Reorders the codes of one image so that each meets its likest among those of another.

    The order of codes means nothing to the rendering, but it decides what becomes what on the way
    between two images. Of all orders the one is taken that makes the squared distances between the
    latent codes smallest in total.

    Args:
        first: the codes that stay.
        second: the codes to be reordered, as many and of the same space.

    Returns: `second` in another order; its rendering stays the same up to rounding.

    Raises:
        SettingError: the numbers of codes or the spaces differ.
    """
    if first.z.shape != second.z.shape:
        raise SettingError(
            f"codes: {list(first.z.shape)} and {list(second.z.shape)}, two images need as many"
        )
    ours, theirs = (np.asarray(codes.z).reshape(len(codes.z), -1) for codes in (first, second))
    # The squared lengths are the same for every order; only the products tell orders apart.
    _, order = linear_sum_assignment(ours @ theirs.T, maximize=True)
    return second._replace(z=second.z[order], alpha=second.alpha[order])


def interpolate(first: Codes, second: Codes, share: float | jax.Array, space: str = "z") -> Codes:
    """Goes a share of the way between two sets of codes for the same cut.

    Codes of Z turn on a great circle and change their length evenly, because the middle of the
    straight line between two normal codes is far less probable than either; everything else goes
    straight. Share 0 gives `first` and share 1 `second` exactly.

    Args:
        first: where to begin.
        second: where to end, see `match`.
        share: from 0 to 1.
        space: the space of the codes.

    Raises:
        SettingError: the codes have not the same shapes and fields.

    Source: Shoemake 1985 (spherical interpolation).
    """
    first, second = _filled(first, second), _filled(second, first)
    shapes = [jax.tree.map(jnp.shape, codes) for codes in (first, second)]
    if shapes[0] != shapes[1]:
        raise SettingError("codes: the two images were not inverted with the same settings")
    way = jax.tree.map(lambda a, b: _straight(a, b, share), first, second)
    return way._replace(z=_turned(first.z, second.z, share)) if space == "z" else way


def mix_styles(split: Split, coarse: Codes, fine: Codes, behind: int | str) -> tuple[Split, Codes]:
    """Gives an image the styles of another behind a layer: its form, the other's colours.

    Args:
        split: what both are for, of a style-based generator.
        coarse: codes whose styles are kept up to the layer, with importances and residual.
        fine: codes whose styles are taken behind the layer, see `match`.
        behind: the last layer that keeps the styles of `coarse`, as index of a cut or name.

    Returns: the split for codes of the space W+ and the same cut, and the codes.

    Raises:
        SettingError: the generator has no styles, or the layer has none before or behind it.

    Source: Karras et al. 2019 (StyleGAN), section 3.1, mixing regularisation.
    """
    generator = split.generator
    if "w+" not in dict(generator.config.spaces):
        raise SettingError(f"style mixing: {generator.name} ({generator.family}) has no styles")
    begin, layers = generator.space("w+"), np.asarray(generator.config.style_layers)
    kept, total = generator.cut(behind) - begin, layers[-1] + 1
    if not 0 < kept < total:
        raise SettingError(
            f"layer {behind}: styles are mixed behind one of the cuts {begin + 1} to "
            f"{begin + total - 1}"
        )
    (lifted, coarse), (_, fine) = (lift(split, codes, "w+") for codes in (coarse, fine))
    if coarse.z.shape != fine.z.shape:
        raise SettingError("codes: the two images were not inverted with the same settings")
    own = jnp.asarray(layers < kept)[:, None]
    styles = coarse.styles
    if styles is not None and fine.styles is not None:
        styles = jnp.where(own, styles, fine.styles)
    return lifted, coarse._replace(z=jnp.where(own, coarse.z, fine.z), styles=styles)


def _filled(codes: Codes, other: Codes) -> Codes:
    """Gives codes without a residual one of zeros if the other ones have one."""
    if codes.residual is None and other.residual is not None:
        return codes._replace(residual=jax.tree.map(jnp.zeros_like, other.residual))
    return codes


def _straight(first: Any, second: Any, share: float | jax.Array) -> jax.Array:
    # In this form both ends are exact.
    return (1 - share) * first + share * second


def _turned(first: jax.Array, second: jax.Array, share: float | jax.Array) -> jax.Array:
    lengths = [jnp.linalg.norm(z, axis=-1, keepdims=True) for z in (first, second)]
    units = [z / jnp.maximum(n, 1e-12) for z, n in zip((first, second), lengths, strict=True)]
    cosine = jnp.clip(jnp.sum(units[0] * units[1], axis=-1, keepdims=True), -1, 1)
    angle = jnp.arccos(cosine)
    parallel = jnp.sin(angle) < 1e-4
    sine = jnp.where(parallel, 1, jnp.sin(angle))
    parts = [jnp.sin(s * angle) / sine * u for s, u in zip((1 - share, share), units, strict=True)]
    turned = _straight(lengths[0], lengths[1], share) * (parts[0] + parts[1])
    way = jnp.where(parallel, _straight(first, second, share), turned)
    # The ends as they are, not up to the rounding of sines.
    return jnp.where(share == 0, first, jnp.where(share == 1, second, way))
