"""The variables of an inversion, how several codes become one feature map, and its rendering."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.linalg import solve_triangular

from mgp_jax.errors import SettingError
from mgp_jax.generators.base import Features, Generator, Params


class Codes(NamedTuple):
    """All that is optimised for one image; a pytree.

    Attributes:
        z: float[N, ...], N latent codes of the space they live in: [N, D] in Z and W, [N, L, D]
            in W+.
        alpha: float[N, C], the importance of every channel of every code's feature map; the
            channels of an image accumulated at the cut (StyleGAN2) follow those of the features.
        styles: float[L, D], the styles of the layers behind the cut, or None.
        residual: what is added to the composed feature map, of its shape, or None.
        noise: for every noisy stage its noise map float[1, H, W, 1], or None for the stored ones.
    """

    z: jax.Array
    alpha: jax.Array
    styles: jax.Array | None = None
    residual: Any = None
    noise: dict[str, jax.Array] | None = None


def init_codes(
    generator: Generator, key: jax.Array, count: int, layer: int | str, space: str = "z"
) -> Codes:
    """Draws the codes that an inversion starts from.

    The latent codes are standard normal (in W and W+: the mapping of normal codes), the importances
    equal, so that the composed map is the mean of the feature maps.

    Args:
        generator: the generator.
        key: source of randomness.
        count: number of codes N, at least 1.
        layer: the cut, as index or name.
        space: the space of the codes, one of `generator.spaces`.

    Raises:
        SettingError: the number of codes, the cut or the space is out of range.

    Example:
        >>> import jax
        >>> from mgp_jax import init_codes, load_generator
        >>> generator = load_generator("faces64")
        >>> codes = init_codes(generator, jax.random.key(0), count=5, layer="layer2")
        >>> codes.z.shape, codes.alpha.shape
        ((5, 100), (5, 128))
    """
    if count < 1:
        raise SettingError(f"codes: {count}, at least 1 is needed")
    cut, start = generator.cut(layer), generator.space(space)
    if start > cut:
        raise SettingError(f"layer {layer}: lies before the space {space}, which is cut {start}")
    z = jax.random.normal(key, (count, *generator.latent_shape))
    z = generator.apply(generator.params, z, 0, start)
    channels = fused_channels(generator.shapes[cut])
    alpha = jnp.full((count, channels), 1 / count, jnp.float32)
    return Codes(z, alpha, mean_styles(generator, cut))


def fused_channels(crossing: Any) -> int:
    """Returns how many channels alpha weighs: of the map and, if one travels along, the image."""
    if not isinstance(crossing, Features):
        return crossing.shape[-1]
    return crossing.maps.shape[-1] + (0 if crossing.rgb is None else crossing.rgb.shape[-1])


def mean_styles(generator: Generator, cut: int) -> jax.Array | None:
    """Returns the mean style of every layer where the tail behind `cut` takes styles, else None."""
    crossing = generator.shapes[cut]
    if not isinstance(crossing, Features) or crossing.styles is None:
        return None
    mean = generator.params["truncation"]["mean"]
    return jnp.broadcast_to(mean, crossing.styles.shape[1:])


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
    return jnp.einsum("n...c,nc->...c", features, alpha)


def features_of(generator: Generator, codes: Codes, layer: int | str, space: str = "z") -> Any:
    """Runs all codes through the head.

    Args:
        generator: the generator. What is computed has the dtype of its parameters.
        codes: codes for this cut.
        layer: the cut, as index or name.
        space: the space of the codes.

    Returns: what arrives at the cut, with a leading axis N: feature maps float[N, H, W, C], or
        `Features` where the generator passes those.
    """
    codes = cast(codes, generator.dtype)
    params = with_noise(generator.params, codes.noise)
    return generator.apply(params, codes.z, generator.space(space), generator.cut(layer))


def fuse_features(crossing: Any, alpha: jax.Array) -> Any:
    """Composes what arrives at the cut.

    Args:
        crossing: see `features_of`.
        alpha: float[N, C], channel importances.

    Returns: the composed feature map float[H, W, C]; `Features` without batch axis and styles where
        the generator passes those. The residual is not added yet.
    """
    if not isinstance(crossing, Features):
        return compose(crossing, alpha)
    channels = crossing.maps.shape[-1]
    rgb = crossing.rgb
    return Features(
        maps=compose(crossing.maps, alpha[:, :channels]),
        rgb=None if rgb is None else compose(rgb, alpha[:, channels:]),
    )


def whitening(crossing: Any) -> jax.Array:
    """Returns the coordinates in which all importances matter alike.

    The feature maps of several codes resemble each other, so that changing one importance does much
    what changing another does. For every channel, W turns its N maps F_n into maps of mean product
    0 with each other and mean square 1.

    Args:
        crossing: see `features_of`.

    Returns: float[C, N, N], the lower triangular W of every channel, in the order of alpha.
    """
    parts = [crossing] if not isinstance(crossing, Features) else [crossing.maps, crossing.rgb]
    products = [
        jnp.einsum("nhwc,mhwc->cnm", part, part) / (part.shape[1] * part.shape[2])
        for part in parts
        if part is not None
    ]
    gram = jnp.concatenate(products)
    count = gram.shape[-1]
    # Maps that are nearly combinations of others, or zero, must not be blown up.
    power = jnp.trace(gram, axis1=1, axis2=2)[:, None, None] / count
    root = jnp.linalg.cholesky(gram + (1e-4 * power + 1e-9) * jnp.eye(count))
    return solve_triangular(root, jnp.broadcast_to(jnp.eye(count), root.shape), lower=True)


def fuse(
    generator: Generator, codes: Codes, layer: int | str, space: str = "z", slices: int = 0
) -> Any:
    """Runs all codes through the head and composes what arrives at the cut; see `fuse_features`.

    Args:
        generator: the generator.
        codes: codes for this cut.
        layer: the cut, as index or name.
        space: the space of the codes.
        slices: run the codes in so many equal parts, one after another, and compute the feature
            maps a second time for the gradient instead of keeping them; 0 for all codes at once.
    """

    def run(z: jax.Array, alpha: jax.Array) -> Any:
        features = features_of(generator, codes._replace(z=z), layer, space)
        return fuse_features(features, alpha.astype(generator.dtype))

    if not slices:
        return run(codes.z, codes.alpha)
    parts = [x.reshape(slices, -1, *x.shape[1:]) for x in (codes.z, codes.alpha)]
    shapes = jax.eval_shape(run, parts[0][0], parts[1][0])
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)

    def add(total: Any, part: list[jax.Array]) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, total, run(*part)), None

    return lax.scan(jax.checkpoint(add), zeros, parts)[0]


def contribute(generator: Generator, codes: Codes, layer: int | str, space: str = "z") -> Any:
    """Returns what each code contributes to the composed feature map.

    Args:
        generator: the generator.
        codes: codes for this cut.
        layer: the cut, as index or name.
        space: the space of the codes.

    Returns: as `fuse`, with a leading axis N; the sum over that axis is what `fuse` returns.
    """
    crossing = features_of(generator, codes, layer, space)
    # A set of one code composes to that code's part.
    return jax.vmap(lambda part, alpha: fuse_features(part, alpha))(
        jax.tree.map(lambda leaf: leaf[:, None], crossing), codes.alpha[:, None]
    )


def render_fused(
    generator: Generator, fused: Any, codes: Codes, layer: int | str, remat: bool = False
) -> jax.Array:
    """Adds the residual to a composed feature map and runs it through the tail.

    Args:
        generator: the generator. What is computed has the dtype of its parameters.
        fused: the composed feature map.
        codes: where residual, styles and noise are taken from.
        layer: the cut, as index or name.
        remat: keep only what passes between stages for the gradient and compute the rest again.

    Returns: an image float[H, W, C] in [-1, 1] (up to overshoots of families that do not clip).
    """
    fused, codes = cast((fused, codes), generator.dtype)
    if codes.residual is not None:
        fused = jax.tree.map(jnp.add, fused, codes.residual)
    if isinstance(fused, Features):
        fused = fused._replace(styles=codes.styles)
    params = with_noise(generator.params, codes.noise)
    x = jax.tree.map(lambda x: x[None], fused)
    if not remat:
        return generator.apply(params, x, generator.cut(layer))[0]
    for stage in range(generator.cut(layer), len(generator.stages)):
        one = partial(generator.apply, start=stage, stop=stage + 1)
        x = jax.checkpoint(one)(params, x)
    return x[0]


def render(generator: Generator, codes: Codes, layer: int | str, space: str = "z") -> jax.Array:
    """Renders codes: head, composition, tail.

    Args:
        generator: the generator.
        codes: codes for this cut.
        layer: the cut, as index or name.
        space: the space of the codes.

    Returns: an image float[H, W, C] in [-1, 1] (up to overshoots of families that do not clip).

    Source: Gu et al. 2020, eq. (2).
    """
    return render_fused(generator, fuse(generator, codes, layer, space), codes, layer)


def with_noise(params: Params, noise: dict[str, jax.Array] | None) -> Params:
    """Returns the parameters with the noise maps of some stages replaced."""
    if not noise:
        return params
    return {**params, **{name: {**params[name], "noise": n} for name, n in noise.items()}}


def cast(tree: Any, dtype: jnp.dtype) -> Any:
    """Returns a pytree with its floating-point arrays in another precision."""
    return jax.tree.map(
        lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree
    )
