"""The measurements of speed: quality over time, and what a step costs."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import tyro

from mgp_jax.cli.common import DEFAULT_GENERATOR, OK, SOME_FAILED, Command, Flag
from mgp_jax.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from mgp_jax.benchmark.quality import Point


@dataclass(frozen=True, kw_only=True)
class Measuring(Command):
    """The options of both measurements."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder for tables (Markdown, JSON) and diagrams."""
    reference: Annotated[Path | None, tyro.conf.arg(metavar="SCRIPT")] = None
    """The PyTorch loop to compare with: tests/benchmarks/torch_reference.py of the checkout unless
    given."""
    python: Annotated[str, tyro.conf.arg(metavar="PROGRAM")] = sys.executable
    """The Python to run it with, one that has PyTorch."""
    no_reference: Flag = False
    """Measure ours only."""

    def prepare(self) -> "Console":
        """Makes the folder.

        Raises:
            SettingError: it cannot be made.
        """
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingError(f"{self.out}: cannot be written ({error.strerror})") from None
        return self.telling.console()

    def run_reference(self, arguments: "Sequence[str]") -> "Iterator[dict[str, Any]]":
        """Runs the reference script and yields its records."""
        from mgp_jax.benchmark.reference import SCRIPT, run_reference

        return run_reference(arguments, self.python, self.reference or SCRIPT)

    def write(self, stem: str, text: str, values: "Any") -> None:
        """Writes tables as Markdown and JSON; what is measured later is added by writing again."""
        (self.out / f"{stem}.md").write_text(text + "\n")
        (self.out / f"{stem}.json").write_text(json.dumps(values, indent=1))


@dataclass(frozen=True, kw_only=True)
class Speed(Measuring):
    """Measure PSNR and LPIPS over time, beside the same method in PyTorch.

    Same weights, images and machine, one after the other. Rendering, metrics and compilation do not
    count.

    Example: mgp bench speed --images photos/ --out speed
    """

    name: ClassVar[str] = "speed"

    images: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE|FOLDER")]
    """Clean photographs."""
    generator: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = DEFAULT_GENERATOR
    """A bundled generator (faces1024, faces64) or a file written by mgp-convert."""
    tasks: Annotated[tuple[str, ...], tyro.conf.arg(metavar="SPEC...")] = ("identity",)
    """Degradations to undo: identity, gray, down:F, mask:..."""
    recipes: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME|FILE...")] = ("fast", "quality")
    """Recipes of ours to measure; each that refines the composed map also without that."""
    steps: Annotated[int, tyro.conf.arg(metavar="K")] = 1000
    """Steps of the tuned reference."""
    published_steps: Annotated[int, tyro.conf.arg(metavar="K")] = 200
    """Steps of the reference as published; 0 to leave it out."""

    def run(self, argv: Sequence[str]) -> int:
        """Measures and writes tables and plots."""
        import numpy as np

        from mgp_jax.benchmark.quality import mean_curve
        from mgp_jax.benchmark.tables import (
            milestone_table,
            milestones,
            plot_quality,
            quality_table,
        )
        from mgp_jax.generators import load_generator
        from mgp_jax.images import find_images, read_image

        console = self.prepare()
        generator = load_generator(self.generator)
        paths = find_images(self.images)
        truths = np.stack(
            [read_image(path, generator.resolution, generator.channels) for path in paths]
        )
        sections, values, status = [], [], OK
        for task in self.tasks:
            ours = self.ours(generator, truths, task, console)
            theirs: dict[str, list[list[Point]]] = {}
            try:
                theirs = self.theirs(task, console)
            except SettingError as error:
                print(f"mgp: {error}", file=sys.stderr)
                status = SOME_FAILED
            curves = {name: [curve] for name, (curve, _) in ours.items()}
            methods = theirs | curves
            text = f"## {task}, {len(truths)} images\n\n{quality_table(methods)}"
            found = []
            if "PyTorch, tuned" in theirs:
                found = milestones(
                    mean_curve(theirs["PyTorch, tuned"]), {k: c for k, (c, _) in ours.items()}
                )
                text += f"\n\n{milestone_table(found)}"
            compiled = ", ".join(f"{name} {seconds:.1f} s" for name, (_, seconds) in ours.items())
            sections.append(f"{text}\n\nCompilation, once: {compiled}.")
            value = {"task": task, "images": [str(path) for path in paths], "curves": methods}
            value["compile_seconds"] = {name: seconds for name, (_, seconds) in ours.items()}
            values.append(value | {"milestones": found})
            stem = f"quality-{task.replace(':', '-').replace('|', '-')}"
            plot_quality(methods, f"{task}, mean or all of {len(truths)}", self.out / f"{stem}.png")
            self.write("speed", "\n\n".join(sections), values)
        self.telling.answer(values, "\n\n".join(sections))
        return status

    def ours(
        self, generator: Any, truths: Any, task: str, console: "Console"
    ) -> "dict[str, tuple[list[Point], float]]":
        """Returns for every recipe the curve and the time of compilation."""
        from mgp_jax.benchmark.quality import curve_of
        from mgp_jax.degradations import parse
        from mgp_jax.metrics import describe
        from mgp_jax.recipe_files import choose_recipe
        from mgp_jax.recipes import codes_only, recipe_for

        degradation = parse(task, generator.resolution)
        curves = {}
        for source in self.recipes:
            recipe = choose_recipe(
                source, partial(recipe_for, degradation=degradation, what=generator)
            )
            variants = {source: recipe}
            if any("residual" in phase.moves for phase in recipe.phases):
                variants[f"{source}, codes alone"] = codes_only(recipe)
            for name, variant in variants.items():
                curve, compilation = curve_of(generator, truths, degradation, variant)
                curves[name] = curve, compilation
                last = curve[-1]
                console.print(
                    f"{task}, {name}: {', '.join(describe(last))} in {last['seconds']:.2f} s an "
                    "image",
                    markup=False,
                )
        return curves

    def theirs(self, task: str, console: "Console") -> "dict[str, list[list[Point]]]":
        """Returns the curves of the reference's loops, one for each image."""
        from mgp_jax.metrics import describe

        loops = {} if self.no_reference else {"tuned": self.steps}
        if self.published_steps and loops:
            loops["published"] = self.published_steps
        curves: dict[str, list[list[Point]]] = {}
        for loop, steps in loops.items():
            arguments = ["--generator", self.generator, "--task", task, "--loop", loop]
            arguments += ["--steps", str(steps), "--images", *map(str, self.images)]
            name = "PyTorch, tuned" if loop == "tuned" else "PyTorch, as published"
            for record in self.run_reference(arguments):
                curves.setdefault(name, []).append(record["curve"])
                last = record["curve"][-1]
                console.print(
                    f"{task}, {name}, {Path(record['image']).name}: {', '.join(describe(last))} "
                    f"in {last['seconds']:.1f} s",
                    markup=False,
                )
        return curves


@dataclass(frozen=True, kw_only=True)
class Cost(Measuring):
    """Measure what a step costs: time against arithmetic and traffic, compilation, memory.

    For the bundled generator and untrained ones of the published layout, at several cuts, numbers
    of codes and batch sizes, beside the same arithmetic in PyTorch.
    Example: mgp bench cost --out cost
    """

    name: ClassVar[str] = "cost"

    generator: Annotated[str | None, tyro.conf.arg(metavar="NAME|FILE|FAMILY:SIZE")] = None
    """Measure this generator only, for example pggan:256 for an untrained one."""
    layers: Annotated[tuple[str, ...], tyro.conf.arg(metavar="CUT...")] = ()
    """Cuts of that generator; its default one unless given."""
    codes: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N...")] = (20,)
    """Numbers of codes for that generator."""
    batches: Annotated[tuple[int, ...], tyro.conf.arg(metavar="B...")] = (1,)
    """Batch sizes for that generator."""
    perceptual: float = 0.0
    """Weight of the perceptual loss for that generator."""
    rounds: int = 3
    """Measurements of each of these cases, of which the fastest counts."""
    quick: Flag = False
    """Without a generator: the bundled one only."""

    def run(self, argv: Sequence[str]) -> int:
        """Measures all cases and writes the table."""
        from dataclasses import replace

        from mgp_jax.benchmark.arithmetic import copy_rate, matrix_product_rate
        from mgp_jax.benchmark.cost import Case, against_floor, growth, measure_apart, suite
        from mgp_jax.benchmark.tables import cost_table

        console = self.prepare()
        cases = suite(self.quick)
        if self.generator is not None:
            plain = Case(self.generator, perceptual=self.perceptual, rounds=self.rounds)
            cases = [
                replace(plain, layer=layer, codes=codes, batch=batch)
                for layer in (self.layers or (None,))
                for codes in self.codes
                for batch in self.batches
            ]
        records: list[dict[str, Any]] = []
        text = ""
        asks, status = not self.no_reference, OK
        for case in cases:
            # Just before the case: other work on the machine slows down both.
            rates = matrix_product_rate(), copy_rate()
            record = against_floor(measure_apart(case), *rates)
            status = SOME_FAILED if "error" in record else status
            if asks and "error" not in record and case.batch in (1, 8):
                record["reference"] = {}
                try:
                    for loop, cost in self.same_in_pytorch(case):
                        record["reference"][loop] = cost
                except SettingError as error:
                    print(f"mgp: {error}", file=sys.stderr)
                    asks, status = False, SOME_FAILED
            records.append(record)
            figure = record.get("error") or f"{record['seconds']:.3g} s a step and image"
            console.print(f"{len(records)}/{len(cases)} {case}: {figure}", markup=False)
            text = cost_table(records)
            for name in ("codes", "batch"):
                pairs = growth(records, name)
                if len(pairs) > 1:
                    line = ", ".join(f"{value}: {seconds:.3g} s" for value, seconds in pairs)
                    text += f"\n\nA step by {name}: {line}."
            self.write("cost", text, records)
        self.telling.answer(records, text)
        return status

    def same_in_pytorch(self, case: Any) -> "Iterator[tuple[str, dict[str, Any]]]":
        """Yields the cost of the same step in the reference's loops."""
        for loop in ("tuned", "compiled", *["published"] * (case.batch == 1)):
            arguments = ["--step-only", "--generator", case.generator, "--loop", loop]
            arguments += ["--codes", str(case.codes), "--batch", str(case.batch)]
            arguments += ["--perceptual", str(case.perceptual), "--repetitions", str(case.rounds)]
            arguments += [] if case.layer is None else ["--layer", case.layer]
            (cost,) = self.run_reference(arguments)
            yield loop, cost
