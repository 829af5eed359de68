"""Writes the report page of a run: one HTML file that needs no network.

The page is a template with its style, its scripts and the run's data put in. Everything that comes
from a run (file names, messages, settings) travels as JSON in which no character can end a script,
and the scripts put it on the page as text, never as markup. A content security policy with the
hashes of the style and the scripts forbids everything else.
"""

import base64
import hashlib
import html
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from mgp_jax.errors import MGPError
from mgp_jax.files import path_of, reason, replacing
from mgp_jax.metrics import METRICS
from mgp_jax.report.curves import DIGITS, points_for, read_curve
from mgp_jax.report.folder import IMAGES, Record, Run, read_run, spread
from mgp_jax.report.pictures import READERS, Source, describe
from mgp_jax.tasks import OF_COMMAND

SCRIPTS = ("dom.js", "chart.js", "compare.js", "detail.js", "gallery.js", "main.js")
# label, unit, digits behind the point, and which end is the good one
BETTER = {True: "high", False: "low", None: None}
COSTS = {"steps": ("Steps", "", 0, None), "seconds": ("Time", "s", 1, None)}
MOST_RECORDS = 10_000  # A page of more is slow to scroll, and takes 10 kB a record to write.
LONGEST_LIST = 8
LONGEST_VALUE = 2000


def write_page(folder: str | os.PathLike[str], title: str | None = None) -> Path:
    """Writes `index.html`, the report page of a run, into the run's folder.

    Args:
        folder: the run's output folder, with `settings.json` and `results.jsonl`.
        title: heading of the page; by default the task and the generator.

    Returns: the page's path.

    Raises:
        MGPError: it is not the folder of a run, or the page cannot be written.
    """
    folder = path_of(folder)
    run = _read(folder)
    return _write(folder, title or _title(run), [("", run)])


def write_demo_page(
    folder: str | os.PathLike[str],
    runs: Sequence[tuple[str, str | os.PathLike[str]]],
    title: str = "mgp_jax demo",
) -> Path:
    """Writes `index.html`, one page about several runs, each in a section.

    Args:
        folder: where the page goes.
        runs: heading and output folder of each run.
        title: heading of the page.

    Returns: the page's path.

    Raises:
        MGPError: one of them is not the folder of a run, or the page cannot be written.
    """
    sections = [(heading, _read(path_of(path))) for heading, path in runs]
    return _write(path_of(folder), title, sections)


def _read(folder: Path) -> Run:
    """Reads as much of a run as a page shows."""
    run = read_run(folder)
    if len(run.records) <= MOST_RECORDS:
        return run
    notice = (
        f"{MOST_RECORDS} of {len(run.records)} images are shown, evenly spread; results.jsonl "
        "has them all."
    )
    records = spread(run.records, MOST_RECORDS)
    return replace(run, records=records, notices=[*run.notices, notice])


def _write(folder: Path, title: str, sections: Sequence[tuple[str, Run]]) -> Path:
    """Puts the page together and writes it; an older one is replaced at the end, in one go."""
    path = folder / "index.html"
    text = _render(title, _data(folder, title, sections))
    try:
        with replacing(path) as file:
            file.write(text.encode("utf-8", "replace"))
    except OSError as error:
        raise MGPError(f"{path}: cannot be written ({reason(error)})") from None
    return path


def _render(title: str, data: Mapping[str, Any]) -> str:
    """Fills the template."""
    templates = resources.files("mgp_jax.report") / "templates"

    def read(name: str) -> str:
        return (templates / name).read_text(encoding="utf-8")

    style = read("page.css")
    script = '"use strict";\n' + "\n".join(read(name) for name in SCRIPTS)
    return Template(read("page.html")).substitute(
        title=html.escape(title),
        style=style,
        script=script,
        data=_script_json(data),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _hash(text: str) -> str:
    """Returns a hash as content security policies want it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _script_json(value: Any) -> str:
    """Writes JSON that is safe inside a script element: no `<`, `>`, `&` and only ASCII."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _data(folder: Path, title: str, sections: Sequence[tuple[str, Run]]) -> dict[str, Any]:
    """Gathers all that the scripts need."""
    runs = [run for _, run in sections]
    pictures, embedded = describe(folder, (s for run in runs for s in _sources(run)))
    points = points_for(sum(len(run.records) for run in runs))
    return {
        "title": title,
        "embedded": embedded,
        "images": len(pictures),
        "runs": [
            {
                "title": heading,
                "summary": _title(run),
                "notices": list(run.notices),
                "command": _command(run.settings),
                "settings": _pairs(run.settings, skip=("command", "versions", "names")),
                "versions": [
                    (k, _text(v)) for k, v in _mapping(run.settings.get("versions")).items()
                ],
                "metrics": _metrics(run.records),
                "records": _entries(run, pictures, points),
            }
            for heading, run in sections
        ],
    }


def _sources(run: Run) -> list[Source]:
    return [
        Source(run.folder, record.files[kind])
        for record in run.records
        for kind in IMAGES
        if kind in record.files
    ]


def _entries(
    run: Run, pictures: Mapping[Source, dict[str, Any]], points: int
) -> list[dict[str, Any]]:
    """Returns all records as the scripts want them."""
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(lambda record: _entry(run, record, pictures, points), run.records))


def _entry(
    run: Run, record: Record, pictures: Mapping[Source, dict[str, Any]], points: int
) -> dict[str, Any]:
    """Returns one record as the scripts want it; what is unknown is left out."""
    entry: dict[str, Any] = {
        "name": record.name,
        "input": record.input,
        "status": record.status,
        "values": {name: _shown(name, number) for name, number in record.numbers.items()},
        "images": {
            kind: pictures[Source(run.folder, record.files[kind])]
            for kind in IMAGES
            if kind in record.files
        },
    }
    if record.reason is not None:
        entry["error"] = record.reason
    if record.notes:
        entry["notes"] = list(record.notes)
    if record.calibration:
        entry["calibration"] = [[float(f"{v:.{DIGITS}g}") for v in p] for p in record.calibration]
    if codes := record.files.get("codes"):
        curve = read_curve(run.folder / codes, points)
        if curve is not None:
            entry["curve"] = curve
    return entry


def _shown(name: str, number: float) -> float | int:
    """Rounds to what a page can show, so that thousands of records stay small."""
    rounded = float(f"{number * (METRICS[name].factor if name in METRICS else 1):.7g}")
    return int(rounded) if rounded.is_integer() else rounded


def _metrics(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Describes the numbers that occur: the known ones first, others under their own name."""
    present = {name for record in records for name in record.numbers}
    known: dict[str, tuple[str, str, int, str | None]] = {
        metric.name: (metric.title, metric.unit, metric.digits, BETTER[metric.higher])
        for metric in METRICS.values()
    }
    known |= COSTS
    known |= {n: (n.replace("_", " "), "", 3, None) for n in sorted(present - known.keys())}
    return [
        {"key": name, "label": label, "unit": unit, "digits": digits, "better": better}
        for name, (label, unit, digits, better) in known.items()
        if name in present
    ]


def _title(run: Run) -> str:
    """Names a run by its task and generator."""
    task = run.settings.get("task")
    if not isinstance(task, str) or not task:
        return "Results"
    generator = run.settings.get("generator")
    known = OF_COMMAND.get(task)
    heading = task if known is None else known.heading
    return f"{heading} with {generator}" if isinstance(generator, str) and generator else heading


def _command(settings: Mapping[str, Any]) -> str | None:
    """Returns the command line that made the run."""
    command = settings.get("command")
    if isinstance(command, list) and command:
        return shlex.join(str(word) for word in command)
    return command if isinstance(command, str) and command else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _pairs(settings: Mapping[str, Any], skip: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Returns names and values as people read them."""
    return [
        (name.replace("_", " "), _text(value))
        for name, value in settings.items()
        if name not in skip
    ]


def _text(value: Any) -> str:
    """Returns a setting's value on one line; long lists are cut, as are long texts."""
    if value is None:
        text = "none"
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, str):
        text = value
    elif isinstance(value, list):
        text = ", ".join(map(_text, value[:LONGEST_LIST])) or "none"
        if len(value) > LONGEST_LIST:
            text += f", … ({len(value)} in all)"
    elif isinstance(value, dict):
        text = ", ".join(f"{name}: {_text(entry)}" for name, entry in value.items()) or "none"
    else:
        text = json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
