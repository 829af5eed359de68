"""How near two images are. All metrics take float images in [0, 1], NHWC or HWC."""

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.perception.lpips import LPIPS, bundled_lpips

SMALLEST_FOR_SSIM = 11
SMALLEST_FOR_LPIPS = 32


def to_unit(image: np.ndarray | jax.Array) -> jax.Array:
    """Clips a model image in [-1, 1] and maps it to [0, 1]."""
    return jnp.clip(jnp.asarray(image, jnp.float32) * 0.5 + 0.5, 0, 1)


def mse(first: jax.Array, second: jax.Array) -> jax.Array:
    """Mean squared error: float[..., H, W, C] in [0, 1], twice, to float[...]."""
    return jnp.mean(jnp.square(first - second), axis=(-3, -2, -1))


def psnr(first: jax.Array, second: jax.Array) -> jax.Array:
    """Peak signal-to-noise ratio in dB: float[..., H, W, C] in [0, 1], twice, to float[...].

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
    # dm_pix takes one batch axis.
    flat = (x.reshape(-1, *x.shape[-3:]) for x in (first, second))
    return jnp.asarray(dm_pix.ssim(*flat)).reshape(first.shape[:-3])


def lpips(first: jax.Array, second: jax.Array, distance: LPIPS | None = None) -> jax.Array:
    """LPIPS 0.1: float[..., H, W, 3] in [0, 1], twice, to float[...]; 0 for equal images.

    Args:
        first: images, H and W of at least 32.
        second: the same.
        distance: weights; None for the bundled AlexNet.
    """
    return _lpips(bundled_lpips() if distance is None else distance, first, second)


@jax.jit
def _lpips(distance: LPIPS, first: jax.Array, second: jax.Array) -> jax.Array:
    return distance(first, second)


def compare(images: np.ndarray, truths: np.ndarray) -> dict[str, list[float | None]]:
    """Measures results against the truth, as they are once written to 8-bit files or not.

    Args:
        images: float[B, H, W, C] in [-1, 1].
        truths: float[B, H, W, C] in [-1, 1].

    Returns: `psnr` in dB, `ssim` and `lpips`, one number per image each; None where an image is
        too small for a metric, or the number is not finite.
    """
    first, second = to_unit(images), to_unit(truths)
    side = min(first.shape[-3:-1])
    scores = {"psnr": np.asarray(psnr(first, second))}
    if side >= SMALLEST_FOR_SSIM:
        scores["ssim"] = np.asarray(ssim(first, second))
    if side >= SMALLEST_FOR_LPIPS and first.shape[-1] == 3:
        scores["lpips"] = np.asarray(lpips(first, second, bundled_lpips()))
    nothing = np.full(len(first), np.nan)
    return {
        name: [float(x) if np.isfinite(x) else None for x in scores.get(name, nothing)]
        for name in ("psnr", "ssim", "lpips")
    }
