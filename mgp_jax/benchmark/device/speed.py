"""How fast whole recipes run: seconds a step, images an hour, and how near the device's best."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp

from mgp_jax.benchmark.arithmetic import step_bytes, step_flops
from mgp_jax.benchmark.cost import named_generator
from mgp_jax.benchmark.device.facts import Peak, measured_peak
from mgp_jax.benchmark.device.setting import Setting, on_cpu
from mgp_jax.degradations import Identity
from mgp_jax.doctor import Check
from mgp_jax.generators import Generator
from mgp_jax.inversion import Inversion, image_keys, outline, pose, resolve, start
from mgp_jax.memory import device_limit
from mgp_jax.recipes import recipe_for
from mgp_jax.solve import (
    Problem,
    Program,
    State,
    begin,
    compile_program,
    compile_steps,
    measure_seconds,
)

GENERATORS = ("faces64", "faces1024", "pggan:1024", "stylegan2:1024")
BATCHES = (1, 4, 16, 64)
# Long enough that starting the clock does not count, short enough for ten minutes.
MEASURED = 1.0


class StepCost(NamedTuple):
    """What a step of a phase costs, for the whole batch.

    Attributes:
        seconds: of a step.
        compile_seconds: of its program.
        memory: bytes of the program; None where the backend does not say.
        bytes: that a step reads and writes, as the compiler counts; None where it does not.
    """

    seconds: float
    compile_seconds: float
    memory: int | None
    bytes: float | None


def speed(setting: Setting) -> Iterator[Check]:
    """Yields, the smallest batches first, what the recipe `fast` for inversion costs."""
    peak, limit = measured_peak(setting), device_limit()
    largest: dict[str, float] = {}
    for name, batch in workloads(setting):
        # Programs grow with the batch, a little less than in proportion; compiling one that does
        # not fit takes minutes.
        if limit is not None and largest.get(name, 0) * batch > 1.2 * limit:
            yield Check(f"{name}, batch {batch}", True, "does not fit", {"fits": False})
            continue
        try:
            check = workload(name, batch, peak, setting)
            taken = [size or 0 for size in check.facts.get("program_bytes", [])]
            largest[name] = max(taken, default=0) / batch
            yield check
        except Exception as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            yield Check(f"{name}, batch {batch}", True, "does not fit", {"fits": False})


def workloads(setting: Setting) -> list[tuple[str, int]]:
    """Returns generators and batch sizes; on a CPU what takes seconds or a few minutes."""
    if setting.quick:
        pairs = [("faces64", 1)]
    elif on_cpu():
        pairs = [("faces64", 1), ("faces64", 4), ("faces1024", 1)]
    else:
        pairs = [(name, batch) for batch in BATCHES for name in GENERATORS]
    return setting.chosen(pairs)


def workload(name: str, batch: int, peak: Peak, setting: Setting) -> Check:
    """Measures one generator at one batch size."""
    generator = generator_named(name)
    recipe = recipe_for("fast", Identity(), generator)
    if setting.quick:
        recipe = recipe.with_(codes=2, candidates=4)
    inversion = resolve(generator, recipe=recipe)
    title = f"{name}, batch {batch}"
    begun, costs = costs_of(inversion, batch, 0.0 if setting.quick else MEASURED)
    if costs is None:
        return Check(title, True, "does not fit", {"fits": False})
    steps = sum(p.steps * cost.seconds for p, cost in zip(recipe.phases, costs, strict=True))
    hourly = 3600 * batch / (begun + steps)
    flops = [batch * step_flops(inversion, k) / cost.seconds for k, cost in enumerate(costs)]
    facts = {
        "generator": name,
        "batch": batch,
        "start_seconds": begun,
        "steps": [phase.steps for phase in recipe.phases],
        "step_seconds": [cost.seconds for cost in costs],
        "compile_seconds": [cost.compile_seconds for cost in costs],
        "images_an_hour": hourly,
        "of_peak_flops": [rate / peak.flops for rate in flops],
        "of_peak_bytes": [
            None if cost.bytes is None else cost.bytes / cost.seconds / peak.bytes for cost in costs
        ],
        "program_bytes": [cost.memory for cost in costs],
        "fits": True,
    }
    shares = " and ".join(f"{100 * share:.0f}" for share in facts["of_peak_flops"])
    text = ", ".join(f"{1e3 * cost.seconds:.3g} ms" for cost in costs)
    found = f"a step {text}; {hourly:.4g} images an hour; {shares} % of the peak's operations"
    known = [share for share in facts["of_peak_bytes"] if share is not None]
    if known:
        found += f", {' and '.join(f'{100 * share:.0f}' for share in known)} % of its bytes"
    return Check(title, True, found, facts)


def costs_of(inversion: Inversion, batch: int, least: float) -> tuple[float, list[StepCost] | None]:
    """Compiles all programs of an inversion and times them on random images.

    Args:
        inversion: what is done.
        batch: number of images.
        least: seconds that a phase is measured for, about.

    Returns: seconds of the start, and what a step of each phase costs; None if a program does not
        fit into the device's memory.
    """
    limit = device_limit()
    shapes, snapshots = outline(inversion, batch)
    programs = [
        compile_steps(shapes, snapshot.state, phase)
        for snapshot, phase in zip(snapshots, inversion.phases, strict=True)
    ]
    if limit is not None and any((program.memory or 0) > limit for program in programs):
        return 0.0, None
    seen = jnp.tanh(jax.random.normal(jax.random.key(0), (batch, *inversion.image_shape)))
    problem, keys = pose(inversion, seen), image_keys(0, jnp.arange(batch))
    beginning = compile_program(start.lower(problem, keys, inversion.phases[0]))
    variables, begun = measure_seconds(lambda: beginning.run(problem, keys))
    costs = []
    for phase, program in zip(inversion.phases, programs, strict=True):
        state = begin(problem, variables, jnp.zeros(batch, jnp.int32), phase)
        seconds, state = seconds_a_step(program, problem, state, phase.steps, least)
        counted = step_bytes(program)
        costs.append(StepCost(seconds, program.compile_seconds, program.memory, counted))
        variables = state.variables
    return begun, costs


def seconds_a_step(
    program: Program, problem: Problem, state: State, steps: int, least: float
) -> tuple[float, State]:
    """Measures a step of a phase that has so many, for `least` seconds, about.

    Returns: the seconds, and the state behind the steps.
    """
    state, first = measure_seconds(lambda: program.run(problem, state, 1))
    count = max(1, min(steps - 1, int(least / max(first, 1e-6))))
    state, seconds = measure_seconds(lambda: program.run(problem, state, count))
    return seconds / count, state


@cache
def generator_named(name: str) -> Generator:
    """Returns a generator as `cost.named_generator` does, made once."""
    return named_generator(name)
