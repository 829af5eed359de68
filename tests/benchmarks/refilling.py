"""What a run would gain if the places of images that have stopped were refilled at once.

    python tests/benchmarks/refilling.py FOLDER [--degradation noise:0.1] [--target-psnr DB]
        [--batch-sizes 8 4 16]

FOLDER holds clean images. They are degraded and restored once, at the first batch size, which tells
how many steps each takes in every phase. A batch goes on until its slowest image has stopped. The
bound is a run in which no place ever idles: every step of every image at the cost of its share of a
full batch, and all else as it is.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from throughput import step_seconds

from mgp_jax.batch import Input, Job, find_inputs, load, run
from mgp_jax.degradations import parse
from mgp_jax.generators import load_generator
from mgp_jax.inversion import resolve
from mgp_jax.recipes import recipe_for


def steps_by_phase(steps: Sequence[int], phases: Sequence[int]) -> np.ndarray:
    """Splits the steps of images that stop once among the phases: int[images, phases]."""
    before = np.cumsum([0, *phases[:-1]])
    return np.clip(np.asarray(steps)[:, None] - before, 0, phases)


def seconds_of_steps(steps: np.ndarray, costs: Sequence[float], size: int) -> tuple[float, float]:
    """Returns the seconds of all steps as they are run, and if no place ever idled.

    Args:
        steps: int[images, phases], what each image takes.
        costs: seconds of a step of a full batch, by phase.
        size: images in a batch.
    """
    batches = [steps[start : start + size].max(axis=0) for start in range(0, len(steps), size)]
    return float(np.sum(batches @ np.asarray(costs))), float(np.sum(steps @ costs) / size)


def timed_run(job: Job, inputs: Sequence[Input]) -> tuple[float, list[int]]:
    """Returns the seconds of a run whose programs are compiled, and the steps of its images."""
    paths = [entry.path for entry in inputs]
    with tempfile.TemporaryDirectory() as folder:
        run(job, paths[: job.batch_size], Path(folder) / "compiling")
        began = time.perf_counter()
        records = run(job, paths, Path(folder) / "out")
        return time.perf_counter() - began, [record["steps"] for record in records]


def main() -> None:
    """Runs once, then computes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--generator", default="faces64")
    parser.add_argument("--degradation", default="noise:0.1")
    parser.add_argument("--target-psnr", type=float, default=None)
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[8, 4, 16])
    arguments = parser.parse_args()
    generator = load_generator(arguments.generator)
    degradation = parse(arguments.degradation, generator.resolution)
    recipe = recipe_for("fast", degradation, generator)
    first = arguments.batch_sizes[0]
    inversion = resolve(generator, degradation, recipe, target_psnr=arguments.target_psnr)
    job = Job("restore", inversion, degradation, simulate=True, batch_size=first)
    inputs = find_inputs([arguments.folder]).entries
    whole, taken = timed_run(job, inputs)
    phases = [phase.steps for phase in recipe.phases]
    steps = steps_by_phase(taken, phases)
    print(f"{len(inputs)} images at batch {first}: {whole:.1f} s, compilation apart")
    print(f"steps by phase: {phases}, mean {steps.mean(axis=0)}, median {np.median(steps, axis=0)}")
    rest = 0.0
    for size in arguments.batch_sizes:
        images = np.stack([load(job, entry).observation for entry in inputs[:size]])
        costs = [step for _, step in step_seconds(inversion, images)]
        here, bound = seconds_of_steps(steps, costs, size)
        # What is no step does not depend on the batch size.
        rest = whole - here if size == first else rest
        each = ", ".join(f"{1e3 * cost / size:.1f}" for cost in costs)
        run_seconds = here + rest
        print(
            f"batch {size}: a step and image {each} ms; all steps {here:.1f} s, if no place idled "
            f"{bound:.1f} s: of a run of {run_seconds:.1f} s {(here - bound) / run_seconds:.0%}"
        )


if __name__ == "__main__":
    main()
