"""An inversion is the same whatever environment variables tell JAX, in threads and processes."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from odd_process import restored

SCRIPT = Path(__file__).with_name("odd_process.py")
TESTS = SCRIPT.parents[1]


@pytest.fixture(scope="module")
def usual() -> np.ndarray:
    return np.concatenate([restored(3), restored(2**40)])


# All at once: none hides what another finds, and a process costs many seconds.
VARIABLES = {
    "JAX_ENABLE_X64": "1",
    "JAX_DEBUG_NANS": "1",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_TRACEBACK_FILTERING": "off",
}


def test_environment(usual: np.ndarray, tmp_path: Path):
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "images.npy"],
        env=os.environ | VARIABLES | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "images.npy")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, usual, atol=1e-4)
    assert np.abs(found[0] - found[1]).max() > 0.01


@pytest.mark.slow
def test_a_spawned_process_restores_the_same(usual: np.ndarray):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        np.testing.assert_allclose(pool.apply(restored, (3,)), usual[:1], atol=1e-4)
