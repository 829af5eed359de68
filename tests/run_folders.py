"""Run folders made up for the tests, as a command would have written them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mgp_jax.images import write_image

Record = dict[str, Any]
STEPS = 200


def image(index: int, side: int = 64) -> np.ndarray:
    """A smooth picture that differs with the index; float[side, side, 3] in [-1, 1]."""
    y, x = np.mgrid[0:side, 0:side] / side
    waves = [np.sin(3 * x + index), np.cos(4 * y - index / 2), np.sin(5 * (x + y) + 2 * index)]
    return np.stack(waves, -1)


def save(folder: Path, kind: str, stem: str, picture: np.ndarray) -> str:
    (folder / kind).mkdir(exist_ok=True)
    write_image(folder / kind / f"{stem}.png", picture)
    return f"{kind}/{stem}.png"


def save_codes(folder: Path, stem: str, loss: np.ndarray, error: np.ndarray) -> str:
    (folder / "codes").mkdir(exist_ok=True)
    path = folder / "codes" / f"{stem}.npz"
    z, alpha = np.zeros((2, 4), np.float32), np.ones((2, 8), np.float32)
    np.savez(path, allow_pickle=False, z=z, alpha=alpha, loss=loss, error=error)
    return f"codes/{stem}.npz"


def good_record(folder: Path, index: int, side: int = 64) -> Record:
    """A record that went well, with all its files; the higher the index, the better."""
    stem = f"photo-{index:04d}"
    truth = image(index, side)
    falling = np.exp(-np.arange(STEPS) / 30).astype(np.float32) + 0.01
    return {
        "input": f"/photographs/{stem}.jpg",
        "output": save(folder, "images", stem, truth * 0.9),
        "status": "ok",
        "error": None,
        "psnr": 20 + index / 100,
        "ssim": 0.5 + index / 10_000,
        "lpips": 0.4 - index / 10_000,
        "steps": STEPS,
        "seconds": 1.5,
        "observation": save(folder, "observations", stem, truth[::4, ::4]),
        "truth": save(folder, "truths", stem, truth),
        "deviation": save(folder, "deviations", stem, truth[..., :1]),
        "codes": save_codes(folder, stem, falling, falling / 2),
    }


def failed_record(index: int, reason: str = "is not an image") -> Record:
    path = f"/photographs/photo-{index:04d}.jpg"
    return {
        "input": path,
        "output": None,
        "status": "failed",
        "error": f"{path}: {reason}",
        "psnr": None,
        "ssim": None,
        "lpips": None,
        "steps": 0,
        "seconds": 0.0,
    }


def settings(count: int) -> Record:
    return {
        "task": "super-resolve",
        "generator": "faces64",
        "steps": STEPS,
        "target_psnr": None,
        "simulate": True,
        "inputs": [f"/photographs/photo-{index:04d}.jpg" for index in range(count)],
        "versions": {"mgp_jax": "0.1.0", "jax": "0.10.2"},
        "command": "mgp super-resolve /photographs --out results --factor 4 --simulate",
    }


def write_records(folder: Path, records: list[Record]) -> None:
    text = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "results.jsonl").write_text(text)


def make_run(
    folder: Path, count: int = 6, change: Callable[[list[Record]], None] = lambda records: None
) -> Path:
    """A run of so many images; `change` may alter the records before they are written."""
    folder.mkdir(parents=True, exist_ok=True)
    records = [good_record(folder, index) for index in range(count)]
    change(records)
    write_records(folder, records)
    (folder / "settings.json").write_text(json.dumps(settings(count)))
    return folder


def make_large_run(folder: Path, count: int) -> Path:
    """A run whose records share the files of a few images, which is quick to make."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = [good_record(folder, index) for index in range(4)]
    records = []
    for index in range(count):
        if index % 50 == 13:
            records.append(failed_record(index))
            continue
        changes = {"input": f"/photographs/photo-{index:04d}.jpg", "psnr": 20 + index % 97 / 10}
        records.append(kept[index % 4] | changes)
    write_records(folder, records)
    (folder / "settings.json").write_text(json.dumps(settings(count)))
    return folder
