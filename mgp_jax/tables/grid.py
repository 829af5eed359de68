"""How many codes, and where to cut: the multi-code method over a grid of both."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mgp_jax.batch import append_records, checksum, read_records
from mgp_jax.generators.base import Generator
from mgp_jax.metrics import PAIR, compare
from mgp_jax.recipes import codes_only, described, recipe_for
from mgp_jax.restoration import restore
from mgp_jax.tables.case import Case

Record = dict[str, Any]

# Where the paper found opposite answers: a deep cut for the one, a shallow one for the other.
GRID_TASKS = ("reconstruction", "center-inpainting")


def cuts_of(generator: Generator) -> tuple[int, ...]:
    """Returns the last cut at every resolution of the feature maps, the image itself left out."""
    return tuple({size: cut for cut, size in generator.map_sizes.items()}.values())


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
        `resolution`, `psnr` and `lpips`, the scores one an image.
    """
    folder.mkdir(exist_ok=True)
    found = {
        (r["task"], r["recipe"], r["layer"], r["codes"]): r
        for r in read_records(folder / "results.jsonl")
    }
    records = []
    for task, case in cases.items():
        generator = case.generator
        recipe = codes_only(recipe_for("fast", case.degradation, generator.family))
        recipe = recipe.with_(steps=steps)
        version = checksum(described(recipe))
        for cut in cuts_of(generator):
            for count in counts:
                record = found.get((task, version, cut, count))
                if record is None:
                    tried = recipe.with_(codes=count, layer=cut)
                    seen, degradation = case.observations, case.degradation
                    restoration = restore(generator, seen, degradation, tried, seed=case.seed)
                    scores = compare(restoration.images, truths, PAIR)
                    place = {"task": task, "layer": cut, "codes": count, "steps": steps}
                    about = {"recipe": version, "resolution": generator.map_sizes[cut]}
                    record = {**place, **about, **scores}
                    append_records(folder / "results.jsonl", [record])
                    on_record(record)
                records.append(record)
    return records
