"""Files of results: arrays and tables."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mgp_jax.errors import MGPError


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes named arrays."""
    import numpy as np

    with open(path, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows as comma-separated values with a heading.

    Raises:
        MGPError: there are none.
    """
    if not rows:
        raise MGPError(f"{path}: there is nothing to write")
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
