"""Images made smaller, beside torch.

The numbers of `data/downsample_torch.npz` are those of torch 2.13: for every factor f, mode m in
(bilinear, bicubic) and antialias a, `{m}{-antialias if a}_{f}` is
`interpolate(image, scale_factor=1 / f, mode=m, align_corners=False, antialias=a)` of `image`.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from operators import apply, images

from mgp_jax.degradations import Downsample

TORCH = np.load(Path(__file__).parents[1] / "data" / "downsample_torch.npz")


@pytest.mark.parametrize("name", [name for name in TORCH.files if name != "image"])
def test_downsampling_equals_torch(name):
    method, factor = name.split("_")
    result = apply(Downsample(int(factor), method), TORCH["image"])
    np.testing.assert_allclose(result, TORCH[name], atol=1e-6)


def test_area_is_the_mean_of_blocks():
    (image,) = images(shape=(6, 9, 2))
    result = Downsample(3)(jnp.asarray(image))
    np.testing.assert_allclose(result[1, 2], image[3:6, 6:9].mean((0, 1)), atol=1e-6)
