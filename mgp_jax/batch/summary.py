"""Summaries of a run in a few lines."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mgp_jax.metrics import METRICS, PAIR

MOST_FAILURES = 20


def summary(records: Sequence[dict[str, Any]]) -> str:
    """Returns one line on how a run went."""
    counts = {kind: sum(r["status"] == kind for r in records) for kind in ("diverged", "failed")}
    text = (
        f"{len(records)} image{'s' * (len(records) != 1)}: {len(records) - sum(counts.values())} ok"
    )
    text += "".join(f", {count} {kind}" for kind, count in counts.items() if count)
    for metric in (*PAIR, *(metric for metric in METRICS.values() if metric.spread)):
        values = [r[metric.name] for r in records if r.get(metric.name) is not None]
        if values:
            text += f"; mean {metric.text(float(np.mean(values)))}"
    return text


def timing(records: Sequence[dict[str, Any]]) -> str:
    """Returns one line on the time the images took, or nothing if none was restored.

    The time is that of the batches, compilation included, as a process spent it on one image.
    """
    seconds = [record["seconds"] for record in records if record["status"] != "failed"]
    if not seconds or not sum(seconds):
        return ""
    mean = float(np.mean(seconds))
    return f"{mean:.3g} s an image, {3600 / mean:.4g} images an hour"


def failures(records: Sequence[dict[str, Any]]) -> str:
    """Returns one line for every image that is not ok, at most 20 of them."""
    wrong = [record for record in records if record["status"] != "ok"]
    lines = [
        f"{r['status']}: {r['error'] if r['status'] == 'failed' else r['input']}"
        for r in wrong[:MOST_FAILURES]
    ]
    if len(wrong) > MOST_FAILURES:
        lines.append(f"and {len(wrong) - MOST_FAILURES} more, see results.jsonl")
    return "\n".join(lines)
