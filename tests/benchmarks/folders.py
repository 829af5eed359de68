"""Whether a folder of many files takes flat memory, and how much of a run is anything but steps.

    python tests/benchmarks/folders.py [--images 10000] [--steps 3] [--codes 2] [--page]

Inverts so many photographs, with so many steps or those of the recipe `fast`, as `mgp invert` does,
and prints the memory that is resident at every tenth of the way. Then a few batches are inverted
with three steps, and these steps are run alone: what is left is what reading, measuring, writing
and all else take, and is compared with the steps of a whole batch. (The difference between long
runs would tell more of how the machine's speed varies.) All times are those of the processor,
summed over its cores, so that other work on the machine does not count; the programs have been
compiled before.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.batch import Event, Input, Job, Loaded, find_inputs, load, run
from mgp_jax.degradations import parse
from mgp_jax.generators import Generator, generate, load_generator, random_latents
from mgp_jax.images import write_image
from mgp_jax.inversion import image_keys, pose, resolve, start
from mgp_jax.recipes import recipe_for
from mgp_jax.report import write_contact_sheet, write_page
from mgp_jax.solve import begin, compile_steps

DISTINCT = 64
FEW_STEPS, FEW_BATCHES = 3, 10
TENTHS = 10


def write_photographs(folder: Path, generator: Generator, count: int) -> None:
    """Writes images of the generator, of which so many differ, under so many names."""
    folder.mkdir()
    images = np.asarray(generate(generator, random_latents(generator, min(count, DISTINCT))))
    for number in range(count):
        file = folder / f"{number:06}.png"
        if number < DISTINCT:
            write_image(file, images[number])
        else:
            file.hardlink_to(folder / f"{number % DISTINCT:06}.png")


def resident() -> float:
    """Returns the megabytes of this process that are in memory (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def processor_seconds(function: Callable[[], object]) -> float:
    """Returns how long a call keeps the processor busy."""
    began = time.process_time()
    jax.block_until_ready(function())
    return time.process_time() - began


def seconds_of_a_batch(job: Job, inputs: Sequence[Input]) -> tuple[float, float]:
    """Returns the seconds of choosing a batch's start, and of all its steps."""
    items = [load(job, entry) for entry in inputs]
    assert all(isinstance(item, Loaded) for item in items)
    problem = pose(job.inversion, jnp.stack([item.observation for item in items]))
    keys = image_keys(job.inversion.seed, [item.input.number for item in items])
    first, *_ = phases = job.inversion.phases
    start(problem, keys, first)
    starting = processor_seconds(lambda: start(problem, keys, first))
    variables, stepping = start(problem, keys, first), 0.0
    for phase in phases:
        state = begin(problem, variables, jnp.zeros(len(items), jnp.int32), phase)
        program = compile_steps(problem, state, phase)
        jax.block_until_ready(program.run(problem, state, 1))
        stepping += processor_seconds(partial(program.run, problem, state, phase.steps))
        variables = state.variables
    return starting, stepping


def seconds_outside(job: Job, inputs: Sequence[Input], folder: Path) -> float:
    """Returns what an image costs beside its start and its steps, from a run of few steps."""
    inversion, size = job.inversion, job.batch_size
    recipe = inversion.recipe.with_(steps=FEW_STEPS)
    few = replace(job, inversion=resolve(inversion.split, job.degradation, recipe))
    run(few, [entry.path for entry in inputs[:size]], folder / "compiling few")
    taken = inputs[: FEW_BATCHES * size]
    total = processor_seconds(lambda: run(few, [entry.path for entry in taken], folder / "few"))
    # Several times, for a batch takes now more, now less.
    alone = [sum(seconds_of_a_batch(few, inputs[:size])) for _ in range(FEW_BATCHES)]
    return total / len(taken) - statistics.mean(alone) / size


def main() -> None:
    """Runs, and prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", default="faces64")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--codes", type=int, help="so many, and none to choose them from")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--page", action="store_true", help="write the sheet and the page, too")
    arguments = parser.parse_args()
    generator = load_generator(arguments.generator)
    degradation = parse("identity", generator.resolution)
    recipe = recipe_for("fast", degradation, generator)
    if arguments.codes is not None:
        recipe = recipe.with_(codes=arguments.codes, candidates=0)
    if arguments.steps is not None:
        recipe = recipe.with_(steps=arguments.steps)
    inversion = resolve(generator, degradation, recipe)
    job = Job("invert", inversion, degradation, batch_size=arguments.batch_size)
    began = time.perf_counter()
    told = 0

    def note(event: Event) -> None:
        nonlocal told
        if event.records and event.done * TENTHS // event.total > told:
            told = event.done * TENTHS // event.total
            size, wall = resident(), time.perf_counter() - began
            print(f"{event.done:6} images: {size:.0f} MB resident, {wall:.0f} s", flush=True)

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_photographs(folder / "photographs", generator, arguments.images)
        entries = find_inputs([folder / "photographs"]).entries
        batch = entries[: arguments.batch_size]
        run(job, [entry.path for entry in batch], folder / "compiling")
        began = time.perf_counter()
        total = processor_seconds(lambda: run(job, [folder / "photographs"], folder / "out", note))
        wall = time.perf_counter() - began
        if arguments.page:
            written = processor_seconds(
                lambda: (write_contact_sheet(folder / "out"), write_page(folder / "out"))
            )
            print(f"sheet and page: {written:.1f} s, {resident():.0f} MB resident")
        starting, stepping = (part / len(batch) for part in seconds_of_a_batch(job, batch))
        outside = seconds_outside(job, entries, folder)
    whole = starting + stepping + outside
    print(
        f"{arguments.images} images: {total:.0f} s of the processor in {wall:.0f} s; an image: "
        f"steps {stepping:.3f} s, start {starting:.3f} s, all else {outside:.3f} s "
        f"({outside / whole:.1%})"
    )


if __name__ == "__main__":
    main()
