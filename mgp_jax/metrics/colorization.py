"""Errors of colours, whatever the luminance."""

import jax
import jax.numpy as jnp
import numpy as np

# Errors in ab are counted up to here, and colours are classes of so many units a side.
LARGEST_ERROR = 150.0
CLASS_SIZE = 10.0

# Linear sRGB to CIE XYZ, each row divided by the white point D65 (IEC 61966-2-1).
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
) / np.array([[0.95047], [1.0], [1.08883]])


def to_lab(image: jax.Array) -> jax.Array:
    """Converts sRGB to CIE L*a*b* with the white point D65, observer of 2 degrees.

    Args:
        image: float[..., 3] in [0, 1].

    Returns: float[..., 3]: L in [0, 100]; a and b in about [-110, 110].
    """
    image = jnp.asarray(image)
    # Not below the linear part's end: the gradient of the unused branch must stay finite.
    curved = ((jnp.maximum(image, 0.04045) + 0.055) / 1.055) ** 2.4
    linear = jnp.where(image > 0.04045, curved, image / 12.92)
    xyz = jnp.einsum("...c,xc->...x", linear, jnp.asarray(TO_XYZ, image.dtype), precision="highest")
    edge = 6 / 29
    root = jnp.cbrt(jnp.maximum(xyz, edge**3))
    f = jnp.where(xyz > edge**3, root, xyz / (3 * edge**2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return jnp.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def colorization_auc(
    images: jax.Array, truths: jax.Array, weights: jax.Array | np.ndarray | None = None
) -> jax.Array:
    """Area under the cumulative distribution of colour errors, thresholds 0 to 150.

    The share of pixels whose (a, b) is within t of the truth's, averaged over all thresholds t. A
    pixel with the error e contributes to the thresholds above e alone, so the area is the mean of
    max(0, 1 - e / 150), without steps.

    Args:
        images: float[..., H, W, 3] in [0, 1].
        truths: the same.
        weights: float[..., H, W], how much a pixel counts, as `colour_weights` returns; None for
            all alike.

    Returns: float[...] in [0, 1], 1 for equal colours.

    Source: Zhang et al. 2016, section 3.1.
    """
    difference = to_lab(images)[..., 1:] - to_lab(truths)[..., 1:]
    error = jnp.sqrt(jnp.sum(jnp.square(difference), axis=-1))
    share = jnp.maximum(0, 1 - error / LARGEST_ERROR)
    weights = jnp.ones_like(share) if weights is None else jnp.asarray(weights)
    return jnp.sum(weights * share, axis=(-2, -1)) / jnp.sum(weights, axis=(-2, -1))


def colour_weights(truths: jax.Array | np.ndarray) -> np.ndarray:
    """Returns weights with which every class of colours counts the same, however rare.

    A class is a square of 10 x 10 in (a, b); a pixel's weight is one over the share of its class.
    Zhang et al. take the shares from ImageNet, smoothed; here they are those of the given images,
    so numbers are comparable within one set of images only.

    Args:
        truths: float[B, H, W, 3] in [0, 1], the images that shares are counted in.

    Returns: float32[B, H, W], with a mean of 1 over all images.
    """
    colours = np.asarray(to_lab(jnp.asarray(truths)))[..., 1:]
    squares = np.floor(colours / CLASS_SIZE).astype(int).reshape(-1, 2)
    _, place, count = np.unique(squares, axis=0, return_inverse=True, return_counts=True)
    weights = 1 / count[place.reshape(-1)] * len(place.reshape(-1)) / len(count)
    return weights.reshape(colours.shape[:-1]).astype(np.float32)
