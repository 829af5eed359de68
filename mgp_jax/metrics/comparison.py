"""All metrics of a pair of images that its size allows."""

import jax.numpy as jnp
import numpy as np

from mgp_jax.metrics.fidelity import SMALLEST_FOR_SSIM, psnr, ssim, to_unit
from mgp_jax.metrics.perceptual import SMALLEST_FOR_LPIPS, lpips
from mgp_jax.perception.lpips import bundled_lpips


def compare(images: np.ndarray, truths: np.ndarray) -> dict[str, list[float | None]]:
    """Measures results against the truth, as they are once written to 8-bit files or not.

    Args:
        images: float[B, H, W, C] in [-1, 1].
        truths: float[B, H, W, C] in [-1, 1]. LPIPS takes gray images (C = 1) as RGB.

    Returns: `psnr` in dB, `ssim` and `lpips`, one number per image each; None where an image is
        too small for a metric, or the number is not finite.
    """
    first, second = to_unit(images), to_unit(truths)
    side = min(first.shape[-3:-1])
    scores = {"psnr": np.asarray(psnr(first, second))}
    if side >= SMALLEST_FOR_SSIM:
        scores["ssim"] = np.asarray(ssim(first, second))
    if side >= SMALLEST_FOR_LPIPS:
        colours = (jnp.broadcast_to(x, (*x.shape[:-1], 3)) for x in (first, second))
        scores["lpips"] = np.asarray(lpips(*colours, bundled_lpips()))
    nothing = np.full(len(first), np.nan)
    return {
        name: [float(x) if np.isfinite(x) else None for x in scores.get(name, nothing)]
        for name in ("psnr", "ssim", "lpips")
    }
