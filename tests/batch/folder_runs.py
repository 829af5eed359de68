"""What the tests of runs over folders make, and what they look at."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mgp_jax.recipes import Phase, Recipe

RECIPE = Recipe("test", (Phase(6),), codes=2)

Folder = dict[str, bytes]


def picture(size: int, shade: int) -> Image.Image:
    y, x = np.mgrid[:size, :size]
    planes = [40 * shade + 5 * x, 200 - 6 * y - 20 * shade, 90 + 3 * x + 2 * y]
    return Image.fromarray(np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8))


def records_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def timeless(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records]


def good(folder: Path) -> list[dict[str, Any]]:
    return [record for record in records_of(folder) if record["status"] == "ok"]


def files_of(folder: Path) -> Folder:
    """All results but the records, byte by byte."""
    names = ("settings.json", "results.jsonl")
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in names]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def cut(folder: Path, lines: int, beyond: int = 0) -> None:
    """Keeps some lines of the records, and so many bytes of the next."""
    file = folder / "results.jsonl"
    whole = file.read_bytes()
    kept = b"".join(whole.splitlines(keepends=True)[:lines])
    file.write_bytes(whole[: len(kept) + beyond])
