"""The plots of a comparison, in colours and markers that colour-blind people tell apart."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mgp_jax.methods import METHODS
from mgp_jax.metrics import PAIR, Metric
from mgp_jax.report.figures import COLOURS, MARKERS, new_figure, save_figure
from mgp_jax.tables.statistics import summarise

Record = dict[str, Any]


def plot_grid(records: Sequence[Record], path: Path) -> None:
    """Draws PSNR against the number of codes, a line for every cut, a panel for every task."""
    tasks = list(dict.fromkeys(record["task"] for record in records))
    figure = new_figure(4.2 * len(tasks), 3.4)
    axes = figure.subplots(1, len(tasks), squeeze=False)[0]
    for axis, task in zip(axes, tasks, strict=True):
        of_task = [record for record in records if record["task"] == task]
        layers = sorted({record["layer"] for record in of_task})
        for number, layer in enumerate(layers):
            line = [record for record in of_task if record["layer"] == layer]
            scores = [
                (r["codes"], s) for r in line if (s := summarise(r[PAIR[0].name])) is not None
            ]
            axis.errorbar(
                [count for count, _ in scores],
                [score.mean for _, score in scores],
                [score.error or 0 for _, score in scores],
                color=COLOURS[number % len(COLOURS)],
                marker=MARKERS[number % len(MARKERS)],
                capsize=2,
                label=f"cut {layer}: {line[0]['resolution']} x {line[0]['resolution']}",
            )
        counts = sorted({record["codes"] for record in of_task})
        axis.set_xscale("log")
        axis.set_xticks(counts, [str(count) for count in counts])
        axis.minorticks_off()
        axis.set(title=f"{task}, {of_task[0]['steps']} steps", xlabel="number of codes")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel(PAIR[0].heading)
    axes[-1].legend(fontsize=8)
    save_figure(figure, path)


def plot_methods(records: Sequence[Record], path: Path, metric: Metric = PAIR[1]) -> None:
    """Draws one metric of all methods, a panel for every task."""
    tasks = list(dict.fromkeys(record["task"] for record in records))
    methods = list(dict.fromkeys(record["method"] for record in records))
    figure = new_figure(2.3 * len(tasks) + 1.6, 0.26 * len(methods) + 1.1)
    axes = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
    for axis, task in zip(axes, tasks, strict=True):
        for record in (record for record in records if record["task"] == task):
            score = summarise(record.get("scores", {}).get(metric.name, ()))
            if score is None:
                continue
            mine = METHODS[record["method"]].prior == "generator"
            axis.errorbar(
                [metric.factor * score.mean],
                [methods.index(record["method"])],
                xerr=[metric.factor * (score.error or 0)],
                color=COLOURS[0 if mine else 1],
                marker=MARKERS[0 if mine else 1],
                capsize=2,
            )
        axis.set(title=task, xlabel=metric.heading)
        axis.set_yticks(range(len(methods)), [METHODS[method].title for method in methods])
        axis.grid(alpha=0.3)
    axes[0].set_ylim(len(methods) - 0.5, -0.5)
    save_figure(figure, path)


def plot_calibration(records: Sequence[Record], path: Path) -> bool:
    """Draws error against predicted deviation, a panel for every task, a line for every method.

    Returns: whether there is anything to draw: a method that has given several answers.
    """
    drawn = [record for record in records if record.get("calibration")]
    if not drawn:
        return False
    tasks = list(dict.fromkeys(record["task"] for record in drawn))
    methods = list(dict.fromkeys(record["method"] for record in drawn))
    figure = new_figure(3.4 * len(tasks) + 2, 3.6)
    axes = figure.subplots(1, len(tasks), squeeze=False)[0]
    for axis, task in zip(axes, tasks, strict=True):
        of_task = [record for record in drawn if record["task"] == task]
        for record in of_task:
            number = methods.index(record["method"])
            axis.plot(
                *zip(*record["calibration"], strict=True),
                color=COLOURS[number % len(COLOURS)],
                marker=MARKERS[number % len(MARKERS)],
                linestyle="-" if number < len(COLOURS) else "--",
                label=METHODS[record["method"]].title,
            )
        axis.axline((0, 0), slope=1, color="gray", linestyle=":")
        axis.set(title=task, xlabel="predicted deviation", xlim=(0, None), ylim=(0, None))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("error")
    axes[-1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    save_figure(figure, path)
    return True


def plot_strengths(records: Sequence[Record], path: Path, metric: Metric = PAIR[1]) -> bool:
    """Draws one metric of all methods against the strength of tasks such as `noise-3`.

    Returns: whether there is anything to draw: a task of two strengths or more.
    """
    by_task: dict[str, dict[int, list[Record]]] = {}
    for record in records:
        task, _, strength = record["task"].rpartition("-")
        if task and strength.isdecimal():
            by_task.setdefault(task, {}).setdefault(int(strength), []).append(record)
    by_task = {task: found for task, found in by_task.items() if len(found) > 1}
    if not by_task:
        return False
    methods = list(dict.fromkeys(record["method"] for record in records))
    figure = new_figure(3.4 * len(by_task) + 2, 3.6)
    axes = figure.subplots(1, len(by_task), squeeze=False)[0]
    for axis, (task, found) in zip(axes, by_task.items(), strict=True):
        for number, method in enumerate(methods):
            line = [
                (strength, metric.factor * score.mean)
                for strength, rows in sorted(found.items())
                for row in rows
                if row["method"] == method
                and (score := summarise(row.get("scores", {}).get(metric.name, ()))) is not None
            ]
            axis.plot(
                [strength for strength, _ in line],
                [score for _, score in line],
                color=COLOURS[number % len(COLOURS)],
                marker=MARKERS[number % len(MARKERS)],
                linestyle="-" if number < len(COLOURS) else "--",
                label=METHODS[method].title,
            )
        axis.set(title=task, xlabel="strength")
        axis.set_xticks(sorted(found))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel(metric.axis)
    axes[-1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    save_figure(figure, path)
    return True
