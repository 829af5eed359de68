"""Metrics of images. All take float images in [0, 1], NHWC or HWC."""

from mgp_jax.metrics.calibration import calibration_curve, correlation, coverage, temperature
from mgp_jax.metrics.colorization import colorization_auc, colour_weights, to_lab
from mgp_jax.metrics.fidelity import mse, psnr, ssim, to_unit
from mgp_jax.metrics.naturalness import niqe
from mgp_jax.metrics.perceptual import SMALLEST_FOR_LPIPS, lpips
from mgp_jax.metrics.segmentation import mask_iou
from mgp_jax.metrics.table import (
    LPIPS_AT_256,
    METRICS,
    PAIR,
    Metric,
    Scores,
    calibration_points,
    compare,
    describe,
    each,
    metric_named,
    recorded,
)

__all__ = [
    "LPIPS_AT_256",
    "METRICS",
    "PAIR",
    "SMALLEST_FOR_LPIPS",
    "Metric",
    "Scores",
    "calibration_curve",
    "calibration_points",
    "colorization_auc",
    "colour_weights",
    "compare",
    "correlation",
    "coverage",
    "describe",
    "each",
    "lpips",
    "mask_iou",
    "metric_named",
    "mse",
    "niqe",
    "psnr",
    "recorded",
    "ssim",
    "temperature",
    "to_lab",
    "to_unit",
]
