"""How good images are. All metrics take float images in [0, 1], NHWC or HWC."""

from mgp_jax.metrics.colorization import colorization_auc, colour_weights, to_lab
from mgp_jax.metrics.comparison import compare
from mgp_jax.metrics.fidelity import mse, psnr, ssim, to_unit
from mgp_jax.metrics.naturalness import niqe
from mgp_jax.metrics.perceptual import SMALLEST_FOR_LPIPS, lpips
from mgp_jax.metrics.segmentation import mask_iou

__all__ = [
    "SMALLEST_FOR_LPIPS",
    "colorization_auc",
    "colour_weights",
    "compare",
    "lpips",
    "mask_iou",
    "mse",
    "niqe",
    "psnr",
    "ssim",
    "to_lab",
    "to_unit",
]
