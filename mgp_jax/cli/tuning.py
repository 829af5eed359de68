"""The command that finds a recipe for a person's own generator and task."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import tyro

from mgp_jax.cli.common import OK, Command, LabelOption
from mgp_jax.errors import SettingError
from mgp_jax.seeds import check_seed
from mgp_jax.tasks import tasks_for

if TYPE_CHECKING:
    from rich.console import Console

    from mgp_jax.tuning import Standing, Trial, Trials

# By command: each has one example that recipes are sought for.
TASKS = {task.command: task for task in tasks_for("tune").values()}
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}

if TYPE_CHECKING:
    TaskName = str
else:
    TaskName = Literal[*TASKS]


@dataclass(frozen=True, kw_only=True)
class Tune(Command):
    """Find cut, number of codes, steps and rates for a generator and a task.

    Recipes are tried on a few clean sample images, which are degraded first; the best one becomes a
    file for --recipe. The same command on the same file continues, with more budget if it is given
    more.

    Example: mgp tune faces64 --images photos/ --task colorize --budget 30m --out recipe.json
    """

    name: ClassVar[str] = "tune"

    generator: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GENERATOR")]
    """A bundled generator (faces1024, faces64) or a file written by mgp-convert."""
    label: LabelOption = None
    """Class to draw, from 0 on, or mean for all alike: for generators of several classes."""
    images: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE|FOLDER")]
    """Clean sample images; six to twelve are enough."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.json")]
    """The recipe. All trials are written beside it, to FILE.trials.jsonl."""
    task: TaskName = "invert"
    """What the recipe is for: super-resolve by 4, inpaint 80 % missing pixels, denoise 0.1, deblur
    gaussian:1.5; others are asked for by --degradation."""
    degradation: Annotated[str | None, tyro.conf.arg(metavar="SPEC")] = None
    """What the recipe is for, in the form of `mgp restore`; the task's unless given."""
    budget: Annotated[str, tyro.conf.arg(metavar="TIME")] = "30m"
    """Time for all trials, compilation included: 90s, 30m, 2h."""
    seconds: Annotated[float | None, tyro.conf.arg(metavar="S")] = None
    """Time an image that the recipe may take; that of the recipe fast unless given."""
    metric: str = "psnr"
    """What is to be best in the mean of the sample images: psnr, ssim or lpips."""
    batch_size: Annotated[int, tyro.conf.arg(metavar="B")] = 4
    """Images restored at a time, at most; on a CPU one from 256 pixels on."""
    seed: int = 0
    """Seed of the search, of the random starts and of simulated noise."""

    def run(self, argv: Sequence[str]) -> int:
        """Searches and writes the recipe."""
        import numpy as np

        from mgp_jax.degradations import parse
        from mgp_jax.generators import load_generator
        from mgp_jax.images import find_images, read_image
        from mgp_jax.memory import at_a_time
        from mgp_jax.tuning import Search, tune

        check_seed(self.seed)
        generator = load_generator(self.generator, self.label)
        spec = self.degradation or TASKS[self.task].spec(generator.resolution)
        paths = find_images(self.images)
        size = generator.resolution, generator.channels
        search = Search(
            generator=generator,
            degradation=parse(spec, generator.resolution, generator.channels),
            truths=np.stack([read_image(path, *size) for path in paths]),
            budget=parse_time(self.budget),
            metric=self.metric,
            seconds=self.seconds,
            batch_size=at_a_time(generator.resolution, min(self.batch_size, len(paths))),
            seed=self.seed,
        )
        console = self.telling.console()

        def on_trial(trial: "Trial", trials: "Trials") -> None:
            # What is best so far is on the disk whenever the search is stopped.
            best = trials.best()
            self.save(best, spec)
            show(console, trial, trials, best)

        best = tune(search, self.out.with_suffix(".trials.jsonl"), on_trial)
        about, recipe = self.save(best, spec), best.recipe
        self.telling.answer(
            about | {"recipe": str(self.out)},
            f"{self.metric} {abs(best.score):.4g} in {best.seconds:.2f} s an image: cut "
            f"{recipe.layer}, {recipe.codes} codes, {recipe.steps} steps\n{self.out}",
        )
        return OK

    def save(self, best: "Standing", spec: str) -> "dict[str, Any]":
        """Writes the recipe, with what it was found for, and returns the latter."""
        from mgp_jax.recipe_files import write_recipe

        about = {
            "generator": self.generator,
            "degradation": spec,
            self.metric: round(abs(best.score), 4) if math.isfinite(best.score) else None,
            "seconds": round(best.seconds, 3),
            "images": best.images,
        }
        write_recipe(self.out, best.recipe, about)
        return about


def show(console: "Console", trial: "Trial", trials: "Trials", best: "Standing") -> None:
    """Shows a trial, the best so far and how much of the budget is used."""
    import numpy as np

    recipe, search = trial.recipe, trials.search
    steps = "+".join(str(phase.steps) for phase in recipe.phases)
    slow = ", too slow" if trials.too_slow(trial) else ""
    console.print(
        f"tune: {trials.spent:.0f} of {search.budget:.0f} s, cut {recipe.layer}, "
        f"{recipe.codes} codes, {steps} steps: {search.metric} {np.mean(trial.scores):.4g} in "
        f"{trial.seconds:.2f} s an image{slow}; best {abs(best.score):.4g} in {best.seconds:.2f} s",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def parse_time(text: str) -> float:
    """Returns seconds of a text like 90, 90s, 30m, 1.5h.

    Raises:
        SettingError: it is no time.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if match is None:
        raise SettingError(f"budget: {text} is no time, for example 90s, 30m or 2h")
    return float(match[1]) * UNITS[match[2]]
