"""JPEG beside a real codec, and the gradient through it."""

import io
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from operators import SHAPE, apply, images, smooth_image
from PIL import Image

from mgp_jax.degradations import Jpeg


@pytest.mark.parametrize("quality", [10, 75])
@pytest.mark.parametrize("mode", ["gray", "444", "420"])
def test_jpeg_equals_a_real_codec(mode, quality):
    picture = smooth_image()[..., 0] if mode == "gray" else smooth_image()
    file = io.BytesIO()
    options = {} if mode == "gray" else {"subsampling": 2 if mode == "420" else 0}
    Image.fromarray(picture).save(file, "JPEG", quality=quality, **options)
    expected = np.asarray(Image.open(file)).astype(np.float32)
    image = picture.astype(np.float32).reshape(40, 56, -1) / np.float32(127.5) - 1
    result = np.asarray(apply(Jpeg(quality, subsample=mode == "420"), image))
    error = np.abs((result.reshape(expected.shape) + 1) * 127.5 - expected)
    loss = np.abs(picture - expected)
    # The mean holds a few blocks where a coefficient fell to the other side of a tie.
    assert np.median(error) < 0.8
    assert error.mean() < 0.25 * loss.mean()


def test_jpeg_gradient_is_straight_through():
    (image,) = jnp.asarray(images())
    weights = jnp.asarray(images(seed=1)[0])
    for degradation, shape in ((Jpeg(5, subsample=False), SHAPE), (Jpeg(5), (32, 32, 1))):
        x, w = image[..., : shape[2]], weights[..., : shape[2]]
        gradient = jax.jit(jax.grad(lambda v, w, d: jnp.vdot(d(v), w)))(x, w, degradation)
        np.testing.assert_allclose(gradient, w, atol=1e-4)
    # With reduced chroma a gray change still passes whole.
    tangent = jnp.broadcast_to(weights[..., :1], SHAPE)
    _, change = jax.jit(partial(jax.jvp, Jpeg(5)))((image,), (tangent,))
    np.testing.assert_allclose(change, tangent, atol=1e-4)


def test_descent_through_jpeg_finds_a_better_fit():
    truth = jnp.asarray(smooth_image()[:32, :32] / 127.5 - 1, jnp.float32)
    jpeg = Jpeg(20)
    observation = jpeg(truth)
    loss = jax.jit(jax.value_and_grad(lambda x: jnp.mean((jpeg(x) - observation) ** 2)))
    x = jnp.zeros_like(truth)
    first, _ = loss(x)
    for _ in range(30):
        _, gradient = loss(x)
        x = x - 0.25 * x.size * gradient
    assert loss(x)[0] < 0.05 * first
