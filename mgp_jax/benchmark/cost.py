"""Measures the cost of a step: time against its arithmetic and traffic, compile time, peak memory.

Each case runs in a process of its own, so that the peak memory is its own:

    python -m mgp_jax.benchmark.cost '{"generator": "pggan:256", "layer": "8", "codes": 20}'
"""

import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp

from mgp_jax.benchmark.arithmetic import step_bytes, step_flops
from mgp_jax.errors import MGPError, SettingError
from mgp_jax.generators import (
    Generator,
    PGGANConfig,
    StyleGAN2Config,
    StyleGANConfig,
    load_generator,
    random_generator,
    random_latents,
)
from mgp_jax.inversion import image_keys, pose, resolve, start
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import begin, compile_steps

UNTRAINED = {"pggan": PGGANConfig, "stylegan": StyleGANConfig, "stylegan2": StyleGAN2Config}

Record = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A step to measure.

    Attributes:
        generator: what `named_generator` takes.
        layer: the cut, None for the default one.
        codes: number of codes N.
        batch: number of images.
        perceptual: weight of the perceptual loss.
        rounds: measurements, of which the fastest counts; what else runs only slows them down.
        steps: steps a measurement; what is done once for all of them counts too, as in a chunk of
            steps of an inversion.
    """

    generator: str = "faces64"
    layer: str | None = None
    codes: int = 20
    batch: int = 1
    perceptual: float = 0.0
    rounds: int = 3
    steps: int = 20

    def __str__(self) -> str:
        layer = "default" if self.layer is None else self.layer
        features = ", features" if self.perceptual else ""
        return f"{self.generator}, cut {layer}, N {self.codes}, batch {self.batch}{features}"


def suite(quick: bool = False) -> list[Case]:
    """Returns the usual cases: four families, and how cost grows with cut, N and batch.

    Args:
        quick: the bundled generator only.
    """
    faces = [Case(perceptual=0.001, batch=batch) for batch in (1, 8)]
    faces += [Case(batch=batch) for batch in (1, 2, 4, 8)]
    faces += [Case(codes=codes) for codes in (5, 10, 40)]
    faces += [Case(layer=layer) for layer in ("2", "4")]
    if quick:
        return faces
    large = [Case("faces1024", layer, 8, rounds=2, steps=3) for layer in ("layer4", "layer8")]
    large += [Case("stylegan2:256", "layer6", 20, rounds=2, steps=3)]
    large += [Case("pggan:256", "8", 20, batch, rounds=2, steps=3) for batch in (1, 8)]
    large += [Case("pggan:256", "8", codes, rounds=2, steps=3) for codes in (5, 10)]
    large += [Case("pggan:256", layer, 20, rounds=2, steps=3) for layer in ("4", "6")]
    large += [Case("pggan:512", "8", 8, rounds=2, steps=3)]
    large += [Case("pggan:1024", layer, 8, rounds=2, steps=3) for layer in ("6", "8")]
    return faces + large


def named_generator(name: str) -> Generator:
    """Returns a generator: `pggan:256` and the like are untrained ones of the published layout.

    Args:
        name: a bundled generator, a weights file, or a family and a resolution joined by a colon.

    Raises:
        SettingError: there is no such family or resolution.
        WeightsError: the file cannot be read.
    """
    family, _, resolution = name.partition(":")
    if family not in UNTRAINED:
        return load_generator(name)
    if not resolution.isdecimal() or int(resolution) not in (64, 128, 256, 512, 1024):
        raise SettingError(f"{name}: a resolution from 64 to 1024, a power of two, is needed")
    return random_generator(UNTRAINED[family].standard(int(resolution)), name=name)


def measure(case: Case) -> Record:
    """Compiles and runs the step of a case.

    Returns: the case, `compile_seconds`, `seconds` and `processor_seconds` a step and image (the
        latter summed over all cores), `flops` and `bytes` (see `step_bytes`) a step and image,
        `peak_gib` of this process.
    """
    generator = named_generator(case.generator)
    latents = random_latents(generator, case.batch)
    target = jnp.clip(generator.apply(generator.params, latents), -1, 1)
    phase = Phase(1000, schedule="constant", perceptual=case.perceptual)
    recipe = Recipe("step", (phase,), codes=case.codes, layer=case.layer)
    inversion = resolve(generator, recipe=recipe)
    (resolved,) = inversion.phases
    problem = pose(inversion, target)
    variables = start(problem, image_keys(0, jnp.arange(case.batch)), resolved)
    state = begin(problem, variables, jnp.zeros(case.batch, jnp.int32), resolved)
    program = compile_steps(problem, state, resolved)
    wall = processor = math.inf
    for _ in range(case.rounds):
        began, used = time.perf_counter(), time.process_time()
        state = jax.block_until_ready(program.run(problem, state, case.steps))
        wall = min(wall, time.perf_counter() - began)
        processor = min(processor, time.process_time() - used)
    count, counted = case.steps * case.batch, step_bytes(program)
    return asdict(case) | {
        "compile_seconds": program.compile_seconds,
        "seconds": wall / count,
        "processor_seconds": processor / count,
        "flops": step_flops(inversion),
        "bytes": counted and counted / case.batch,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "loss": float(jnp.mean(state.history.total[:, 0])),
    }


def measure_apart(case: Case) -> Record:
    """Measures a case in a process of its own; a case that fails is a record that says why."""
    command = [sys.executable, "-m", "mgp_jax.benchmark.cost", json.dumps(asdict(case))]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    lines = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
    return asdict(case) | {"error": lines[-1]}


def against_floor(record: Record, products: float, copies: float) -> Record:
    """Adds the seconds a step and image of nothing but matrix products, and of nothing but copies.

    Args:
        record: what `measure` has returned.
        products: operations a second in a matrix product of float32.
        copies: bytes a second.

    Returns: the record with the rates, `floor_seconds` and `over_floor` of the products, and
        `traffic_seconds`.
    """
    record = record | {"matrix_product_rate": products, "copy_rate": copies}
    if "error" in record:
        return record
    floor = record["flops"] / products
    return record | {
        "floor_seconds": floor,
        "over_floor": record["seconds"] / floor,
        "traffic_seconds": record["bytes"] and record["bytes"] / copies,
    }


def growth(records: Sequence[Record], name: str) -> list[tuple[Any, float]]:
    """Returns how the time a step grows with one setting, the others being those of the suite.

    Args:
        records: measured cases.
        name: `codes` or `batch`.

    Returns: pairs of the setting's value and seconds a step (of the whole batch), of the cases of
        the first generator that differ in nothing else from its first plain case.
    """
    usable = [r for r in records if "error" not in r and not r["perceptual"]]
    if not usable:
        return []
    base = usable[0]
    same = [k for k in ("generator", "layer", "codes", "batch") if k != name]
    alike = [r for r in usable if all(r[k] == base[k] for k in same)]
    return sorted((r[name], r["seconds"] * r["batch"]) for r in alike)


if __name__ == "__main__":
    try:
        print(json.dumps(measure(Case(**json.loads(sys.argv[1])))), flush=True)
    except MGPError as error:
        sys.exit(str(error))
