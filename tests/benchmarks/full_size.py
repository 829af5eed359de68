"""One multi-code step of full-size generators with random weights: compile time, time, memory.

Each model runs in a process of its own, so that the peak memory is its own:

    python tests/benchmarks/full_size.py [--models pggan stylegan stylegan2] [--layer layer5]
"""

import argparse
import resource
import subprocess
import sys
import time
from dataclasses import replace

import jax
import jax.numpy as jnp

from mgp_jax.degradations import Identity
from mgp_jax.generators import (
    PGGANConfig,
    StyleGAN2Config,
    StyleGANConfig,
    random_generator,
    random_latents,
)
from mgp_jax.inversion import InversionConfig, advance, begin, image_keys, pose, settings, start
from mgp_jax.recipes import Phase, Recipe

MODELS = {"pggan": PGGANConfig, "stylegan": StyleGANConfig, "stylegan2": StyleGAN2Config}


def measure(model: str, resolution: int, layer: str, codes: int) -> str:
    """Builds a model, compiles and runs one step, and returns a line with the figures."""
    began = time.perf_counter()
    generator = random_generator(MODELS[model].standard(resolution), name=model)
    built = time.perf_counter() - began
    target = jnp.clip(generator.apply(generator.params, random_latents(generator, 1)), -1, 1)
    recipe = Recipe("step", (replace(Phase(2), schedule="constant"),), codes=codes, layer=layer)
    config = InversionConfig(recipe=recipe)
    phases = settings(generator, config)
    problem = pose(target, generator, phases, config, Identity(), None)
    initial = start(generator, image_keys(0, [0]), codes, phases[0])
    state = begin(problem, initial, jnp.zeros(1, jnp.int32), phases[0])
    began = time.perf_counter()
    compiled = advance.lower(problem, state, 1, phases[0]).compile()
    compilation = time.perf_counter() - began
    began = time.perf_counter()
    state = jax.block_until_ready(compiled(problem, state, 1))
    step = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"{model} {resolution} px, {codes} codes, cut {layer}: build {built:.1f} s, "
        f"compile {compilation:.1f} s, step {step:.2f} s, peak {peak:.2f} GiB, "
        f"loss {float(state.history.total[0, 0]):.4f}"
    )


def main() -> None:
    """Measures every model in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--resolution", type=int, default=1024)
    parser.add_argument("--layer", default="layer5")
    parser.add_argument("--codes", type=int, default=8)
    arguments = parser.parse_args()
    if len(arguments.models) == 1:
        settings = arguments.resolution, arguments.layer, arguments.codes
        print(measure(arguments.models[0], *settings), flush=True)
        return
    for model in arguments.models:
        command = [sys.executable, __file__, *sys.argv[1:], "--models", model]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
