"""Damaged checkpoints of all kinds end in a conversion or in one clear error."""

import pytest
from checkpoints import GOLDEN
from mutations import convert_mutants
from packages import FOLDER, write_fixture

FILES = sorted([*GOLDEN.glob("*.p*"), *(GOLDEN / "sequential").glob("*.p*")])
CHECKPOINTS = [path for path in FILES if path.suffix in (".pth", ".pkl", ".pt")]


@pytest.mark.slow
# Python's own reader of pickles says so of damaged texts.
@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
def test_damaged_checkpoints_end_in_one_clear_error(tmp_path):
    packages = [write_fixture(path.stem, tmp_path) for path in sorted(FOLDER.glob("*.npz"))]
    outcomes = convert_mutants([*CHECKPOINTS, *packages], 2600)
    assert outcomes["converted"] > 50 and outcomes["refused"] > 1000
