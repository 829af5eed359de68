"""Reads the folder that a run has written, whatever state it is in.

The reports must also open for runs that were killed, copied in part or edited by hand. So nothing
here raises because of a single record: what cannot be understood becomes a notice that the reports
show. Paths that lead out of the run's folder are not followed.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from mgp_jax.errors import MGPError
from mgp_jax.files import reaching, reason

FILES = {
    "output": "result",
    "observation": "observation",
    "truth": "truth",
    "deviation": "deviation",
    "mask": "mask",
    "found": "found",
    "trajectory": "trajectory",
    "codes": "codes",
}
IMAGES = ("result", "observation", "found", "mask", "truth", "deviation", "trajectory")
TEXTS = ("input", "status", "error", "notes")


@dataclass(frozen=True)
class Record:
    """The record of one input.

    Attributes:
        input: path of the input, as the run was given it.
        status: ok, diverged or failed.
        error: why it is not ok, or None.
        notes: what there is to know about the input.
        numbers: metrics, steps, seconds and whatever else is a finite number, by name.
        calibration: where several answers were compared with the truth, predicted deviation and
            error, see `metrics.calibration_curve`.
        files: paths within the run's folder, by kind: those of `IMAGES`, and codes. They need not
            exist.
    """

    input: str
    status: str
    error: str | None
    notes: Sequence[str]
    numbers: Mapping[str, float]
    files: Mapping[str, PurePosixPath]
    calibration: Sequence[tuple[float, float]] = ()

    @property
    def name(self) -> str:
        """File name of the input."""
        return self.input.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or "unnamed"

    @property
    def reason(self) -> str | None:
        """The error without the input's path in front, for places that name the input anyway."""
        return None if self.error is None else self.error.removeprefix(f"{self.input}: ")


@dataclass(frozen=True)
class Run:
    """The files that a run has written, as far as they can be read.

    Attributes:
        folder: where.
        settings: what was asked for; empty if that was not recorded.
        records: one an input, in input order.
        notices: what could not be read, one sentence each.
    """

    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    records: Sequence[Record] = ()
    notices: Sequence[str] = ()


@reaching
def read_run(folder: Path) -> Run:
    """Reads `settings.json` and `results.jsonl` of a run.

    Args:
        folder: the run's output folder.

    Returns: the run; `notices` tells what could not be read.

    Raises:
        MGPError: the folder holds neither of the two, so that it is not the folder of a run.
    """
    notices: list[str] = []
    settings = _read_text(folder / "settings.json", notices)
    results = _read_text(folder / "results.jsonl", notices)
    if settings is None and results is None and not notices:
        raise MGPError(f"{folder}: holds no results.jsonl, so it is not the folder of a run")
    return Run(folder, _settings(settings, notices), _records(results, notices), notices)


def spread(records: Sequence[Record], most: int) -> list[Record]:
    """Returns all records, or at most `most` of them, evenly spread from the first to the last."""
    if len(records) <= most:
        return list(records)
    places = np.linspace(0, len(records) - 1, most).round().astype(int)
    return [records[place] for place in places]


def finite(value: Any) -> float | None:
    """Returns a number as a float, or None if it is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _read_text(path: Path, notices: list[str]) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        notices.append(f"{path.name} could not be read: {reason(error)}.")
        return None


def _settings(text: str | None, notices: list[str]) -> dict[str, Any]:
    try:
        settings = {} if text is None else json.loads(text)
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        notices.append("settings.json is damaged, so the settings are not shown.")
        return {}
    return settings


def _records(text: str | None, notices: list[str]) -> list[Record]:
    if text is None:
        notices.append("There is no results.jsonl: the run ended before its first result.")
        return []
    records, damaged = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            records.append(_record(value))
        else:
            damaged.append(str(number))
    if damaged:
        places = ", ".join(damaged[:5]) + (", …" if len(damaged) > 5 else "")
        lines = "lines" if len(damaged) > 1 else "line"
        notices.append(f"results.jsonl is damaged in {lines} {places}; the rest is shown.")
    return records


def _record(value: Mapping[str, Any]) -> Record:
    numbers, files = {}, {}
    for name, entry in value.items():
        if name in FILES:
            if (path := _inside(entry)) is not None:
                files[FILES[name]] = path
        elif name not in TEXTS and (number := finite(entry)) is not None:
            numbers[name] = number
    error, notes = value.get("error"), value.get("notes")
    return Record(
        input=str(value.get("input") or ""),
        status=str(value.get("status") or "unknown"),
        error=None if error is None else str(error),
        notes=[str(note) for note in notes] if isinstance(notes, list) else [],
        numbers=numbers,
        files=files,
        calibration=_points(value.get("calibration")),
    )


def _points(value: Any) -> list[tuple[float, float]]:
    """Returns the pairs of numbers in a list, whatever else it holds."""
    points = []
    for entry in value if isinstance(value, list) else ():
        pair = [finite(number) for number in entry] if isinstance(entry, list) else []
        if len(pair) == 2 and None not in pair:
            points.append(tuple(pair))
    return points


def _inside(value: Any) -> PurePosixPath | None:
    """Returns a path within the run's folder, or None for anything else."""
    if not isinstance(value, str) or not value or "\0" in value:
        return None
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return None
    return path
