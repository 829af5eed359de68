"""The multi-code method over a grid of cuts and numbers of codes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mgp_jax.analysis import cuts_of, over_grid
from mgp_jax.batch import append_records, checksum, read_records
from mgp_jax.recipes import codes_only, described, recipe_for
from mgp_jax.tables.case import Case

Record = dict[str, Any]

# Where the paper found opposite answers: a deep cut for the one, a shallow one for the other.
GRID_TASKS = ("reconstruction", "center-inpainting")


def run_grid(
    cases: dict[str, Case],
    truths: Any,
    counts: Sequence[int],
    steps: int,
    folder: Path,
    on_record: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """Restores all images with every number of codes at every cut, without the refinement.

    Args:
        cases: what is restored, by task.
        truths: float[B, H, W, C] in [-1, 1].
        counts: numbers of codes.
        steps: number of steps, the same everywhere.
        folder: where the records of finished points are kept.
        on_record: called with every new record.

    Returns: records with `task`, `layer`, `codes`, `steps`, the recipe's checksum `recipe`,
        `resolution`, and by the name of a metric the scores, one an image.
    """
    folder.mkdir(exist_ok=True)
    keys = ("task", "recipe", "layer", "codes")
    known = {tuple(r[key] for key in keys): r for r in read_records(folder / "results.jsonl")}
    records = []
    for task, case in cases.items():
        generator, degradation = case.generator, case.degradation
        recipe = codes_only(recipe_for("fast", degradation, generator)).with_(steps=steps)
        version = checksum(described(recipe))
        places = [(cut, count) for cut in cuts_of(generator) for count in counts]
        missing = [place for place in places if (task, version, *place) not in known]
        measured = over_grid(
            generator, degradation, case.observations, truths, recipe, missing, seed=case.seed
        )
        for (cut, count), scores in zip(missing, measured, strict=True):
            place = {"task": task, "layer": cut, "codes": count, "steps": steps}
            record = {**place, "recipe": version, "resolution": generator.map_sizes[cut], **scores}
            append_records(folder / "results.jsonl", [record])
            on_record(record)
            known[task, version, cut, count] = record
        records += [known[task, version, *place] for place in places]
    return records
