"""Writes what was measured: Markdown tables, and quality over time as a diagram."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mgp_jax.benchmark.quality import MILESTONES, SECONDS, Point, at_time, mean, time_to
from mgp_jax.metrics import PAIR
from mgp_jax.report.markdown import markdown_table

Curves = Sequence[Sequence[Point]]


def quality_table(methods: Mapping[str, Curves]) -> str:
    """Returns PSNR and LPIPS at the usual times for every method.

    Args:
        methods: for every method one curve for all images, or one for each.
    """
    rows = []
    for name, curves in methods.items():
        cells = []
        for seconds in SECONDS:
            points = [at_time(curve, seconds) for curve in curves]
            known = [point for point in points if point is not None]
            if not curves or len(known) < len(points):
                cells.append(None)
                continue
            means = (m.number(mean([point[m.name] for point in known])) for m in PAIR)
            # Once a method has ended nothing changes any more.
            ended = all(point == curve[-1] for point, curve in zip(known, curves, strict=True))
            cells.append(f"{' / '.join(means)}{'*' if ended else ''}")
        rows.append([name, *cells])
    titles = " / ".join(metric.heading for metric in PAIR)
    head = [f"{titles} after", *(f"{seconds:g} s" for seconds in SECONDS)]
    return markdown_table(head, rows) + "\n\n\\* ended before"


def milestones(reference: Sequence[Point], ours: Mapping[str, Sequence[Point]]) -> list[dict]:
    """Returns when ours reach what the reference has after 200, 500 and 1000 steps, and at its end.

    Args:
        reference: the mean curve of the reference.
        ours: a curve for each recipe.

    Returns: for each of these steps `step`, `psnr`, `lpips` and `seconds` of the reference, and by
        recipe `seconds` and `ratio`, the reference's time over ours; None if it is not reached.
    """
    found = []
    for point in reference:
        if point["step"] not in MILESTONES and point is not reference[-1]:
            continue
        reached: dict[str, Any] = {}
        for name, curve in ours.items():
            seconds = time_to(curve, point["psnr"])
            ratio = None if seconds is None else point["seconds"] / seconds
            reached[name] = {"seconds": seconds, "ratio": ratio}
        found.append({**point, "ours": reached})
    return found


def milestone_table(found: Sequence[dict]) -> str:
    """Returns what `milestones` found as a table."""
    names = list(found[0]["ours"]) if found else []
    head = [
        "reference",
        *(metric.heading for metric in PAIR),
        "s an image",
        *(f"{name}: s (ratio)" for name in names),
    ]
    rows = []
    for entry in found:
        cells = [
            None if own["seconds"] is None else f"{own['seconds']:.2f} ({own['ratio']:.1f})"
            for own in entry["ours"].values()
        ]
        step = f"{entry['step']} steps"
        rows.append([step, *(entry[m.name] for m in PAIR), entry["seconds"], *cells])
    return markdown_table(head, rows)


def cost_table(records: Sequence[dict[str, Any]]) -> str:
    """Returns the cost of steps as a table, beside the reference's where that was measured."""
    rows = []
    for r in records:
        case = [r["generator"], r["layer"], r["codes"], r["batch"], bool(r["perceptual"])]
        if "error" in r:
            rows.append([*case, r["error"], *[None] * 11])
            continue
        loops = {name: cost["seconds"] for name, cost in r.get("reference", {}).items()}
        faster = min((loops[name] for name in ("tuned", "compiled") if name in loops), default=None)
        rows.append(
            [
                *case,
                r["seconds"],
                r["processor_seconds"],
                r["flops"] / 1e9,
                r["over_floor"],
                r["bytes"] and r["bytes"] / 1e9,
                r["traffic_seconds"],
                r["compile_seconds"],
                r["peak_gib"],
                loops.get("tuned"),
                loops.get("compiled"),
                faster and r["seconds"] / faster,
                loops.get("published"),
            ]
        )
    head = ["generator", "cut", "N", "batch", "features", "s a step and image", "CPU s", "GFLOP"]
    head += ["over floor", "GB", "copies s", "compile s", "peak GiB"]
    head += ["PyTorch s", "PyTorch compiled s", "ours / the faster", "PyTorch published s"]
    return markdown_table(head, rows)


def plot_quality(methods: Mapping[str, Curves], title: str, path: Path) -> None:
    """Draws PSNR and LPIPS over time, one line an image or batch, to a PNG file."""
    from mgp_jax.report.figures import COLOURS, new_figure, save_figure

    figure = new_figure(10, 4, title)
    panels = figure.subplots(1, 2)
    for panel, metric in zip(panels, PAIR, strict=True):
        for number, (name, curves) in enumerate(methods.items()):
            for place, curve in enumerate(curves):
                panel.plot(
                    [point["seconds"] for point in curve],
                    [point[metric.name] for point in curve],
                    color=COLOURS[number % len(COLOURS)],
                    alpha=1.0 if len(curves) == 1 else 0.5,
                    label=name if place == 0 else None,
                )
        panel.set(xlabel="seconds an image", ylabel=metric.axis, xscale="log")
        panel.set_yscale("linear" if metric.higher else "log")
        panel.grid(alpha=0.3)
    panels[0].legend()
    save_figure(figure, path)
