"""Starts runs in processes of their own, and compares what they leave."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SCRIPT = Path(__file__).with_name("separate_run.py")


def start(
    generator: str, inputs: Path, out: Path, log: Path, cache: Path, **environment: Any
) -> subprocess.Popen:
    roots = os.pathsep.join(str(SCRIPT.parents[up]) for up in (1, 2))
    own = {"TEST_CACHE": cache, "PYTHONPATH": roots, **environment}
    return subprocess.Popen(
        [sys.executable, SCRIPT, generator, inputs, out, log],
        env=os.environ | {name: str(value) for name, value in own.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen) -> None:
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()


def contents(folder: Path) -> dict[str, Any]:
    """All that a run has written: bytes of files, records without times."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    found: dict[str, Any] = {str(f.relative_to(folder)): f.read_bytes() for f in files}
    lines = found.pop("results.jsonl").splitlines()
    found["records"] = [json.loads(line) | {"seconds": None} for line in lines]
    return found


def make_inputs(folder: Path, count: int) -> Path:
    """Writes images of 16 pixels; every tenth is none, from the fourth on."""
    folder.mkdir()
    y, x = np.mgrid[:16, :16]
    for number in range(count):
        if number % 10 == 3:
            (folder / f"{number:03}.png").write_text("This is a letter, not a photograph.")
            continue
        planes = [4 * number + 5 * x, 200 - 6 * y, 90 + 3 * x + 2 * y]
        image = np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)
        Image.fromarray(image).save(folder / f"{number:03}.png")
    return folder
