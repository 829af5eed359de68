"""How fast whole recipes run: seconds a step, images an hour, and how near the device's best."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from mgp_jax.benchmark.arithmetic import step_flops
from mgp_jax.benchmark.cost import named_generator
from mgp_jax.benchmark.device.facts import Peak, measured_peak
from mgp_jax.benchmark.device.setting import Setting, on_cpu, side_by_side
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
# One image and many first: what lies between is the least news.
BATCHES = (1, 16, 64, 4)
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


class Ready(NamedTuple):
    """An inversion of random images whose programs are compiled.

    Attributes:
        inversion: what is done.
        problem: what stays the same.
        beginning: the program that starts it, and its arguments but for the phase.
        states: where each phase begins.
        programs: the steps of each phase.
    """

    inversion: Inversion
    problem: Problem
    keys: jax.Array
    beginning: Program
    states: list[State]
    programs: list[Program]


def speed(setting: Setting) -> Iterator[Check]:
    """Yields what the recipe `fast` for inversion costs."""
    peak, limit = measured_peak(setting), device_limit()
    taken: dict[str, float] = {}
    for batch, names in workloads(setting).items():
        # Programs grow with the batch, a little less than in proportion.
        hopeless = [n for n in names if limit and taken.get(n, 0) * batch > 1.2 * limit]
        for name in hopeless:
            yield _too_large(name, batch, taken[name] * batch)
        names = [name for name in names if name not in hopeless]
        prepared = side_by_side(lambda name, b=batch: _prepared(name, b, setting), names)
        for name, found in list(zip(names, prepared, strict=True)):
            if not isinstance(found, Ready):
                yield _too_large(name, batch, found)
                continue
            taken[name] = max(program.memory or 0 for program in found.programs) / batch
            yield workload(name, found, peak, 0.0 if setting.quick else MEASURED)


def workloads(setting: Setting) -> dict[int, list[str]]:
    """Returns generators by batch size; on a CPU what takes seconds or a few minutes."""
    if setting.quick:
        return {1: ["faces64"]}
    if on_cpu():
        return {1: ["faces64", "faces1024"], 4: ["faces64"]}
    return {batch: list(GENERATORS) for batch in BATCHES}


def _prepared(name: str, batch: int, setting: Setting) -> Ready | float:
    generator = generator_named(name)
    recipe = recipe_for("fast", Identity(), generator)
    if setting.quick:
        recipe = recipe.with_(codes=2, candidates=4)
    return ready(resolve(generator, recipe=recipe), batch)


def _too_large(name: str, batch: int, size: float) -> Check:
    text = f"does not fit: {size / 1e9:.0f} GB"
    return Check(f"{name}, batch {batch}", True, text, {"fits": False, "bytes": size})


def workload(name: str, prepared: Ready, peak: Peak, least: float) -> Check:
    """Measures an inversion that is ready.

    Args:
        name: that of its generator.
        prepared: the inversion.
        peak: what the device does at best.
        least: seconds that a phase is measured for, about.
    """
    inversion, batch = prepared.inversion, len(prepared.keys)
    recipe = inversion.recipe
    begun, costs = costs_of(prepared, least)
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
    return Check(f"{name}, batch {batch}", True, found, facts)


def ready(inversion: Inversion, batch: int) -> Ready | float:
    """Compiles all programs of an inversion of random images.

    Returns: the inversion; or how many bytes the largest program takes, if it does not fit into the
        device's memory.
    """
    limit = device_limit()
    shapes, snapshots = outline(inversion, batch)
    programs = [
        compile_steps(shapes, snapshot.state, phase)
        for snapshot, phase in zip(snapshots, inversion.phases, strict=True)
    ]
    size = max(program.memory or 0 for program in programs)
    if limit is not None and size > limit:
        return float(size)
    seen = jnp.tanh(jax.random.normal(jax.random.key(0), (batch, *inversion.image_shape)))
    problem, keys = pose(inversion, seen), image_keys(0, jnp.arange(batch))
    beginning = compile_program(start.lower(problem, keys, inversion.phases[0]))
    variables = beginning.run(problem, keys)
    fresh = jnp.zeros(batch, jnp.int32)
    states = [begin(problem, variables, fresh, phase) for phase in inversion.phases]
    return Ready(inversion, problem, keys, beginning, states, programs)


def costs_of(prepared: Ready, least: float) -> tuple[float, list[StepCost]]:
    """Returns the seconds of the start, and what a step of each phase costs.

    Args:
        prepared: the inversion.
        least: seconds that a phase is measured for, about.
    """
    inversion, problem, keys, beginning, states, programs = prepared
    _, begun = measure_seconds(lambda: beginning.run(problem, keys))
    costs = []
    for phase, state, program in zip(inversion.phases, states, programs, strict=True):
        seconds = seconds_a_step(program, problem, state, phase.steps, least)
        # The compiler counts the body of the loop once.
        analysis: Any = program.run.cost_analysis() or {}  # type: ignore[attr-defined]
        counted = analysis.get("bytes accessed")
        costs.append(StepCost(seconds, program.compile_seconds, program.memory, counted))
    return begun, costs


def seconds_a_step(
    program: Program, problem: Problem, state: State, steps: int, least: float
) -> float:
    """Measures a step of a phase that has so many, for `least` seconds, about."""
    state, first = measure_seconds(lambda: program.run(problem, state, 1))
    count = max(1, min(steps - 1, int(least / max(first, 1e-6))))
    _, seconds = measure_seconds(lambda: program.run(problem, state, count))
    return seconds / count


@cache
def generator_named(name: str) -> Generator:
    """Returns a generator as `cost.named_generator` does, made once."""
    return named_generator(name)
