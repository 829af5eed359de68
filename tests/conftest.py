"""What several tests share."""

import os
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest
from networks import untrained
from quick_compiler import compile_quickly

from mgp_jax.generators import DCGANConfig, Generator
from mgp_jax.generators.weights import Weights
from mgp_jax.perception import FeatureExtractor, make_extractor


def pytest_configure(config: pytest.Config) -> None:
    """Compiles quickly; workers, commands that tests start, and the next run share programs.

    Products are exact, whatever the processor does by itself.
    """
    compile_quickly()
    precision = os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")
    jax.config.update("jax_default_matmul_precision", precision)
    if getattr(config.option, "dist", None) == "load":
        # What a file's tests share is computed by one worker.
        config.option.dist = "loadfile"
    # Without pytest's cache, which can be turned off, every process compiles for itself.
    if getattr(config, "cache", None) is None:
        return
    programs = os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(config.cache.mkdir("jax")))
    least = os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    # The variables are for the commands: JAX has read its own already.
    jax.config.update("jax_compilation_cache_dir", programs)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", float(least))


@pytest.fixture(scope="module", autouse=True)
def few_programs() -> Iterator[None]:
    """Lets go of the programs of a module: thousands would use up memory and its mappings."""
    yield
    jax.clear_caches()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, see `chromium.py`; who asks for it has imported that, or is skipped."""
    from chromium import launched

    with launched() as browser:
        yield browser


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps what the command line caches out of the user's home."""
    before = jax.config.values["jax_compilation_cache_dir"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
    jax.config.update("jax_compilation_cache_dir", before)


@pytest.fixture(scope="session")
def tiny() -> Generator:
    """An untrained DCGAN of 32 pixels: the smallest for which every metric is defined."""
    return untrained(DCGANConfig(8, (8, 8, 4)), seed=1, name="tiny")


@pytest.fixture(scope="session")
def photographs() -> np.ndarray:
    """Three smooth colour images float32[3, 32, 32, 3] in [-1, 1]."""
    y, x = np.mgrid[:32, :32] / 32
    planes = [np.sin(2 * k + (3 + k % 3) * x) * np.cos(k - (2 + k % 4) * y) for k in range(9)]
    return np.stack(planes).reshape(3, 3, 32, 32).transpose(0, 2, 3, 1).astype(np.float32)


@pytest.fixture(scope="session")
def extractor() -> FeatureExtractor:
    """A VGG of two small blocks, each of one convolution."""
    params = {}
    for k, (name, sizes) in enumerate({"conv1_1": (3, 4), "conv2_1": (4, 6)}.items(), 1):
        random = np.random.default_rng(k)
        kernel, bias = random.normal(size=(3, 3, *sizes)) / 3, random.normal(size=sizes[1])
        params[name] = {"kernel": kernel.astype(np.float32), "bias": bias.astype(np.float32)}
    return make_extractor(Weights("vgg16", {"layers": [[4], [6]]}, params, {}, ""))
