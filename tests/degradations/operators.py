"""Every degradation with what must hold for it, and images to apply them to."""

from typing import NamedTuple

import jax
import numpy as np
import pytest
import scipy.ndimage

from mgp_jax.degradations import adjoint, back_project

SIZE = 32
SHAPE = (SIZE, SIZE, 3)


class Case(NamedTuple):
    spec: str
    shape: tuple[int, ...]
    bound: float = 1.0  # Largest magnitude of an observation of an image in [-1, 1].
    sigma: float = 0.0
    exact: bool = True  # Whether back-projection reaches the observation itself.


CASES = [
    Case("identity", SHAPE),
    Case("gray", (32, 32, 1)),
    Case("down:4", (8, 8, 3)),
    Case("down:2:bilinear", (16, 16, 3)),
    Case("down:2:bicubic", (16, 16, 3), bound=1.9),
    Case("down:4:bilinear-antialias", (8, 8, 3)),
    Case("down:4:bicubic-antialias", (8, 8, 3), bound=1.6),
    Case("resize:13", (13, 13, 3)),
    Case("resize:24:bicubic-antialias", (24, 24, 3), bound=1.6),
    Case("noise:0.05", SHAPE, sigma=0.05),
    Case("poisson:24", SHAPE, sigma=(0.5 / 24) ** 0.5),
    Case("drop:0.16", SHAPE),
    Case("poisson:48|drop:0.3|noise:0.05", SHAPE, sigma=(0.5 / 48 + 0.05**2) ** 0.5),
    Case("down:4:pillow", (8, 8, 3)),
    Case("mask:strokes:3", SHAPE),
    Case("mask:strokes:2:seed=3", SHAPE),
    Case("mask:center:8", SHAPE),
    Case("mask:random:0.8", SHAPE),
    Case("mask:random:0.25:seed=3", SHAPE),
    Case("impulse:0.2", SHAPE),
    Case("quantise:8", SHAPE, sigma=1 / 255 / 12**0.5),
    Case("noise:0.05|quantise:3", SHAPE, sigma=(0.05**2 + 1 / 49 / 12) ** 0.5),
    Case("noise:auto", SHAPE),
    Case("down:2|noise:auto|quantise:8", (16, 16, 3), sigma=1 / 255 / 12**0.5),
    Case("blur:gaussian:1.5", SHAPE, exact=False),
    Case("blur:motion:9:45", SHAPE, exact=False),
    Case("jpeg:30", SHAPE),
    Case("jpeg:75:444", SHAPE),
    Case("cs:0.1", (307,), bound=55.5),
    Case("cs:0.25:seed=2", (768,), bound=55.5),
    Case("gray|down:4|noise:0.05", (8, 8, 1), sigma=0.05),
    Case("gray|jpeg:50", (32, 32, 1)),
    Case("noise:0.01|jpeg:90:444", SHAPE, sigma=0.01),
    Case("mask:center:8|gray", (32, 32, 1)),
    Case("mask:center:8|down:4", (8, 8, 3)),
    Case("down:4|cs:0.5|noise:0.1", (96,), bound=14, sigma=0.1),
    Case(
        "blur:gaussian:1|down:2|mask:random:0.5|impulse:0.1|noise:0.03|noise:0.04",
        (16, 16, 3),
        sigma=0.05,
        exact=False,
    ),
]
each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.spec)
each_linear = pytest.mark.parametrize(
    "case", [case for case in CASES if "jpeg" not in case.spec], ids=lambda case: case.spec
)

# Jitted once for all tests: op by op, JAX would compile every step of every degradation alone.
apply = jax.jit(lambda degradation, image: degradation(image))
apply_all = jax.jit(jax.vmap(lambda degradation, image: degradation(image), (None, 0)))
simulate = jax.jit(lambda degradation, image, key: degradation.simulate(image, key))
prepare = jax.jit(lambda degradation, observation: degradation.prepare(observation))
transpose = jax.jit(adjoint, static_argnums=2)
project = jax.jit(back_project, static_argnames="iterations")


def norm(x):
    return np.linalg.norm(np.ravel(x))


def images(count=1, shape=SHAPE, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype(np.float32)


def batch():
    """Four images, of which two are at the ends of the range."""
    ends = [np.sign(images(1)), -np.ones((1, *SHAPE), np.float32)]
    return np.concatenate([images(2), *ends])


def smooth_image(seed=0):
    """Something like a photograph: low frequencies and little noise, whole 8-bit levels."""
    noise = np.random.default_rng(seed).normal(size=(40, 56, 3))
    x = scipy.ndimage.gaussian_filter(noise, (3, 3, 0)) * 6 + 0.1 * noise
    return np.round(np.clip(127.5 + 60 * x, 0, 255)).astype(np.uint8)
