"""Array files in threads; what odd ones come to is tested in `test_code_files` and `cli`."""

import gc
import io
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mgp_jax.arrays import read_archive, read_members


@pytest.fixture
def often_interrupted() -> Iterator[None]:
    """Threads change within everything that makes objects, as where JAX looks on at collections."""
    before, usual = gc.get_threshold(), sys.getswitchinterval()

    def look_on(*_: object) -> None:
        for _number in range(50):
            pass

    gc.callbacks.append(look_on)
    gc.set_threshold(20)
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)
    gc.set_threshold(*before)
    gc.callbacks.remove(look_on)


@pytest.mark.usefixtures("often_interrupted")
def test_threads_read_headers_together(tmp_path: Path):
    np.savez(tmp_path / "x.npz", loss=np.arange(3), error=np.ones(2))
    content = (tmp_path / "x.npz").read_bytes()

    def read(number: int) -> int:
        if number % 2:
            return len(read_archive(tmp_path / "x.npz"))
        return len(read_members(io.BytesIO(content), ("loss", "error")))

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(read, range(2000))) == {2}


def test_members_are_those_that_were_named(tmp_path: Path):
    np.savez(tmp_path / "x.npz", loss=np.arange(3), error=np.ones(2), more=np.zeros(1))
    with (tmp_path / "x.npz").open("rb") as stream:
        error, loss = read_members(stream, ("error", "loss"))
        assert loss.tolist() == [0, 1, 2] and error.tolist() == [1, 1]
        with pytest.raises(KeyError):
            read_members(stream, ("loss", "nothing"))
