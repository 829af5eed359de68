"""Differences of two images, by pixels and by windows."""

import jax
import jax.numpy as jnp
import numpy as np

SMALLEST_FOR_SSIM = 11


def to_unit(image: np.ndarray | jax.Array) -> jax.Array:
    """Clips a model image in [-1, 1] and maps it to [0, 1]."""
    return jnp.clip(jnp.asarray(image, jnp.float32) * 0.5 + 0.5, 0, 1)


def mse(first: jax.Array, second: jax.Array) -> jax.Array:
    """Mean squared error of two arrays float[..., H, W, C] in [0, 1]: float[...]."""
    return jnp.mean(jnp.square(first - second), axis=(-3, -2, -1))


def psnr(first: jax.Array, second: jax.Array) -> jax.Array:
    """Peak signal-to-noise ratio in dB of two arrays float[..., H, W, C] in [0, 1]: float[...].

    Equal images give infinity.

    Example:
        >>> import jax.numpy as jnp
        >>> from mgp_jax import psnr
        >>> round(float(psnr(jnp.zeros((8, 8, 3)), jnp.full((8, 8, 3), 0.1))), 2)
        20.0
    """
    return -10 * jnp.log10(mse(first, second))


@jax.jit
def ssim(first: jax.Array, second: jax.Array) -> jax.Array:
    """Structural similarity (Wang et al. 2004), Gaussian window of 11 pixels, sigma 1.5.

    Args:
        first: float[..., H, W, C] in [0, 1], H and W of at least 11.
        second: the same.

    Returns: float[...] in [-1, 1], 1 for equal images.
    """
    import dm_pix  # Here, because a bare checkout measures the rest without it.

    # dm_pix takes one batch axis.
    flat = (x.reshape(-1, *x.shape[-3:]) for x in (first, second))
    return jnp.asarray(dm_pix.ssim(*flat)).reshape(first.shape[:-3])
