"""VGG16 features and LPIPS against what the original PyTorch code computed.

The arrays are described in tests/data/golden/README.md, section 9. All comparisons are in float32
at the highest matrix-product precision, within 1e-4 * max(1, max|golden|).
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from objectives import losses_of, target_of

from convert.conversion import Request, convert_file
from mgp_jax.errors import WeightsError
from mgp_jax.generators import Weights, load_weights
from mgp_jax.generators.base import bind
from mgp_jax.perception import (
    LPIPS,
    FeatureExtractor,
    bundled_extractor,
    bundled_lpips,
    make_extractor,
    make_lpips,
)
from mgp_jax.perception.lpips import SCALE, SHIFT
from mgp_jax.perception.vgg import resize_nearest
from mgp_jax.recipes import Phase

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
SIZES = (64, 96, 40, 16)


@pytest.fixture(autouse=True)
def highest_precision():
    with jax.default_matmul_precision("highest"):
        yield


@pytest.fixture(scope="module")
def arrays() -> Mapping[str, np.ndarray]:
    """The golden arrays, images and maps as NHWC."""
    with np.load(GOLDEN / "vgg16_lpips.npz") as stored:
        return {k: np.moveaxis(v, 1, -1) if v.ndim == 4 else v for k, v in stored.items()}


def converted(name: str, folder: Path, **options: str) -> Weights:
    path = folder / f"{name}-{len(options)}.safetensors"
    convert_file(GOLDEN / f"{name}.pth", Request(options=options)).save(path)
    return load_weights(path)


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> FeatureExtractor:
    folder = tmp_path_factory.mktemp("vgg16")
    return make_extractor(converted("vgg16_lpips", folder, until="relu3_3"))


@pytest.fixture(scope="module")
def distance(tmp_path_factory: pytest.TempPathFactory) -> LPIPS:
    """LPIPS with VGG16, whose backbone and linear layers come as two files."""
    folder = tmp_path_factory.mktemp("lpips")
    backbone, linear = (converted(name, folder) for name in ("vgg16_lpips", "vgg16_lpips_lin"))
    params = {**backbone.params, **linear.params}
    return make_lpips(dataclasses.replace(linear, params=params))


def assert_close(mine: Any, expected: np.ndarray, what: str):
    # The file holds large arrays of the first image only.
    mine = np.asarray(mine)[: len(expected)]
    assert mine.shape == expected.shape, what
    error = np.abs(mine - expected).max()
    assert error <= 1e-4 * max(1, np.abs(expected).max()), f"{what}: off by {error}"


@pytest.mark.parametrize("size", SIZES)
def test_features_and_losses(extractor: FeatureExtractor, arrays: Mapping, size: int):
    images = jnp.asarray(arrays["x"]), jnp.asarray(arrays["y"])
    phase = Phase(1, pixel=1.0, perceptual=0.001, perceptual_size=size)

    @jax.jit
    @jax.vmap
    def compared(x: jax.Array, y: jax.Array) -> tuple:
        networks = {"vgg": extractor}
        target = target_of(y, networks, size)
        return extractor(x, size), losses_of(x, target, phase, networks=networks)

    features, losses = compared(*images)
    # Every third place of the largest maps is kept, to be light.
    features = features[:, 1::3, ::3] if size == 96 else features
    assert_close(features, arrays[f"vgg_feat_{size}"], "features")
    # These are small numbers, so the tolerance is relative.
    expected = arrays[f"combination_loss_{size}"]
    np.testing.assert_allclose(losses.total.mean(), expected, rtol=1e-5)
    loss = np.mean(losses.total - losses.error)
    np.testing.assert_allclose(loss, arrays[f"vgg_loss_{size}"], rtol=1e-3)


def test_taps(distance: LPIPS, arrays: Mapping):
    scaled = (jnp.asarray(arrays["x"]) - jnp.asarray(SHIFT)) / jnp.asarray(SCALE)
    taps = jax.jit(lambda d, x: bind(d.graph, d.params)(x))(distance, scaled)
    assert len(taps) == 5
    for k, tap in enumerate(taps):
        tap = tap[:, 1::3, ::3] if k < 2 else tap
        assert_close(tap, arrays[f"tap_{k}"], f"tap {k}")


def test_lpips(distance: LPIPS, arrays: Mapping):
    x, y = (jnp.asarray(arrays[name]) * 0.5 + 0.5 for name in "xy")
    layers = jax.jit(LPIPS.layers)(distance, x, y)
    for k, layer in enumerate(layers):
        expected = arrays[f"lpips_layer_{k}"].ravel()
        np.testing.assert_allclose(layer, expected, rtol=1e-3)
        assert_close(layer, expected, f"layer {k}")
    total = jax.jit(lambda d, x, y: d(x, y))(distance, x, y)
    assert_close(total, arrays["lpips_total"].ravel(), "total")


def test_lpips_has_a_gradient_everywhere(distance: LPIPS, arrays: Mapping):
    """Where all channels of a map are zero the length of the vector has none of its own."""
    x = jnp.asarray(arrays["x"][0]) * 0.5 + 0.5
    dead = jax.tree.map(jnp.zeros_like, distance.params)
    differentiated = jax.jit(jax.grad(lambda d, x, y: d(x, y), argnums=1))
    for params in (distance.params, dead):
        gradient = differentiated(dataclasses.replace(distance, params=params), x, x[::-1])
        assert np.isfinite(gradient).all()


def test_bundled_weights():
    """Widths of the real networks; the numbers of LPIPS are compared in test_metrics.py."""
    image = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (16, 16, 3)), jnp.float32)
    extractor = bundled_extractor()
    features = extractor(image)
    assert features.shape == (4, 4, 256)
    assert 0.2 < np.mean(np.asarray(features) > 0) < 0.8
    assert bundled_extractor() is extractor
    widths = [weight.shape for weight in bundled_lpips().linear]
    assert widths == [(64,), (192,), (384,), (256,), (256,)]
    assert all(weight.min() >= 0 for weight in bundled_lpips().linear)


@pytest.mark.parametrize("sizes", [(64, 96), (64, 40), (64, 16), (10, 3), (3, 10), (5, 5)])
def test_nearest_resizing_takes_the_lower_pixel(sizes: tuple[int, int]):
    before, after = sizes
    image = np.arange(before * before, dtype=np.float32).reshape(before, before, 1)
    rows = [index * before // after for index in range(after)]
    np.testing.assert_array_equal(resize_nearest(jnp.asarray(image), after), image[rows][:, rows])


def test_other_weights_are_refused(tmp_path: Path):
    backbone, linear = (converted(name, tmp_path) for name in ("vgg16_lpips", "vgg16_lpips_lin"))
    with pytest.raises(WeightsError, match="holds lpips weights, not VGG16"):
        make_extractor(linear)
    with pytest.raises(WeightsError, match="holds vgg16 weights, not LPIPS"):
        make_lpips(backbone)
    with pytest.raises(WeightsError, match="linear layers alone"):
        make_lpips(linear)
    params = {**backbone.params, **linear.params}
    old = dataclasses.replace(linear, config={**linear.config, "version": "0.0"}, params=params)
    # That version does not scale its input; taken for 0.1 it would give wrong numbers.
    with pytest.raises(WeightsError, match=r"version 0\.0"):
        make_lpips(old)
