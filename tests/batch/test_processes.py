"""The same inputs on several devices and in several processes."""

import io
import json
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from separate import contents, finish, make_inputs, start

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    make_inputs(folder / "inputs", 20)
    return folder


def begin(place: Path, out: str, log: str = "log", **environment: Any) -> Any:
    return start(
        "small", place / "inputs", place / out, place / log, place / "cache", **environment
    )


@pytest.fixture(scope="module")
def alone(place: Path) -> dict[str, Any]:
    """What one process leaves."""
    finish(begin(place, "alone"))
    return contents(place / "alone")


def begin_two(place: Path, out: str) -> list[Any]:
    """Starts two processes that know of each other."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    common = {"JAX_COORDINATOR_ADDRESS": address, "JAX_NUM_PROCESSES": 2}
    return [
        begin(place, out, f"log{number} of {out}", JAX_PROCESS_ID=number, **common)
        for number in range(2)
    ]


def test_two_processes_leave_the_same_folder(place: Path, alone: dict[str, Any]):
    for process in begin_two(place, "shared"):
        finish(process)
    assert contents(place / "shared") == alone
    # Of three batches the first process had two.
    logs = [place / f"log{number} of shared" for number in range(2)]
    assert [len(log.read_text().splitlines()) for log in logs] == [18, 9]


@pytest.mark.parametrize("number", [0, 1])
def test_a_host_is_killed(tmp_path: Path, number: int):
    """Both begin again, as a scheduler would have them, and go on as one would have."""
    make_inputs(tmp_path / "inputs", 60)
    finish(begin(tmp_path, "alone"))
    log, both = tmp_path / f"log{number} of shared", begin_two(tmp_path, "shared")
    killed, other = both[number], both[1 - number]
    while not (log.exists() and log.read_text()):
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.02)
    killed.kill()
    killed.communicate()
    if number == 0:
        # The others end with the first one, and would with any other, but only after 100 s.
        other.communicate(timeout=60)
    other.kill()
    other.communicate()
    written = [file.read_text().splitlines() for file in (tmp_path / "shared").glob("*.jsonl")]
    assert sum(map(len, written)) < 60
    for process in begin_two(tmp_path, "shared"):
        finish(process)
    assert contents(tmp_path / "shared") == contents(tmp_path / "alone")


def test_eight_devices_give_the_same_results(place: Path, alone: dict[str, Any]):
    """One batch of 24 then, three images for each device."""
    finish(begin(place, "eight", "log8", JAX_NUM_CPU_DEVICES=8))
    assert len((place / "log8").read_text().splitlines()) == 9
    together = contents(place / "eight")
    assert together.keys() == alone.keys()
    codes = [name for name in alone if name.startswith("codes/")]
    assert len(codes) == 18
    for name in codes:
        mine, other = (np.load(io.BytesIO(found[name])) for found in (together, alone))
        for key in other:
            if other[key].dtype.kind == "U":
                np.testing.assert_array_equal(mine[key], other[key])
            else:
                np.testing.assert_allclose(mine[key], other[key], atol=1e-4)
    for mine, other in zip(together["records"], alone["records"], strict=True):
        assert mine | {"psnr": None, "ssim": None} == other | {"psnr": None, "ssim": None}
        if other["psnr"] is not None:
            np.testing.assert_allclose(mine["psnr"], other["psnr"], atol=1e-3)
    assert json.loads(together["settings.json"])["batch_size"] == 3
