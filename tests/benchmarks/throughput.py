"""What a run over many images spends its time on, and a simulation of it on up to 256 devices.

Compile, step, input, output and checkpoint times are measured here, in one process:

    python tests/benchmarks/throughput.py [--batch-sizes 1 16] [--images 10000] [--speed 1 100]

The simulated run is the one of `mgp_jax.batch`: every device has its own batch, every host reads
ahead and writes behind with a few threads each, and nothing is exchanged. `--speed` is how many
times faster than this machine a device is assumed to be; its host has `--cores` like those here.
"""

import argparse
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import numpy as np

import mgp_jax
from mgp_jax.batch import Input, Job, load
from mgp_jax.batch.outputs import write_outputs
from mgp_jax.checkpoint import Checkpoints
from mgp_jax.degradations import parse
from mgp_jax.generators import load_generator
from mgp_jax.images import read_image, write_image
from mgp_jax.inversion import Inversion, image_keys, outline, pose, resolve, start
from mgp_jax.recipes import recipe_for
from mgp_jax.restoration import Restoration, restore
from mgp_jax.solve import begin, compile_steps, report

DEVICES_OF_A_HOST = 8
ASSETS = Path(mgp_jax.__file__).parent / "assets"
RECORD_SECONDS = 1e-4  # to read and write a record once more when the files are merged


@dataclass(frozen=True)
class Costs:
    """What was measured, in seconds.

    Attributes:
        compilation: of all programs of a run.
        restoration: of one batch, by batch size.
        reading: of one image.
        writing: of one image, measuring included.
        checkpoint: of one batch of the largest size.
        checkpoints: how many a batch has.
    """

    compilation: float
    restoration: dict[int, float]
    reading: float
    writing: float
    checkpoint: float
    checkpoints: float


def seconds(function: Callable[..., object], *arguments: object) -> float:
    """Returns the shortest time of three calls."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        times.append(time.perf_counter() - began)
    return min(times)


def step_seconds(
    inversion: Inversion, observations: np.ndarray, steps: int = 5
) -> list[tuple[float, float]]:
    """Returns for every phase the seconds of its compilation and of a step of the whole batch."""
    problem, found = pose(inversion, jax.numpy.asarray(observations)), []
    keys = image_keys(0, np.arange(len(observations)))
    variables = start(problem, keys, inversion.phases[0])
    for phase in inversion.phases:
        state = begin(problem, variables, jax.numpy.zeros(len(observations), "int32"), phase)
        program = compile_steps(problem, state, phase)
        taken = seconds(program.run, problem, state, steps) / steps
        found.append((program.compile_seconds, taken))
        variables = state.variables
    return found


def measure(name: str, batch_sizes: Sequence[int], steps: int, webp: int | None) -> Costs:
    """Measures inversion with the fast recipe; of a phase only so many steps are run."""
    generator = load_generator(name)
    degradation = parse("identity", generator.resolution)
    recipe = recipe_for("fast", degradation, generator)
    inversion = resolve(generator, degradation, recipe)
    job = Job("invert", inversion, degradation)
    folder = Path(tempfile.mkdtemp())
    photograph = folder / "photograph.png"
    # As large and as rich as what is restored.
    write_image(photograph, read_image(ASSETS / "grace_hopper.png", generator.resolution))
    entry = Input(0, photograph, "photograph")
    item = load(job, entry)
    reading = seconds(load, job, entry)

    restoration, compilation = {}, 0.0
    for size in sorted(batch_sizes):
        observations = np.stack([item.observation] * size)
        found = step_seconds(inversion, observations, steps)
        for number, (_, step) in enumerate(found):
            print(f"batch {size}, phase {number}: {1e3 * step / size:.1f} ms a step and image")
        compilation = sum(compiling for compiling, _ in found)
        restoration[size] = sum(
            step * phase.steps for (_, step), phase in zip(found, recipe.phases, strict=True)
        )
    shapes = outline(inversion, max(batch_sizes))[1][-1]
    snapshot = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    saver = Checkpoints(folder / "checkpoints", 0, {})
    checkpoint = seconds(saver.save, report(snapshot, inversion.phases))

    short = recipe.with_(steps=len(recipe.phases))
    began = time.perf_counter()
    restored: Restoration = restore(generator, item.observation[None], degradation, short)
    compilation += time.perf_counter() - began
    write_outputs(job, item, restored, 0, folder)  # compiles the metrics
    writing = seconds(write_outputs, replace(job, webp=webp), item, restored, 0, folder)
    shutil.rmtree(folder)
    saves = recipe.steps / job.checkpoint_every
    return Costs(compilation, restoration, reading, writing, checkpoint, saves)


def simulate(
    costs: Costs, devices: int, images: int, size: int, speed: float, cores: int
) -> tuple[float, str]:
    """Returns the seconds of a run, and what most of them go to.

    A batch on all devices takes as long as the slower of restoring it and, on each host, reading
    the next one and writing the one before, for which it has so many cores.
    """
    size = min(size, math.ceil(images / devices))
    known = max(s for s in costs.restoration if s <= max(size, min(costs.restoration)))
    here = min(devices, DEVICES_OF_A_HOST)
    stepping = costs.restoration[known] * size / known / speed
    # Runs over several processes have no checkpoints.
    alone = devices <= DEVICES_OF_A_HOST
    saving = costs.checkpoint * costs.checkpoints * devices if alone else 0.0
    restoring = stepping + saving
    hosting = here * size * (costs.reading + costs.writing) / cores
    rounds = math.ceil(images / (devices * size))
    parts = {
        "steps": rounds * stepping,
        "checkpoints": rounds * saving,
        "hosts' input and output": max(0.0, hosting - restoring) * rounds,
        "compilation": costs.compilation,
        "first input, last output, merging": hosting + RECORD_SECONDS * images,
    }
    return sum(parts.values()), max(parts, key=lambda name: parts[name])


def main() -> None:
    """Measures, then simulates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", default="faces64")
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[1, 16])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--cores", type=int, default=16, help="of a host, 16 at most")
    parser.add_argument("--webp", type=int, help="quality of the results, PNG unless given")
    parser.add_argument("--speed", nargs="+", type=float, default=[1.0, 100.0])
    arguments = parser.parse_args()
    costs = measure(arguments.generator, arguments.batch_sizes, arguments.steps, arguments.webp)
    print(costs)
    slowest = None
    for size, total in costs.restoration.items():
        rate = size / total
        slowest = rate if slowest is None else slowest
        share = size * (costs.reading + costs.writing) / total
        print(
            f"batch {size}: {rate:.3g} images/s, {rate / slowest:.2f} times the smallest batch; "
            f"input and output take {share:.1%} of that time, beside it"
        )
    size = max(costs.restoration)
    for speed in arguments.speed:
        print(f"{arguments.images} images, devices {speed:g} times as fast, {size} images on each:")
        host = (arguments.images, size, speed, min(16, arguments.cores))
        alone, _ = simulate(costs, 1, *host)
        for devices in (2**k for k in range(9)):
            total, most = simulate(costs, devices, *host)
            print(
                f"  {devices:3} devices: {total:9.0f} s, {arguments.images / total:8.2f} images/s, "
                f"efficiency {alone / total / devices:4.0%}, mostly {most}"
            )


if __name__ == "__main__":
    main()
