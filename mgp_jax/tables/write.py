"""Writes what a comparison has found: Markdown to read, JSON to compute with, pictures."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mgp_jax.images import read_image, to_uint8, write_image
from mgp_jax.images.photographs import resized
from mgp_jax.methods import METHODS
from mgp_jax.metrics import METRICS, PAIR, Metric
from mgp_jax.report.contact_sheet import contact_sheet
from mgp_jax.report.markdown import NOTHING, markdown_table
from mgp_jax.tables.statistics import Score, summarise

Record = dict[str, Any]

# Height and width in pixels of an image on a sheet, at most.
LARGEST = 256

PAIR_TITLE = " / ".join(metric.title for metric in PAIR)


def write_tables(
    folder: Path,
    records: Sequence[Record],
    about: Mapping[str, Any],
    grid: Sequence[Record] = (),
    metrics: Sequence[Metric] = tuple(METRICS.values()),
) -> Path:
    """Writes `tables.md`, `tables.json`, the plots and for every task a sheet of pictures.

    Args:
        folder: where the records are.
        records: the records of `run_tables`.
        about: what is said above the tables: `generator`, `images`, `budget`, `seed`, `command`.
        grid: the records of `run_grid`.
        metrics: what is shown, as far as there are scores.

    Returns: the path of the Markdown file.
    """
    # Here, because a bare checkout runs the tables without matplotlib.
    from mgp_jax.tables.plots import plot_calibration, plot_grid, plot_methods, plot_strengths

    tasks = list(dict.fromkeys(record["task"] for record in records))
    parts = [heading(about)]
    summary: dict[str, dict[str, Any]] = {}
    for task in tasks:
        rows = [record for record in records if record["task"] == task]
        parts.append(f"## {task.replace('-', ' ').capitalize()}\n\n{table(rows, metrics)}")
        summary[task] = {
            record["method"]: {
                "steps": record["steps"],
                "seconds": record["seconds"],
                **{
                    name: None if (score := summarise(values)) is None else score._asdict()
                    for name, values in record["scores"].items()
                },
            }
            for record in rows
            if record["error"] is None
        }
        sheet = pictures(folder, task, rows, about["images"])
        if sheet is not None:
            write_image(folder / f"{task}.png", sheet)
    plot_methods(records, folder / "methods.png")
    parts.insert(1, f"{overview(records)}\n\n![LPIPS of all methods](methods.png)")
    if plot_strengths(records, folder / "strengths.png"):
        parts.insert(2, "![LPIPS of all methods by strength](strengths.png)")
    if plot_calibration(records, folder / "calibration.png"):
        parts.append("## Several answers\n\n![Error by predicted deviation](calibration.png)")
    if grid:
        plot_grid(grid, folder / "codes.png")
        parts.append(f"## Number of codes and cut\n\n![PSNR](codes.png)\n\n{grid_table(grid)}")
    markdown = folder / "tables.md"
    markdown.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    data = {"about": dict(about), "summary": summary, "records": list(records), "grid": list(grid)}
    (folder / "tables.json").write_text(json.dumps(data, indent=1), encoding="utf-8")
    return markdown


def heading(about: Mapping[str, Any]) -> str:
    """Returns the title and the settings of the comparison."""
    count = len(about["images"])
    return (
        f"# All methods on all tasks\n\n`{about['command']}`\n\n"
        f"Generator {about['generator']}, {count} images, {about['budget']} an image and method, "
        f"seed {about['seed']}. Mean and standard error over the images; the best of the methods "
        "that use the generator is bold; \\* is what a method itself minimises. Seconds an image "
        "are without compilation."
    )


def table(rows: Sequence[Record], shown: Sequence[Metric] = tuple(METRICS.values())) -> str:
    """Returns a Markdown table of one task, a row for each method."""
    metrics = [m for m in shown if any(_score(row, m) for row in rows)]
    best = {metric.name: _best(rows, metric) for metric in metrics}
    titles = ["method", *(metric.heading for metric in metrics), "steps", "s / image"]
    lines = []
    for row in rows:
        title = METHODS[row["method"]].title
        if row["error"] is not None:
            lines.append([title, row["error"], *[""] * (len(titles) - 2)])
            continue
        cells = [_cell(row, metric, bold=row is best[metric.name]) for metric in metrics]
        steps = str(row["steps"] or NOTHING)
        lines.append([title, *cells, steps, f"{row['seconds']:.2f}"])
    return markdown_table(titles, lines)


def overview(records: Sequence[Record]) -> str:
    """Returns a Markdown table of PSNR and LPIPS, a row for each method, a column for each task."""
    of_task: dict[str, list[Record]] = {}
    of_method: dict[str, list[Record]] = {}
    for record in records:
        of_task.setdefault(record["task"], []).append(record)
        of_method.setdefault(record["method"], []).append(record)
    best = {(task, m.name): _best(rows, m) for task, rows in of_task.items() for m in PAIR}
    lines = []
    for method, rows in of_method.items():
        cells = [
            " / ".join(_cell(r, m, r is best[r["task"], m.name], spread=False) for m in PAIR)
            for r in rows
        ]
        times = [row["seconds"] for row in rows if row["error"] is None]
        time = f"{np.mean(times):.2f}" if times else NOTHING
        lines.append([METHODS[method].title, *cells, time])
    return markdown_table([PAIR_TITLE, *of_task, "s / image"], lines)


def grid_table(grid: Sequence[Record]) -> str:
    """Returns a Markdown table of PSNR and LPIPS by task and cut, a column a number of codes."""
    counts = sorted({record["codes"] for record in grid})
    titles = ["task", "cut", *(f"{count} codes" if count > 1 else "1 code" for count in counts)]
    lines = []
    for task, layer in dict.fromkeys((record["task"], record["layer"]) for record in grid):
        cells = []
        for count in counts:
            place = (task, layer, count)
            (record,) = (r for r in grid if (r["task"], r["layer"], r["codes"]) == place)
            row = {"scores": record}
            cells.append(" / ".join(_cell(row, metric, spread=False) for metric in PAIR))
        lines.append([task, layer, *cells])
    return markdown_table(titles, lines)


def _score(row: Record, metric: Metric) -> Score | None:
    return summarise(row.get("scores", {}).get(metric.name, ()))


def _cell(row: Record, metric: Metric, bold: bool = False, spread: bool = True) -> str:
    score = _score(row, metric)
    if score is None:
        return NOTHING
    text = metric.number(score.mean)
    text = f"**{text}**" if bold else text
    text += "\\*" if metric.name in row.get("minimised", ()) else ""
    if score.error is None or not spread:
        return text
    return f"{text} ± {metric.number(score.error)}"


def _best(rows: Sequence[Record], metric: Metric) -> Record | None:
    """Returns the best row of those methods whose prior is the generator; None without any."""
    scored = [
        (score.mean, row)
        for row in rows
        if METHODS[row["method"]].prior == "generator"
        and (score := _score(row, metric)) is not None
    ]
    if not scored or metric.higher is None:
        return None
    pick = max if metric.higher else min
    return pick(scored, key=lambda pair: pair[0])[1]


def small(image: np.ndarray) -> np.ndarray:
    """Returns an image as large as a sheet shows it at most."""
    return image if len(image) <= LARGEST else resized(image, LARGEST)


def pictures(
    folder: Path, task: str, rows: Sequence[Record], stems: Sequence[str], most: int = 4
) -> np.ndarray | None:
    """Lays out the first images of a task: a row an image, a column a method, the truth last."""
    names = [row["method"] for row in rows if row["error"] is None]
    if not names:
        return None
    columns = [*names, "truth"]
    place = folder / "images" / task
    images = [
        [to_uint8(small(read_image(place / name / f"{stem}.png"))) for name in columns]
        for stem in stems[:most]
    ]
    scale = math.ceil(96 / images[0][0].shape[0])
    return contact_sheet(images, ["" for _ in images], scale=scale, headings=columns)
