"""Folders in object stores, and what a run leaves there."""

import json
from pathlib import Path
from typing import Any

from mgp_jax.files import path_of


def copied(folder: Path, address: str) -> str:
    """Copies the files of a folder of the disk to an address."""
    for file in folder.iterdir():
        (path_of(address) / file.name).write_bytes(file.read_bytes())
    return address


def files_at(address: str) -> dict[str, bytes]:
    """All files at an address, by their path within it."""
    place: Any = path_of(address)
    place.fs.invalidate_cache()
    found = place.fs.find(place.path)
    start = len(place.path.strip("/")) + 1
    return {name.strip("/")[start:]: place.fs.cat_file(name) for name in found}


def contents_at(address: str) -> dict[str, Any]:
    """All that a run has written, as `separate.contents` has it; inputs by their name."""
    found: dict[str, Any] = files_at(address)
    return found | {"records": with_names(found.pop("results.jsonl"))}


def with_names(lines: bytes) -> list[dict[str, Any]]:
    """Records without times and without the folder of the inputs."""
    records = [json.loads(line) | {"seconds": None} for line in lines.splitlines()]
    for record in records:
        folder = record["input"].removesuffix(Path(record["input"]).name)
        record["input"] = record["input"].removeprefix(folder)
        if record["error"]:
            record["error"] = record["error"].removeprefix(folder)
    return records
