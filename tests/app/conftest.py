"""The application with a generator that takes no time."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from applications import Application
from networks import untrained, write_generator
from run_folders import make_run

from mgp_jax.app.service import Service
from mgp_jax.generators import DCGANConfig
from mgp_jax.report import write_page


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generators") / "small.safetensors"
    return write_generator(path, untrained(DCGANConfig(8, (8, 4)), seed=1))


@pytest.fixture(scope="module")
def service(weights: Path) -> Iterator[Service]:
    service = Service([str(weights)])
    yield service
    service.close()


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twice as large, so that there is something to see."""
    path = tmp_path_factory.mktemp("generators") / "small.safetensors"
    return write_generator(path, untrained(DCGANConfig(8, (8, 8, 4)), seed=1))


@pytest.fixture(scope="session")
def application(
    small_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    """The application as a program of its own; without Gradio tests that need it are skipped."""
    if find_spec("gradio") is None:
        pytest.skip("the package gradio is not installed")
    folder = tmp_path_factory.mktemp("temporary")
    run = make_run(tmp_path_factory.mktemp("runs") / "old run", 3)
    write_page(run)
    words = [str(run), "--generator", str(small_weights), "--port", "0"]
    log = folder / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "mgp_jax.cli", "app", *words],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "TMPDIR": str(folder)},
        ) as program,
    ):
        assert program.stdout is not None
        address = program.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), log.read_text()
        yield Application(address, folder)
        program.send_signal(signal.SIGINT)
        assert program.wait(120) == 0, log.read_text()
    # Nothing of what visitors have brought stays, and nothing went wrong.
    assert list(folder.glob("mgp-app-*")) == []
    assert log.read_text() == ""
