"""Says what a run would do and what it would cost, without writing anything.

The cost is measured, not guessed: the programs of all phases are compiled for the first batch,
which tells their memory, and one step of each is timed. The compiled programs stay in the
compilation cache, so that the run itself starts sooner.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.batch import (
    Job,
    Loaded,
    Record,
    batches_of,
    check,
    check_mask,
    find_inputs,
    find_records,
    fitted,
    holds_run,
    load,
    settings_of,
)
from mgp_jax.errors import ImageError
from mgp_jax.inversion import advance, begin, code_count, image_keys, moving, pose, settings, start
from mgp_jax.precision import single_precision
from mgp_jax.seeds import seeded_key


class PhaseCost(NamedTuple):
    """What one phase costs for one batch.

    Attributes:
        moves: the variables that it moves.
        steps: number of steps; images that stop early need fewer.
        seconds: seconds a step.
        memory: bytes of the phase's program: weights, state and intermediate results; 0 where
            the backend does not tell.
    """

    moves: tuple[str, ...]
    steps: int
    seconds: float
    memory: int


class Plan(NamedTuple):
    """What a run would do.

    Attributes:
        settings: all settings of the run, as they would be recorded; the layer by its name.
        out: the output folder.
        images: number of inputs.
        replaces: whether a run in the folder would be removed first.
        done: number of inputs that already have a record.
        unreadable: why inputs cannot be restored, one line each, which names the file.
        notes: what is left out, and what there is to know about inputs, one line each.
        batches: number of batches to be optimised.
        size: images in a batch.
        start: seconds that choosing the start of a batch takes.
        phases: cost of each phase for one batch; empty if nothing is left to do.
    """

    settings: Record
    out: Path
    replaces: bool
    images: int
    done: int
    unreadable: tuple[str, ...]
    notes: tuple[str, ...]
    batches: int
    size: int
    start: float
    phases: tuple[PhaseCost, ...]

    @property
    def seconds(self) -> float:
        """Seconds of optimisation at most, without compiling, reading, measuring and writing."""
        steps = sum(phase.steps * phase.seconds for phase in self.phases)
        return self.batches * (self.start + steps)

    @property
    def memory(self) -> int:
        """Bytes of the largest program."""
        return max((phase.memory for phase in self.phases), default=0)

    def as_json(self) -> dict[str, Any]:
        """Returns the plan as JSON values."""
        fields = self._asdict() | {"out": str(self.out)}
        fields["phases"] = [phase._asdict() for phase in self.phases]
        return fields | {"seconds": self.seconds, "memory": self.memory}

    def text(self) -> str:
        """Returns the plan for people."""
        names = ("degradation", "recipe", "steps", "codes", "layer", "seed", "samples", "restarts")
        told = ", ".join(f"{name} {self.settings[name]}" for name in names)
        to_do = self.images - self.done - len(self.unreadable)
        lines = [
            f"{self.settings['task']} with {self.settings['generator']}: {told}",
            f"images: {self.images}, {self.done} done, {to_do} to do, {len(self.unreadable)} "
            f"unreadable; batches: {self.batches} of {self.size}",
            *(f"unreadable: {reason}" for reason in self.unreadable),
            *(f"note: {note}" for note in self.notes),
            f"results would go to {self.out}"
            + (", after removing those of the run there" if self.replaces else ""),
        ]
        if self.phases:
            lines.append(f"start: {self.start:.3g} s")
        for number, phase in enumerate(self.phases, 1):
            lines.append(
                f"phase {number} moves {', '.join(phase.moves)}: {phase.steps} steps of "
                f"{phase.seconds:.3g} s, {phase.memory / 1e6:.0f} MB"
            )
        if self.phases:
            lines.append(
                f"cost: at most {duration(self.seconds)} after compiling, "
                f"{self.memory / 1e6:.0f} MB of memory for the largest program"
            )
        else:
            lines.append("cost: nothing is left to optimise")
        return "\n".join(lines)


def make_plan(
    job: Job,
    inputs: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    overwrite: bool = False,
) -> Plan:
    """Finds out what `batch.run` would do; takes the same arguments.

    Every input without a record is read, as the run would read it.

    Raises:
        ImageError: an input does not exist, or a folder has no images.
        SettingError: a setting is out of range, or the folder holds a run with other settings.
    """
    check(job)
    folder = Path(out)
    entries, _, told = find_inputs(inputs, folder, overwrite)
    check_mask(job, entries)
    job = fitted(job, len(entries))
    recorded = settings_of(job, entries)
    records = find_records(folder, recorded, overwrite)
    cut = settings(job.generator, job.config)[0].cut
    size = job.batch_size * jax.local_device_count()
    first: list[Loaded] = []
    unreadable: list[str] = []
    notes = list(told)
    batches = 0
    for batch in batches_of(job, entries, size):
        readable = False
        for entry in batch:
            if entry.stem in records:
                continue
            try:
                loaded = load(job, entry)
            except ImageError as error:
                unreadable.append(str(error))
                continue
            readable = True
            notes += [f"{entry.path}: {note}" for note in loaded.notes]
            if len(first) < (size if job.masks is None else 1):
                first.append(loaded)
        batches += readable
    filled = [first[i % len(first)] for i in range(size)] if first else []
    begun, phases = measure(job, filled) if filled else (0.0, ())
    return Plan(
        settings=recorded | {"layer": ("latent code", *job.generator.stages)[cut]},
        out=folder,
        replaces=overwrite and holds_run(folder),
        images=len(entries),
        done=len(records),
        unreadable=tuple(unreadable),
        notes=tuple(notes),
        batches=batches,
        size=size,
        start=begun,
        phases=phases,
    )


@single_precision
def measure(job: Job, batch: Sequence[Loaded]) -> tuple[float, tuple[PhaseCost, ...]]:
    """Compiles all programs for a batch, and times the start and one step of each phase.

    Args:
        job: what to do.
        batch: the images of a batch.

    Returns: seconds of the start, and what each phase costs.
    """
    config, starts = job.config, job.samples * job.restarts
    phases = settings(job.generator, config)
    observations = np.repeat(np.stack([item.observation for item in batch]), starts, axis=0)
    degradation = batch[0].degradation
    problem = pose(jnp.asarray(observations), job.generator, phases, config, degradation, None)
    keys = image_keys(config.seed, [item.input.number for item in batch], starts)
    pool = seeded_key(config.seed)
    program = start.lower(problem, keys, code_count(config), phases[0], pool).compile()
    began = time.perf_counter()
    codes = jax.block_until_ready(program(problem, keys, pool))
    begun = time.perf_counter() - began
    costs = []
    for setting in phases:
        state = begin(problem, codes, jnp.zeros(len(observations), jnp.int32), setting)
        program = advance.lower(problem, state, 1, setting=setting).compile()
        jax.block_until_ready(program(problem, state, 1))
        began = time.perf_counter()
        codes = jax.block_until_ready(program(problem, state, 1)).codes
        seconds = time.perf_counter() - began
        moves = tuple(moving(state.codes, setting.phase))
        costs.append(PhaseCost(moves, setting.phase.steps, seconds, memory_of(program)))
    return begun, tuple(costs)


def memory_of(program: jax.stages.Compiled) -> int:
    """Returns the bytes that a program takes while it runs; 0 where the backend does not tell."""
    sizes = program.memory_analysis()
    if sizes is None:
        return 0
    own = sizes.output_size_in_bytes + sizes.temp_size_in_bytes - sizes.alias_size_in_bytes
    return sizes.argument_size_in_bytes + own


def duration(seconds: float) -> str:
    """Returns a time as people say it."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
