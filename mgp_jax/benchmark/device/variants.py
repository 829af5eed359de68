"""What may pay on an accelerator, each beside what is done by default."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from orbax.checkpoint import v1 as ocp

from mgp_jax.benchmark.device.setting import Setting, on_cpu
from mgp_jax.benchmark.device.speed import MEASURED, generator_named, seconds_a_step
from mgp_jax.doctor import Check
from mgp_jax.generators.formulations import AS_DEFINED, Formulation, formulated
from mgp_jax.inversion import Inversion, image_keys, pose, resolve, start
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import (
    Execution,
    Problem,
    ResolvedPhase,
    State,
    advance,
    begin,
    compile_program,
    compile_steps,
    measure_seconds,
)

CODES = Recipe("codes", (Phase(1000, schedule="constant"),), codes=8)
CHUNKS = (1, 10, 100)


def formulations(setting: Setting) -> Iterator[Check]:
    """Yields seconds a step by formulation and precision."""
    least = 0.0 if setting.quick else MEASURED
    for name, batch in setting.chosen(_workloads(setting)):
        generator = generator_named(name)
        recipe = CODES.with_(space="w") if "w" in dict(generator.config.spaces) else CODES
        whole = begun(resolve(generator, recipe=recipe), batch)
        low = resolve(generator, recipe=recipe, execution=Execution(precision="bfloat16"))
        variants: dict[str, tuple[Formulation, Begun]] = {
            "XLA's own convolution": (AS_DEFINED, whole),
            "in bfloat16": (AS_DEFINED, begun(low, batch)),
            "by matrix products": (Formulation(products=True), whole),
            "channels in 128 lanes": (Formulation(lanes=128), whole),
            "maps added term by term": (Formulation(terms=True), whole),
        }
        if generator.family == "mobile_stylegan":
            variants["depthwise by shifted sums"] = (Formulation(shifts=True), whole)
        if generator.family == "stylegan2":
            variants["modulated kernels"] = (Formulation(modulated=True), whole)
        for title, (choice, this) in variants.items():
            # What has been traced would stay in its formulation.
            jax.clear_caches()
            with formulated(choice):
                program = compile_steps(this.problem, this.state, this.phase)
            steps = this.phase.steps
            seconds, _ = seconds_a_step(program, this.problem, this.state, steps, least)
            found = f"{1e3 * seconds:.3g} ms a step"
            yield Check(f"{name}, batch {batch}, {title}", True, found, {"seconds": seconds})
        jax.clear_caches()


class Begun(NamedTuple):
    """An inversion at the beginning of its one phase."""

    problem: Problem
    state: State
    phase: ResolvedPhase


def begun(inversion: Inversion, batch: int) -> Begun:
    """Begins an inversion of gray images."""
    (phase,) = inversion.phases
    seen = jnp.zeros((batch, *inversion.image_shape))
    problem, keys = pose(inversion, seen), image_keys(0, jnp.arange(batch))
    variables = start(problem, keys, phase)
    return Begun(problem, begin(problem, variables, jnp.zeros(batch, jnp.int32), phase), phase)


def host(setting: Setting) -> Iterator[Check]:
    """Yields what chunks, donated buffers and checkpoints cost between steps."""
    name, batch = _workloads(setting)[0]
    problem, state, phase = begun(resolve(generator_named(name), recipe=CODES), batch)
    plain: Any = advance
    giving = jax.jit(plain.__wrapped__, static_argnames="phase", donate_argnames="state")
    for title, function in (("kept", advance), ("donated", giving)):
        program = compile_program(function.lower(problem, state, 1, phase))
        own = jax.tree.map(jnp.copy, program.run(problem, jax.tree.map(jnp.copy, state), 1))
        for chunk in CHUNKS[: 1 if setting.quick else None]:
            own, seconds = measure_seconds(lambda p=program, s=own, n=chunk: p.run(problem, s, n))
            found = f"{1e3 * seconds / chunk:.3g} ms a step"
            facts = {"seconds": seconds / chunk, "bytes": program.memory}
            yield Check(f"{chunk} steps at a time, state {title}", True, found, facts)
    yield from _checkpoints(state)


def _checkpoints(state: Any) -> Iterator[Check]:
    """Yields how long the next steps wait for a checkpoint, written at once and beside them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).absolute()
        tree = jax.block_until_ready(state.variables)
        ocp.save(str(path / "first"), tree)  # Orbax sets itself up.
        _, whole = measure_seconds(lambda: ocp.save(str(path / "waiting"), tree))
        response, beside = measure_seconds(lambda: ocp.save_async(str(path / "beside"), tree))
        response.result()
    for title, seconds in (("waited for", whole), ("written beside the steps", beside)):
        yield Check(f"checkpoint {title}", True, f"{1e3 * seconds:.3g} ms", {"seconds": seconds})


def _workloads(setting: Setting) -> list[tuple[str, int]]:
    if setting.quick or on_cpu():
        return [("faces64", 1)]
    return [("faces64", 16), ("faces1024", 4), ("stylegan2:256", 4)]
