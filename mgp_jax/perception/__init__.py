"""Networks that compare images as people do: VGG16 features and LPIPS."""

from mgp_jax.perception.lpips import LPIPS, bundled_lpips, load_lpips, make_lpips
from mgp_jax.perception.vgg import FeatureExtractor, bundled_extractor, make_extractor

__all__ = [
    "LPIPS",
    "FeatureExtractor",
    "bundled_extractor",
    "bundled_lpips",
    "load_lpips",
    "make_extractor",
    "make_lpips",
]
