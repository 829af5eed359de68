"""Plans a run and measures its cost, without writing anything.

The cost is measured, not guessed: the programs of all phases are compiled for the first batch,
which tells their memory, and one step of each is timed. The compiled programs stay in the
compilation cache, so that the run itself starts sooner.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.batch import (
    Job,
    Loaded,
    LoadedPhoto,
    Record,
    batches_of,
    check,
    check_mask,
    find_inputs,
    find_records,
    fitted,
    holds_run,
    load_input,
    settings_of,
)
from mgp_jax.errors import ImageError
from mgp_jax.files import path_of
from mgp_jax.inversion import image_keys, pose, start
from mgp_jax.portraits import batches_of as batches_of_faces
from mgp_jax.precision import single_precision
from mgp_jax.solve import begin, compile_program, compile_steps, measure_seconds
from mgp_jax.solve.phase import moving
from mgp_jax.tasks import OF_COMMAND


class PhaseCost(NamedTuple):
    """The cost of one phase for one batch.

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
    """The plan of a run: its work and its cost.

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
        task = OF_COMMAND.get(self.settings["task"])
        to_do = self.images - self.done - len(self.unreadable)
        lines = [
            f"{self.settings['task']} with {self.settings['generator']}: {told}",
            *([] if task is None else [f"put back from the observation: {task.put_back}"]),
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
    folder = path_of(out)
    entries, _, told = find_inputs(inputs, folder, overwrite)
    check_mask(job, entries)
    job = fitted(job, len(entries))
    recorded = settings_of(job, entries)
    records = find_records(folder, recorded, overwrite)
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
                loaded = load_input(job, entry)
            except ImageError as error:
                unreadable.append(str(error))
                continue
            notes += [f"{entry.path}: {note}" for note in loaded.notes]
            if isinstance(loaded, LoadedPhoto):
                groups = batches_of_faces(loaded.items, size)
                batches += len(groups)
                first = first or [loaded.items[k] for k in groups[0]]
                continue
            readable = True
            if len(first) < (1 if job.one_by_one else size):
                first.append(loaded)
        batches += readable
    size = size if job.faces is None else max(1, len(first))
    filled = [first[i % len(first)] for i in range(size)] if first else []
    begun, phases = measure(job, filled) if filled else (0.0, ())
    return Plan(
        settings=recorded | {"layer": job.inversion.split.cut_name},
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
    inversion, starts = job.inversion_of(batch[0]), job.samples * job.restarts
    observations = np.repeat(np.stack([item.observation for item in batch]), starts, axis=0)
    problem = pose(inversion, jnp.asarray(observations))
    keys = image_keys(inversion.seed, [item.input.number for item in batch], starts)
    program = compile_program(start.lower(problem, keys, inversion.phases[0]))
    variables, begun = measure_seconds(lambda: program.run(problem, keys))
    status, costs = jnp.zeros(len(observations), jnp.int32), []
    for phase in inversion.phases:
        state = begin(problem, variables, status, phase)
        program = compile_steps(problem, state, phase)
        jax.block_until_ready(program.run(problem, state, 1))
        state, seconds = measure_seconds(lambda p=program, s=state: p.run(problem, s, 1))
        variables = state.variables
        moves = tuple(moving(variables, phase))
        costs.append(PhaseCost(moves, phase.steps, seconds, program.memory or 0))
    return begun, tuple(costs)


def duration(seconds: float) -> str:
    """Returns a time as people say it."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
