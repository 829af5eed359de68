"""The variables of an inversion, how several codes become one feature map, and its rendering."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.linalg import solve_triangular

from mgp_jax.errors import SettingError
from mgp_jax.generators.crossing import Features
from mgp_jax.generators.formulations import formulation
from mgp_jax.generators.split import NoiseMaps, Split


class Codes(NamedTuple):
    """All that is optimised for one image; a pytree.

    Attributes:
        z: float[N, ...], N latent codes of the space they live in: [N, D] in Z and W, [N, L, D]
            in W+.
        alpha: float[N, C], the importance of every channel of every code's feature map; the
            channels of an image accumulated at the cut (StyleGAN2), and factors of later channels
            (Lightweight GAN), follow those of the features.
        styles: float[L, D], the styles of the layers behind the cut, or None.
        residual: what is added to the composed feature map, `Features` without styles, or None.
        noise: for every noisy stage its noise map float[1, H, W, 1], or None for the stored ones.
        label: float[K], logarithms (up to a constant) of how much is drawn of each class of a
            conditional generator, or None for its own label.
    """

    z: jax.Array
    alpha: jax.Array
    styles: jax.Array | None = None
    residual: Features | None = None
    noise: NoiseMaps | None = None
    label: jax.Array | None = None


def init_codes(split: Split, key: jax.Array, count: int) -> Codes:
    """Draws the codes that an inversion starts from.

    The latent codes are standard normal (in W and W+: the mapping of normal codes), the importances
    equal, so that the composed map is the mean of the feature maps.

    Args:
        split: the generator, cut.
        key: source of randomness.
        count: number of codes N, at least 1.

    Raises:
        SettingError: the number of codes is out of range.

    Example:
        >>> import jax
        >>> from mgp_jax import init_codes, load_generator
        >>> split = load_generator("faces64").split("layer2")
        >>> codes = init_codes(split, jax.random.key(0), count=5)
        >>> codes.z.shape, codes.alpha.shape
        ((5, 100), (5, 128))
    """
    if count < 1:
        raise SettingError(f"codes: {count}, at least 1 is needed")
    alpha = jnp.full((count, split.channels), 1 / count, jnp.float32)
    return Codes(split.draw(key, count), alpha, split.mean_styles)


def compose(features: jax.Array, alpha: jax.Array) -> jax.Array:
    """Adds up the feature maps of all codes, channel by channel weighted.

    Args:
        features: float[N, ..., C], one map for each code, at the cut.
        alpha: float[N, C], channel importances, dimensionless.

    Returns: float[..., C].

    Raises:
        ValueError: N or C differ.

    Source: Gu et al. 2020, eq. (3).

    Example:
        >>> import jax.numpy as jnp
        >>> from mgp_jax import compose
        >>> maps = jnp.stack([jnp.ones((4, 4, 2)), 3 * jnp.ones((4, 4, 2))])
        >>> compose(maps, jnp.full((2, 2), 1 / 2))[0, 0].tolist()
        [2.0, 2.0]
    """
    if features.shape[0] != alpha.shape[0] or features.shape[-1] != alpha.shape[-1]:
        raise ValueError(f"features {features.shape} and alpha {alpha.shape} do not fit")
    if formulation().terms:
        return reduce(jnp.add, map(jnp.multiply, features, alpha))
    return jnp.einsum("n...c,nc->...c", features, alpha)


def features_of(split: Split, codes: Codes) -> Features:
    """Runs all codes through the head.

    Args:
        split: the generator, cut. What is computed has the dtype of its parameters.
        codes: codes for this split.

    Returns: what arrives at the cut, with a leading axis N.
    """
    codes = cast(codes, split.dtype)
    return _placed(split, codes).head(codes.z)


def fuse_features(features: Features, alpha: jax.Array) -> Features:
    """Composes what arrives at the cut.

    Args:
        features: see `features_of`.
        alpha: float[N, C], channel importances.

    Returns: the composed map, without batch axis and styles. The residual is not added yet.
    """
    parts, tree = jax.tree.flatten(features.composed)
    ends = np.cumsum([part.shape[-1] for part in parts])
    weights = jnp.split(alpha, ends[:-1], axis=1)
    return jax.tree.unflatten(tree, map(compose, parts, weights))


def whitening(features: Features) -> jax.Array:
    """Returns the coordinates in which all importances matter alike.

    The feature maps of several codes resemble each other, so that changing one importance does much
    what changing another does. For every channel, W turns its N maps F_n into maps of mean product
    0 with each other and mean square 1.

    Args:
        features: see `features_of`.

    Returns: float[C, N, N], the lower triangular W of every channel, in the order of alpha.
    """
    products = [
        jnp.einsum("nhwc,mhwc->cnm", part, part) / (part.shape[1] * part.shape[2])
        for part in jax.tree.leaves(features.composed)
    ]
    gram = jnp.concatenate(products)
    count = gram.shape[-1]
    # Maps that are nearly combinations of others, or zero, must not be blown up.
    power = jnp.trace(gram, axis1=1, axis2=2)[:, None, None] / count
    root = jnp.linalg.cholesky(gram + (1e-4 * power + 1e-9) * jnp.eye(count))
    return solve_triangular(root, jnp.broadcast_to(jnp.eye(count), root.shape), lower=True)


def fuse(split: Split, codes: Codes, slices: int = 0) -> Features:
    """Runs all codes through the head and composes what arrives at the cut; see `fuse_features`.

    Args:
        split: the generator, cut.
        codes: codes for this split.
        slices: run the codes in so many equal parts, one after another, and compute the feature
            maps a second time for the gradient instead of keeping them; 0 for all codes at once.
    """

    def run(z: jax.Array, alpha: jax.Array) -> Features:
        features = features_of(split, codes._replace(z=z))
        return fuse_features(features, alpha.astype(split.dtype))

    if not slices:
        return run(codes.z, codes.alpha)
    parts = [x.reshape(slices, -1, *x.shape[1:]) for x in (codes.z, codes.alpha)]
    shapes = jax.eval_shape(run, parts[0][0], parts[1][0])
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)

    def add(total: Features, part: list[jax.Array]) -> tuple[Features, None]:
        return jax.tree.map(jnp.add, total, run(*part)), None

    return lax.scan(jax.checkpoint(add), zeros, parts)[0]


def contribute(split: Split, codes: Codes) -> Features:
    """Returns what each code contributes to the composed feature map.

    Args:
        split: the generator, cut.
        codes: codes for this split.

    Returns: as `fuse`, with a leading axis N; the sum over that axis is what `fuse` returns.
    """
    # A set of one code composes to that code's part.
    single = jax.tree.map(lambda leaf: leaf[:, None], features_of(split, codes))
    return jax.vmap(fuse_features)(single, codes.alpha[:, None])


def render_fused(split: Split, fused: Features, codes: Codes, remat: bool = False) -> jax.Array:
    """Adds the residual to a composed feature map and runs it through the tail.

    Args:
        split: the generator, cut. What is computed has the dtype of its parameters.
        fused: the composed feature map.
        codes: where residual, styles and noise are taken from.
        remat: keep only what passes between stages for the gradient and compute the rest again.

    Returns: an image float[H, W, C] in [-1, 1] (up to overshoots of families that do not clip).
    """
    fused, codes = cast((fused, codes), split.dtype)
    features = with_residual(fused, codes)._replace(styles=codes.styles)
    batch = jax.tree.map(lambda x: x[None], features)
    return _placed(split, codes).tail(batch, remat)[0]


def _placed(split: Split, codes: Codes) -> Split:
    """Puts the codes' noise maps and label into the generator."""
    return split.with_noise(codes.noise).with_label(codes.label)


def with_residual(fused: Features, codes: Codes) -> Features:
    """Returns the map that the tail renders: the composed one and the residual."""
    return fused if codes.residual is None else jax.tree.map(jnp.add, fused, codes.residual)


def render(split: Split, codes: Codes) -> jax.Array:
    """Renders codes: head, composition, tail.

    Args:
        split: the generator, cut.
        codes: codes for this split.

    Returns: an image float[H, W, C] in [-1, 1] (up to overshoots of families that do not clip).

    Source: Gu et al. 2020, eq. (2).
    """
    return render_fused(split, fuse(split, codes), codes)


@jax.jit
def render_batch(split: Split, codes: Codes) -> jax.Array:
    """Renders a batch of codes, leaves with leading axes B: float[B, H, W, C]."""
    return jax.vmap(render, in_axes=(None, 0))(split, codes)


def render_all(split: Split, codes: Sequence[Codes]) -> np.ndarray:
    """Renders several codes one after another, so that each is rounded as in a batch of one."""
    batches = (jax.tree.map(lambda x: jnp.asarray(x)[None], item) for item in codes)
    return np.concatenate([np.asarray(render_batch(split, batch)) for batch in batches])


def cast(tree: Any, dtype: jnp.dtype) -> Any:
    """Returns a pytree with its floating-point arrays in another precision."""
    return jax.tree.map(
        lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree
    )
