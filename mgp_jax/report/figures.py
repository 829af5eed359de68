"""Figures of analyses, drawn with matplotlib; every map of numbers is viridis, with its unit.

Not imported with the room: matplotlib takes a while to load and most commands draw nothing.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mgp_jax.errors import SettingError
from mgp_jax.images import to_uint8
from mgp_jax.metrics import PAIR
from mgp_jax.report.lettering import drawable

MAP = "viridis"
DPI = 110
# Okabe and Ito's colours, which the colour-blind can tell apart; with a marker each.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
MARKERS = "osD^v<>P"


def new_figure(width: float, height: float, title: str | None = None) -> Figure:
    """Returns an empty figure of a size in inches; global state of matplotlib is not touched."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(drawable(title), fontsize=11, parse_math=False)
    return figure


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Writes a figure as a PNG file.

    Raises:
        SettingError: the file cannot be written.
    """
    try:
        figure.savefig(path)
    except OSError as error:
        raise SettingError(f"{path}: cannot be written ({error.strerror})") from None
    return Path(path)


def image_rows(
    rows: Mapping[str, Sequence[np.ndarray] | np.ndarray],
    titles: Sequence[str],
    title: str | None = None,
    columns: int = 10,
) -> Figure:
    """Draws rows of images or maps; long rows go on below.

    Args:
        rows: by label: images float[H, W, C] in [-1, 1] or uint8, or maps float[H, W]; all maps of
            the figure share one scale, 0 to their largest value.
        titles: one for each column.
        title: of the figure.
        columns: images beside each other.
    """
    count = len(titles)
    columns = min(columns, count)
    blocks = math.ceil(count / columns)
    labels = list(rows)
    maps = [row for row in rows.values() if np.ndim(row[0]) == 2]
    largest = max((float(np.max(row)) for row in maps), default=0.0) or 1.0
    # The labels of the rows take place at the left, the scale of the maps at the right.
    size = (columns + 1.2 + 0.6 * bool(maps), blocks * (len(labels) * 1.02 + 0.25) + 0.5)
    figure = new_figure(*size, title)
    axes = figure.subplots(blocks * len(labels), columns, squeeze=False)
    shown: Any = None
    for place in range(blocks * columns):
        block, column = divmod(place, columns)
        for line, label in enumerate(labels):
            axis = axes[block * len(labels) + line, column]
            axis.set(xticks=[], yticks=[])
            if place >= count:
                axis.set_axis_off()
                continue
            if line == 0:
                axis.set_title(titles[place], fontsize=8)
            if column == 0:
                axis.set_ylabel(label, fontsize=8, rotation=0, ha="right", va="center")
            item = np.asarray(rows[label][place])
            if item.ndim == 2:
                shown = axis.imshow(item, cmap=MAP, vmin=0, vmax=largest)
            else:
                axis.imshow(np.broadcast_to(to_uint8(item), (*item.shape[:2], 3)))
    if shown is not None:
        bar = figure.colorbar(shown, ax=axes, shrink=0.8, pad=0.01)
        bar.set_label("mean absolute change (pixel values 0 to 1)", fontsize=8)
        bar.ax.tick_params(labelsize=8)
    return figure


def heat_map(
    values: np.ndarray, across: str, down: str, unit: str, title: str | None = None
) -> Figure:
    """Draws a matrix of numbers as colours, with a scale.

    Args:
        values: float[rows, columns].
        across: what the columns are.
        down: what the rows are.
        unit: what the numbers are.
        title: of the figure.
    """
    figure = new_figure(9, 0.16 * len(values) + 1.5, title)
    axis = figure.subplots()
    shown = axis.imshow(values, cmap=MAP, aspect="auto", interpolation="nearest")
    axis.set_xlabel(across)
    axis.set_ylabel(down)
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    figure.colorbar(shown, ax=axis).set_label(unit)
    return figure


def segment_matches(
    image: np.ndarray,
    segments: np.ndarray,
    iou: np.ndarray,
    chance: np.ndarray,
    title: str | None = None,
    names: Sequence[str] | None = None,
) -> Figure:
    """Draws an image, its segments, and how well each code fits each segment.

    Args:
        image: float[H, W, C] in [-1, 1].
        segments: int[H, W].
        iou: float[N, S].
        chance: float[S], what random pixels would reach.
        title: of the figure.
        names: what to call each number of a segment; numbers unless given.
    """
    labels = np.unique(segments[segments >= 0])
    called = [str(label) if names is None else names[label] for label in labels]
    count, rows = len(labels), len(iou)
    figure = new_figure(5.5 + 0.55 * count, max(3.2, 0.24 * rows + 1.4), title)
    ((left, right),) = figure.subfigures(
        1, 2, squeeze=False, width_ratios=(2.6, 2.9 + 0.55 * count)
    )
    axes = left.subplots(2, 1)
    axes[0].imshow(np.broadcast_to(to_uint8(image), (*image.shape[:2], 3)))
    axes[0].set_title("codes together", fontsize=9)
    places = np.searchsorted(labels, np.where(segments < 0, labels[0], segments))
    shown = axes[1].imshow(
        np.ma.masked_where(segments < 0, places),
        cmap=ListedColormap(_spread_colours(count)),
        norm=BoundaryNorm(np.arange(count + 1) - 0.5, count),
        interpolation="nearest",
    )
    axes[1].set_title("segments", fontsize=9)
    bar = left.colorbar(shown, ax=axes[1], ticks=range(count))
    bar.ax.set_yticklabels(called, fontsize=8)
    for axis in axes:
        axis.set(xticks=[], yticks=[])
    axis = right.subplots()
    values = np.vstack([iou, chance])
    top = max(float(np.nanmax(values)), 1e-9)
    table = axis.imshow(values, cmap=MAP, vmin=0, vmax=top, aspect="auto", interpolation="nearest")
    for row, column in np.ndindex(*values.shape):
        value = values[row, column]
        colour = "white" if value <= 0.6 * top else "black"
        text = "-" if np.isnan(value) else f"{value:.2f}"
        axis.text(column, row, text, color=colour, ha="center", va="center", fontsize=7)
    axis.axhline(rows - 0.5, color="white", linewidth=2)
    axis.set_xticks(range(count), called, fontsize=10 if names is None else 7)
    axis.set_yticks(range(rows + 1), [*map(str, range(rows)), "chance"], fontsize=7)
    axis.set_xlabel("segment")
    axis.set_ylabel("code")
    right.colorbar(table, ax=axis).set_label("intersection over union")
    return figure


def lines(
    series: Mapping[str, tuple[Any, Any]],
    across: str,
    up: str,
    title: str | None = None,
    ticks: Sequence[Any] | None = None,
) -> Figure:
    """Draws one line with markers for each series of points.

    Args:
        series: by label, positions and values.
        across: what the positions are.
        up: what the values are, with the unit.
        title: of the figure.
        ticks: where to label the horizontal axis.
    """
    figure = new_figure(6, 4, title)
    _draw_lines(figure.subplots(), series, across, up, ticks)
    return figure


def quality_curves(cells: Sequence[Any], title: str | None = None) -> Figure:
    """Draws PSNR and LPIPS over the cut: a column for each task, a line for each number of codes.

    Args:
        cells: what `analysis.measure` returns.
        title: of the figure.
    """
    tasks = list(dict.fromkeys(cell.task for cell in cells))
    counts = list(dict.fromkeys(cell.codes for cell in cells))
    ticks = sorted({cell.cut for cell in cells})
    figure = new_figure(1 + 3.4 * len(tasks), 6, title)
    axes = figure.subplots(2, len(tasks), squeeze=False, sharex=True, sharey="row")
    for line, metric in enumerate(PAIR):
        for column, task in enumerate(tasks):
            series = {}
            for count in counts:
                points = [
                    (cell.cut, cell.scores[metric.name])
                    for cell in cells
                    if (cell.task, cell.codes) == (task, count)
                    and cell.scores[metric.name] is not None
                ]
                name = f"{count} code" + "s" * (count != 1)
                series[name] = tuple(zip(*points, strict=True)) if points else ((), ())
            label = metric.axis if column == 0 else ""
            _draw_lines(axes[line, column], series, "cut" if line else "", label, ticks)
            if line == 0:
                axes[line, column].set_title(task, fontsize=10)
    return figure


def domain_bars(cells: Sequence[Any], title: str | None = None) -> Figure:
    """Draws PSNR and LPIPS for every generator and cut as groups of bars, one bar a domain.

    Args:
        cells: what `analysis.measure_domains` returns.
        title: of the figure.
    """
    places = list(dict.fromkeys((cell.generator, cell.cut) for cell in cells))
    domains = list(dict.fromkeys(cell.images for cell in cells))
    figure = new_figure(3.5 + 1.2 * len(places) + 0.4 * len(places) * len(domains), 6, title)
    axes = figure.subplots(2, 1, sharex=True)
    width = 0.8 / len(domains)
    for axis, metric in zip(axes, PAIR, strict=True):
        for number, domain in enumerate(domains):
            found = {
                (c.generator, c.cut): c.scores[metric.name] for c in cells if c.images == domain
            }
            heights = [np.nan if found.get(p) is None else found[p] for p in places]
            left = np.arange(len(places)) + (number - (len(domains) - 1) / 2) * width
            bars = axis.bar(left, heights, 0.9 * width, color=COLOURS[number % 8], label=domain)
            labels = ["" if np.isnan(h) else f"{h:.1f}" if h > 5 else f"{h:.2f}" for h in heights]
            axis.bar_label(bars, labels, fontsize=7)
        axis.set_ylabel(metric.axis, fontsize=9)
        axis.margins(y=0.12)
    axes[1].set_xticks(range(len(places)), [f"{name}, cut {cut}" for name, cut in places])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, title="photographs of", loc="outside right upper", fontsize=8)
    return figure


def _draw_lines(
    axis: Any, series: Mapping[str, Any], across: str, up: str, ticks: Sequence[Any] | None
) -> None:
    for number, (label, (x, y)) in enumerate(series.items()):
        style = {"color": COLOURS[number % 8], "marker": MARKERS[number % 8], "markersize": 5}
        axis.plot(x, y, label=label, **style)
    axis.set_xlabel(across)
    axis.set_ylabel(up)
    if ticks is None:
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axis.set_xticks(ticks)
    axis.grid(alpha=0.3)
    if any(len(x) for x, _ in series.values()):
        axis.legend(fontsize=8)


def _spread_colours(count: int) -> np.ndarray:
    """Returns colours of the map that are as far apart as possible: float[count, 4]."""
    from matplotlib import colormaps

    return colormaps[MAP](np.linspace(0, 1, count))
