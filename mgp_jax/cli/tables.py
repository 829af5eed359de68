"""The command that compares all methods on all tasks."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import tyro

from mgp_jax.cli.common import DEFAULT_GENERATOR, OK, SOME_FAILED, Command
from mgp_jax.errors import SettingError
from mgp_jax.seeds import check_seed


@dataclass(frozen=True, kw_only=True)
class Tables(Command):
    """Compare all methods on all tasks: tables in Markdown and JSON, plots, pictures.

    Every image is degraded, restored by every method with the same budget, and measured against
    itself.

    Example: mgp bench tables --images photos/ --out tables --budget 3s
    """

    name: ClassVar[str] = "tables"

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder for the results; the same command on it again continues where it stopped."""
    images: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE|FOLDER")] = ()
    """Clean photographs; without them the bundled photograph and images that the generator makes
    of fixed seeds."""
    generator: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = DEFAULT_GENERATOR
    """A bundled generator (faces1024, faces64) or a file written by mgp-convert."""
    encoder: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The generator's encoder, made by `mgp train-encoder`; without it the methods that need one
    are left out."""
    tasks: Annotated[tuple[str, ...], tyro.conf.arg(metavar="TASK...")] = ()
    """Some of the tasks only."""
    methods: Annotated[tuple[str, ...], tyro.conf.arg(metavar="METHOD...")] = ()
    """Some of the methods only."""
    budget: Annotated[str, tyro.conf.arg(metavar="SECONDS|STEPS")] = "3s"
    """What every method may spend on an image: 3s is three seconds, 200 is two hundred steps. The
    same steps and seed give the same table; how many steps a second buys is measured once and kept
    in the folder."""
    grid: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N...")] = (1, 5, 20, 40)
    """Numbers of codes of the figure that shows them against the cut; without a number there is no
    such figure."""
    grid_steps: Annotated[int, tyro.conf.arg(metavar="K")] = 60
    """Steps of every point of this figure."""
    seed: int = 0
    """Seed of the random starts and of simulated noise."""

    def run(self, argv: Sequence[str]) -> int:
        """Runs what has no record yet and writes tables and plots."""
        from mgp_jax.generators import load_generator
        from mgp_jax.methods.encoder_network import load_encoder
        from mgp_jax.tables import (
            GRID_TASKS,
            Comparison,
            example_images,
            make_case,
            parse_budget,
            read_images,
            run_grid,
            run_tables,
            write_tables,
        )

        check_seed(self.seed)
        if (self.grid and min(self.grid) < 1) or self.grid_steps < 1:
            raise SettingError("grid: numbers of codes and of steps must be at least 1")
        budget = parse_budget(self.budget)
        generator = load_generator(self.generator)
        chosen = read_images(self.images, generator) if self.images else example_images(generator)
        comparison = Comparison(
            generator=generator,
            images=chosen,
            budget=budget,
            encoder=None if self.encoder is None else load_encoder(self.encoder, generator),
            tasks=self.tasks,
            methods=self.methods,
            seed=self.seed,
        )
        console = self.telling.console()

        def say(text: str) -> None:
            console.print(text, markup=False, highlight=False, soft_wrap=True)

        def show(record: dict[str, Any]) -> None:
            text = record["error"] or f"{record['steps']} steps, {record['seconds']} s an image"
            say(f"{record['task']}, {record['method']}: {text}")

        def show_point(record: dict[str, Any]) -> None:
            say(f"{record['task']}, {record['codes']} codes at the cut {record['layer']}")

        records, points = run_tables(comparison, self.out, show), []
        if self.grid:
            tasks = [task for task in GRID_TASKS if task in (self.tasks or GRID_TASKS)]
            cases = {task: make_case(comparison, task) for task in tasks}
            place = self.out / "grid"
            points = run_grid(cases, chosen.truths, self.grid, self.grid_steps, place, show_point)
        about = {
            "command": shlex.join(["mgp", *argv]),
            "generator": generator.name,
            "images": list(chosen.stems),
            "budget": str(budget),
            "seed": self.seed,
        }
        page = write_tables(self.out, records, about, points)
        values = json.loads((self.out / "tables.json").read_text())["summary"]
        self.telling.answer(values, str(page))
        return OK if all(record["error"] is None for record in records) else SOME_FAILED
