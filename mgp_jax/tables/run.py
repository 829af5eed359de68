"""Runs every method on every task, resuming where it was stopped.

The folder holds `settings.json`, `results.jsonl` (one record for each method and task), the prices
of the steps in `prices.json`, and all images.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.batch import append_records, checksum, open_folder, recorded_settings
from mgp_jax.degradations import parse, true_observation
from mgp_jax.errors import SettingError
from mgp_jax.generators.base import Generator
from mgp_jax.images import write_image
from mgp_jax.kept_programs import Programs
from mgp_jax.methods import METHODS, Method, find_method
from mgp_jax.methods.encoder_network import Encoder
from mgp_jax.methods.encoder_network import checksum as weights_of
from mgp_jax.metrics import LPIPS_AT_256, METRICS, PAIR, Scores, calibration_points, compare
from mgp_jax.perception import LPIPS
from mgp_jax.recipes import Recipe
from mgp_jax.seeds import seeded_key
from mgp_jax.tables.budget import Budget, Price, add_price, steps_for, version
from mgp_jax.tables.case import Case, Restored
from mgp_jax.tables.images import Images
from mgp_jax.tables.robust import LPIPS_VGG, measured
from mgp_jax.tasks import TASKS, Task

Record = dict[str, Any]

# Prices of another table may be brought into a new folder, and are repeated.
PRICES = "prices.json"


@dataclass(frozen=True)
class Comparison:
    """The settings of a comparison.

    Attributes:
        generator: the frozen generator.
        images: the clean images.
        budget: what every method may spend on an image.
        encoder: the generator's encoder; without one the methods that need it are left out.
        tasks: names of tasks, all if empty.
        methods: names of methods, all that suit the generator if empty.
        seed: seed of the random starts and of the noise.
        lpips_vgg: LPIPS with VGG16; without it the methods that look through it are left out, and
            it measures nothing.
        table: what the names of tasks stand for.
        true: whether observations come about truly, see `true_observation`, and are measured as
            published for that: see `measured`.
        samples: restorations of each image by every method, whose spread is measured, too; None for
            what its recipe says.
    """

    generator: Generator
    images: Images
    budget: Budget
    encoder: Encoder | None = None
    tasks: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    seed: int = 0
    lpips_vgg: LPIPS | None = None
    table: Mapping[str, Task] = field(default_factory=lambda: TASKS)
    true: bool = False
    samples: int | None = None

    @property
    def networks(self) -> dict[str, Any]:
        """What methods may need, None where there is no such network."""
        return {"encoder": self.encoder, "lpips_vgg": self.lpips_vgg}

    def task(self, name: str) -> Task:
        """Returns what a name stands for.

        Raises:
            SettingError: there is no such task.
        """
        if name not in self.table:
            raise SettingError(f"task {name}: there are {', '.join(self.table)}")
        return self.table[name]


def run_tables(
    comparison: Comparison,
    folder: Path,
    on_record: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """Runs what has no record in the folder yet.

    Args:
        comparison: what is compared.
        folder: where the results are, made if needed.
        on_record: called with every new record.

    Returns: all records of the folder, those of other tasks and methods of the same comparison
        included, in the order of tasks and methods. A method that cannot be run has a record with
        `error`.

    Raises:
        SettingError: a task or method does not exist, or the folder holds another comparison.
    """
    images, chosen = comparison.images, methods_of(comparison)
    tables = (name for name, row in comparison.table.items() if "tables" in row.uses)
    tasks = comparison.tasks or tuple(tables)
    cases = {task: make_case(comparison, task) for task in tasks}
    settings = joined(recorded_settings(folder), settings_of(comparison, cases, chosen))
    records = open_folder(folder, settings, brought=(PRICES,))
    done = {(record["task"], record["method"]) for record in records}
    prices = read_prices(folder)
    with closing(Programs()) as programs:
        for task, case in cases.items():
            write_images(folder / "images" / task / "truth", images.stems, images.truths)
            for method in chosen:
                if (task, method.name) not in done:
                    programs.make_room()
                    record = record_of(comparison, task, case, method, folder, prices)
                    append_records(folder / "results.jsonl", [record])
                    records.append(record)
                    on_record(record)
    rows, columns = [*comparison.table, *settings["tasks"]], [*METHODS, *settings["methods"]]
    return sorted(records, key=lambda r: (rows.index(r["task"]), columns.index(r["method"])))


def record_of(
    comparison: Comparison,
    task: str,
    case: Case,
    method: Method,
    folder: Path,
    prices: dict[str, Price],
) -> Record:
    """Restores the images of a task by a method, writes them, and measures them.

    Args:
        comparison: what is compared.
        task: the name of the task.
        case: its observations.
        method: the method.
        folder: where the results are.
        prices: what is known of them, here and in the folder; what is missing is measured.
    """
    images = comparison.images
    try:
        price = add_price(method, case, prices, comparison.budget)
        (folder / PRICES).write_text(json.dumps(prices, indent=1))
        steps = steps_for(method, case, comparison.budget, price)
        restored = case.restore(method, steps)
        write_images(folder / "images" / task / method.name, images.stems, restored.images)
        record = {
            "task": task,
            "method": method.name,
            "error": None,
            "steps": steps,
            "seconds": round(price.of(steps), 4),
            "minimised": minimised(case.recipe(method)),
            "scores": scores_of(comparison, case, task, restored),
        }
        if restored.samples.shape[1] > 1:
            record["calibration"] = calibration_points(
                restored.images, images.truths, restored.deviation
            )
    except SettingError as error:
        record = {"task": task, "method": method.name, "error": str(error)}
    return record


def methods_of(comparison: Comparison) -> list[Method]:
    """Returns the chosen methods that suit the generator.

    Raises:
        SettingError: one does not exist, or one that was named does not suit.
    """
    for name in comparison.methods:
        if needed := find_method(name).missing(comparison.generator, comparison.networks):
            raise SettingError(f"method {name}: needs {needed}")
    return [
        method
        for method in METHODS.values()
        if method.missing(comparison.generator, comparison.networks) is None
        and (not comparison.methods or method.name in comparison.methods)
    ]


def make_case(comparison: Comparison, task: str) -> Case:
    """Degrades the images for a task.

    Raises:
        SettingError: there is no such task.
    """
    generator = comparison.generator
    resolution = generator.resolution
    degradation = parse(comparison.task(task).spec(resolution), resolution, generator.channels)
    root = jax.random.fold_in(seeded_key(comparison.seed), 2**31 - 1)
    keys = jax.vmap(lambda n: jax.random.fold_in(root, n))(
        jnp.arange(len(comparison.images.truths))
    )
    truths = comparison.images.truths
    if comparison.true:
        pairs = zip(truths, keys, strict=True)
        seen = jnp.stack([true_observation(degradation, *pair) for pair in pairs])
    else:
        seen = jax.vmap(degradation.simulate)(jnp.asarray(truths), keys)
    networks, samples = comparison.networks, comparison.samples
    return Case(generator, degradation, seen, networks, comparison.seed, samples)


def scores_of(comparison: Comparison, case: Case, task: str, restored: Restored) -> Scores:
    """Measures restored images: every metric that their size and the task allow, by image."""
    truths, kind = comparison.images.truths, comparison.task(task).kind
    if comparison.true:
        return measured(case, restored.images, truths)
    several = restored.samples.shape[1] > 1
    chosen = [
        metric
        for metric in METRICS.values()
        if (metric.recorded or (metric.measures(truths.shape) and metric.kind in (None, kind)))
        and (several or not metric.spread)
    ]
    return compare(restored.images, truths, chosen, restored.deviation if several else None)


def minimised(recipe: Recipe) -> list[str]:
    """Returns the metrics that a recipe minimises, which then say less than the others."""
    weights = {PAIR[1].name: "lpips", LPIPS_AT_256.name: "lpips", LPIPS_VGG.name: "pyramid"}
    return [
        name
        for name, weight in weights.items()
        if any(getattr(phase, weight) for phase in recipe.phases)
    ]


def write_images(folder: Path, stems: Sequence[str], images: np.ndarray) -> None:
    """Writes images float[B, H, W, C] in [-1, 1] under their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, image in zip(stems, images, strict=True):
        write_image(folder / f"{stem}.png", image)


def read_prices(folder: Path) -> dict[str, Price]:
    """Returns the prices of an earlier part of this run, so that its other part has the same."""
    file = folder / PRICES
    try:
        found = json.loads(file.read_text()) if file.exists() else {}
        return {key: Price(*price) for key, price in found.items()}
    except (TypeError, ValueError):
        raise SettingError(f"{file}: is not readable, choose another folder") from None


def joined(before: Record, now: Record) -> Record:
    """Adds the tasks and methods that a folder's comparison has to those of a new one.

    Args:
        before: the settings in the folder, none if there are none.
        now: those of the new one.
    """
    every = {
        name: list(dict.fromkeys([*before.get(name, ()), *now[name]]))
        for name in ("tasks", "methods")
    }
    old, new = before.get("recipes", {}), now["recipes"]
    recipes = {task: old.get(task, {}) | new.get(task, {}) for task in every["tasks"]}
    return now | every | {"recipes": recipes}


def settings_of(
    comparison: Comparison, cases: Mapping[str, Case], methods: Sequence[Method]
) -> Record:
    """Returns all that determines the results, as JSON values."""
    encoder = comparison.encoder
    return {
        "generator": comparison.generator.name,
        "generator_checksum": weights_of(comparison.generator),
        "encoder": None if encoder is None else dict(encoder.provenance),
        "images": list(comparison.images.stems),
        "images_checksum": checksum("", comparison.images.truths),
        "budget": str(comparison.budget),
        "tasks": list(cases),
        "methods": [method.name for method in methods],
        "recipes": {
            task: {method.name: version(method, case) for method in methods}
            for task, case in cases.items()
        },
        "seed": comparison.seed,
        **({"lpips_vgg": checksum("", comparison.lpips_vgg)} if comparison.true else {}),
    }
