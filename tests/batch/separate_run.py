"""A run in a process of its own: `python separate_run.py GENERATOR INPUTS OUT LOG`.

Every step of every batch leaves a line in the log. Devices and other processes are those that the
environment tells JAX of.
"""

import os
import sys

import jax
from networks import untrained

from mgp_jax.batch import Event, Job, run
from mgp_jax.degradations import parse
from mgp_jax.generators import DCGANConfig, load_generator
from mgp_jax.inversion import resolve
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.sharding import join_processes
from mgp_jax.solve import Execution

EVERY = 2
STEPS = (4, 5)
BATCH = 8


def main(name: str, inputs: str, out: str, log: str) -> None:
    small = name == "small"
    generator = untrained(DCGANConfig(8, (8, 4)), seed=1) if small else load_generator(name)
    phases = (Phase(STEPS[0]), Phase(STEPS[1], moves=("residual",), tether=0.1))
    recipe, identity = Recipe("test", phases, codes=4), parse("identity", generator.resolution)
    inversion = resolve(generator, identity, recipe, execution=Execution(chunk=1))
    job = Job("invert", inversion, identity, batch_size=BATCH, checkpoint_every=EVERY)
    with open(log, "ab", buffering=0) as file:

        def on_event(event: Event) -> None:
            if event.progress is not None:
                file.write(f"{os.getpid()} {event.done} {event.progress.step}\n".encode())

        run(job, [inputs], out, on_event)


if __name__ == "__main__":
    jax.config.update("jax_compilation_cache_dir", os.environ["TEST_CACHE"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    if "JAX_COORDINATOR_ADDRESS" in os.environ:
        join_processes()
    main(*sys.argv[1:])
