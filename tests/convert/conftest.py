from collections.abc import Iterator

import pytest
from checkpoints import MARKER


@pytest.fixture(autouse=True)
def nothing_was_run() -> Iterator[None]:
    """Fails the test in which a checkpoint ran code."""
    assert not MARKER.exists(), f"left over: {MARKER}"
    yield
    if MARKER.exists():
        MARKER.unlink()
        pytest.fail("a checkpoint ran code")
