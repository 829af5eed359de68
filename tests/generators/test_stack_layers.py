"""The layers of sequential generators against definitions written out in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import untrained

from mgp_jax.errors import SettingError
from mgp_jax.generators import SequentialConfig
from mgp_jax.generators.stack_base import Layer
from mgp_jax.generators.stack_layers import (
    Convolution,
    Dense,
    Pad,
    PixelShuffle,
    Transposed,
    Upsample,
)
from mgp_jax.generators.stack_pointwise import Activation, Affine, GroupNorm, PReLU

SOURCE = np.random.default_rng(0)
X = SOURCE.normal(size=(2, 4, 5, 6)).astype(np.float32)


def run(layer: Layer, x: np.ndarray = X, **params: np.ndarray) -> np.ndarray:
    made = np.asarray(layer(jnp.asarray(x), {k: jnp.asarray(v) for k, v in params.items()}))
    assert made.shape[1:] == layer.size(x.shape[1:])
    return made


def correlate(x: np.ndarray, kernel: np.ndarray, stride=(1, 1)) -> np.ndarray:
    """Correlation without padding, tap by tap."""
    h, w = kernel.shape[:2]
    rows, columns = (x.shape[1] - h) // stride[0] + 1, (x.shape[2] - w) // stride[1] + 1
    made = np.zeros((len(x), rows, columns, kernel.shape[3]))
    for r in range(h):
        for c in range(w):
            seen = x[
                :, r : r + rows * stride[0] : stride[0], c : c + columns * stride[1] : stride[1]
            ]
            made += seen[:, :rows, :columns] @ kernel[r, c]
    return made


def crop(x: np.ndarray, padding) -> np.ndarray:
    """Cuts off; a negative number adds zeros."""
    x = np.pad(x, ((0, 0), *(tuple(max(-n, 0) for n in pair) for pair in padding), (0, 0)))
    (top, bottom), (left, right) = (tuple(max(n, 0) for n in pair) for pair in padding)
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


@pytest.mark.parametrize(
    "kernel, stride, padding",
    [
        ((4, 4), (2, 2), ((1, 1), (1, 1))),
        ((4, 4), (2, 2), ((3, 3), (1, 2))),
        ((4, 4), (2, 2), ((0, 0), (0, 0))),
        ((4, 4), (2, 2), ((1, 0), (1, 0))),
        ((4, 4), (1, 1), ((0, 0), (1, 1))),
        ((3, 3), (2, 2), ((1, 0), (1, 0))),
        ((3, 3), (2, 2), ((0, -1), (0, 0))),
        ((3, 3), (1, 1), ((1, 1), (1, 1))),
        ((2, 2), (2, 2), ((0, 0), (0, 0))),
        ((2, 2), (2, 2), ((1, 0), (0, 1))),
        ((5, 5), (2, 2), ((2, 1), (2, 1))),
        ((5, 5), (1, 1), ((0, 1), (0, 1))),
        ((6, 6), (3, 3), ((2, 1), (1, 2))),
        ((2, 2), (3, 3), ((0, 0), (0, 0))),
        ((3, 5), (1, 2), ((1, 1), (2, 1))),
        ((8, 8), (2, 2), ((0, 0), (0, 0))),
        ((1, 1), (1, 1), ((1, 1), (2, 2))),
    ],
)
def test_transposed_convolutions(kernel, stride, padding):
    weight = SOURCE.normal(size=(*kernel, 6, 3)).astype(np.float32)
    bias = np.arange(3, dtype=np.float32)
    stuffed = np.zeros((2, 3 * stride[0] + 1, 4 * stride[1] + 1, 6))
    stuffed[:, :: stride[0], :: stride[1]] = X
    margins = [(k - 1, k - 1) for k in kernel]
    expected = crop(correlate(np.pad(stuffed, ((0, 0), *margins, (0, 0))), weight), padding) + bias
    made = run(Transposed(3, kernel, stride, padding), kernel=weight, bias=bias)
    np.testing.assert_allclose(made, expected, atol=2e-5)


@pytest.mark.parametrize(
    "kernel, stride, padding",
    [
        ((3, 3), (1, 1), ((1, 1), (1, 1))),
        ((4, 4), (1, 1), ((1, 2), (1, 2))),
        ((1, 1), (1, 1), ((0, 0), (0, 0))),
        ((3, 2), (1, 1), ((2, 2), (0, 0))),
        ((3, 3), (2, 1), ((1, 0), (1, 1))),
    ],
)
def test_convolutions(kernel, stride, padding):
    weight = SOURCE.normal(size=(*kernel, 6, 3)).astype(np.float32)
    bias = np.arange(3, dtype=np.float32)
    expected = correlate(np.pad(X, ((0, 0), *padding, (0, 0))), weight, stride) + bias
    made = run(Convolution(3, kernel, stride, padding), kernel=weight, bias=bias)
    np.testing.assert_allclose(made, expected, atol=2e-5)


@pytest.mark.parametrize("per_pixel", [False, True])
def test_dense_layers(per_pixel):
    z = SOURCE.normal(size=(2, 1, 1, 5))
    kernel = SOURCE.normal(size=(2, 3, 5, 4))
    bias = SOURCE.normal(size=(2, 3, 4) if per_pixel else 4)
    made = run(Dense(2, 3, 4, per_pixel), z, kernel=kernel, bias=bias)
    for y in range(2):
        for x in range(3):
            expected = z[:, 0, 0] @ kernel[y, x] + (bias[y, x] if per_pixel else bias)
            np.testing.assert_allclose(made[:, y, x], expected, rtol=1e-4, atol=1e-5)


def test_bilinear_enlargement_of_a_ramp():
    ramp = np.arange(3.0)[None, :, None, None] * np.ones((1, 3, 2, 1))
    made = run(Upsample(2, "bilinear"), ramp)[0, :, 0, 0]
    np.testing.assert_allclose(made, [0, 0.25, 0.75, 1.25, 1.75, 2], atol=1e-6)
    made = run(Upsample(2, "bilinear_aligned"), ramp)[0, :, 0, 0]
    np.testing.assert_allclose(made, [0, 0.4, 0.8, 1.2, 1.6, 2], atol=1e-6)
    across = run(Upsample(2, "bilinear"), ramp.transpose(0, 2, 1, 3))[0, 0, :, 0]
    np.testing.assert_allclose(across, [0, 0.25, 0.75, 1.25, 1.75, 2], atol=1e-6)


def test_nearest_enlargement():
    made = run(Upsample(3))
    np.testing.assert_array_equal(made, X.repeat(3, 1).repeat(3, 2))


def test_pixel_shuffle():
    x = np.arange(8.0).reshape(1, 1, 1, 8)
    made = run(PixelShuffle(2), x)
    np.testing.assert_array_equal(made[0, :, :, 0], [[0, 1], [2, 3]])
    np.testing.assert_array_equal(made[0, :, :, 1], [[4, 5], [6, 7]])


def test_padding():
    made = run(Pad(((1, 0), (0, 2)), "reflect"))
    np.testing.assert_array_equal(made, np.pad(X, ((0, 0), (1, 0), (0, 2), (0, 0)), "reflect"))
    made = run(Pad(((1, 0), (0, 2)), "edge"))
    np.testing.assert_array_equal(made, np.pad(X, ((0, 0), (1, 0), (0, 2), (0, 0)), "edge"))


@pytest.mark.parametrize("groups", [0, 1, 2, 3])
def test_norms_over_space(groups):
    scale, shift = SOURCE.normal(size=(2, 6))
    made = run(GroupNorm(groups=groups, epsilon=0.3), scale=scale, shift=shift)
    size = 6 // (groups or 6)
    for k in range(0, 6, size):
        part = X[..., k : k + size]
        mean = part.mean((1, 2, 3), keepdims=True)
        variance = part.var((1, 2, 3), keepdims=True)
        expected = (part - mean) / np.sqrt(variance + 0.3)
        expected = expected * scale[k : k + size] + shift[k : k + size]
        np.testing.assert_allclose(made[..., k : k + size], expected, atol=1e-5)


def test_affine_and_slopes():
    scale, shift = SOURCE.normal(size=(2, 4, 5, 6))
    made = run(Affine(per_pixel=True), scale=scale, shift=shift)
    np.testing.assert_allclose(made, X * scale + shift, rtol=1e-4, atol=1e-5)
    slope = SOURCE.normal(size=6)
    made = run(PReLU(), slope=slope)
    np.testing.assert_allclose(made, np.where(X >= 0, X, slope * X), rtol=1e-5)


ERF = np.vectorize(__import__("math").erf)


@pytest.mark.parametrize(
    "activation, expected",
    [
        (Activation("relu"), np.maximum(X, 0)),
        (Activation("leaky_relu", 0.3), np.where(X > 0, X, 0.3 * X)),
        (Activation("elu", 0.7), np.where(X > 0, X, 0.7 * np.expm1(X))),
        (
            Activation("selu"),
            1.0507009873554805 * np.where(X > 0, X, 1.6732632423543772 * np.expm1(X)),
        ),
        (Activation("gelu"), X * (1 + ERF(X / 2**0.5)) / 2),
        (Activation("silu"), X / (1 + np.exp(-X))),
        (Activation("tanh"), np.tanh(X)),
        (Activation("sigmoid"), 1 / (1 + np.exp(-X))),
        (Activation("softplus"), np.log1p(np.exp(X))),
        (
            Activation("gelu_tanh"),
            X / 2 * (1 + np.tanh((2 / np.pi) ** 0.5 * (X + 0.044715 * X**3))),
        ),
    ],
)
def test_activations(activation, expected):
    np.testing.assert_allclose(run(activation), expected, rtol=1e-4, atol=1e-6)


STACK = (
    Dense(4, 4, 6),
    Activation("relu"),
    Upsample(2),
    Convolution(3, (3, 3), (1, 1), ((1, 1),) * 2),
)


def test_what_a_stack_ends_in():
    images = {}
    for output in ("none", "tanh", "sigmoid"):
        generator = untrained(SequentialConfig(5, STACK, output), seed=3)
        z = jax.random.normal(jax.random.key(0), (2, 5))
        images[output] = np.asarray(generator.apply(generator.params, z))
    np.testing.assert_allclose(images["tanh"], np.tanh(images["none"]), atol=1e-6)
    sigmoid = 1 / (1 + np.exp(-images["none"]))
    np.testing.assert_allclose(images["sigmoid"], 2 * sigmoid - 1, atol=1e-6)


def test_stages_begin_with_what_prepares_their_layer():
    config = SequentialConfig(
        5,
        (Dense(4, 4, 6), Affine(), Upsample(2), Pad(((1, 1), (1, 1)), "edge"), *STACK[3:],
         PixelShuffle(1), Activation("relu"), Transposed(1, (4, 4), (2, 2), ((1, 1), (1, 1)))),
    )  # fmt: skip
    generator = untrained(config)
    assert [shape.shape[1:] for shape in generator.shapes] == [
        (5,),
        (4, 4, 6),
        (10, 10, 3),
        (20, 20, 1),
    ]
    assert set(generator.params["layer0"]) == {"kernel", "bias", "scale1", "shift1"}
    assert config.image_channels == 1 and config.resolution == 20


def test_latent_codes_come_from_the_distribution_of_the_generator():
    key = jax.random.key(1)
    uniform = untrained(SequentialConfig(50, STACK, latent="uniform"))
    drawn = np.asarray(uniform.draw_latents(key, (40,)))
    assert drawn.shape == (40, 50) and -1 <= drawn.min() < -0.95 and 0.95 < drawn.max() <= 1
    normal = untrained(SequentialConfig(50, STACK))
    drawn = np.asarray(normal.draw_latents(key, (40,)))
    np.testing.assert_array_equal(drawn, jax.random.normal(key, (40, 50)))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: SequentialConfig(5, ()), "none of them has weights"),
        (lambda: SequentialConfig(5, STACK, "softmax"), "output: softmax"),
        (lambda: SequentialConfig(5, STACK, latent="beta"), "latent: beta"),
        (lambda: SequentialConfig(5, (Dense(4, 3, 1),)), "4 x 3, not square"),
        (lambda: SequentialConfig(5, (*STACK, Dense(1, 1, 3))), "a vector is needed"),
        (lambda: SequentialConfig(5, (*STACK[:1], Convolution(3, (9, 9)))), r"a map of \(-4"),
        (lambda: SequentialConfig(5, (*STACK, PixelShuffle(2))), "3 channels shuffled by 2"),
        (lambda: SequentialConfig(5, (*STACK, GroupNorm(groups=2))), "3 channels in 2 groups"),
        (lambda: SequentialConfig(5, (*STACK, Upsample(9999))), r"makes a map of \(79992"),
        (lambda: Upsample(2, "bicubic"), "upsampling by bicubic"),
        (lambda: Pad(((1, 1), (1, 1)), "wrap"), "padding by wrap"),
        (lambda: Activation("swish"), "activation swish"),
        (lambda: Activation("relu", 0.1), "relu of 0.1"),
        (lambda: SequentialConfig(5, ({"kind": "dance"},)), "choose the kind"),  # type: ignore[arg-type]
        (lambda: SequentialConfig(5, ({"kind": "dense"},)), "a dense with unknown"),  # type: ignore[arg-type]
    ],
)
def test_impossible_stacks_are_refused(make, message):
    with pytest.raises(SettingError, match=message):
        make()
