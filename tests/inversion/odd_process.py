"""Restores in a process whose JAX was set up by somebody else: in threads, in an event loop.

    python odd_process.py OUT.npy

The test sets the environment variables.
"""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
from networks import untrained

from mgp_jax import parse, restore
from mgp_jax.generators import DCGANConfig
from mgp_jax.recipes import Phase, Recipe

# Everything but VGG16, which would take most of the time to compile.
PHASES = (
    Phase(2, perceptual=0, prior=0.1),
    Phase(2, perceptual=0, moves=("residual",), tether=0.1),
)
RECIPE = Recipe("test", PHASES, codes=2, candidates=4)


def restored(seed: int) -> np.ndarray:
    """Restores an image by a recipe with candidates, codes and a residual."""
    generator = untrained(DCGANConfig(8, (4,)), seed=1)
    degradation = parse("mask:center:2", generator.resolution)
    y, x = np.mgrid[:8, :8] / 8
    image = np.stack([x, y, x * y], -1).astype(np.float32)
    observation = np.asarray(degradation(image))[None]
    return restore(generator, observation, degradation, RECIPE, seed=seed).images


async def in_a_loop() -> np.ndarray:
    """Two restorations at once, as a notebook would run them."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(2) as pool:
        one, other = [loop.run_in_executor(pool, restored, seed) for seed in (3, 2**40)]
        results = np.concatenate([await one, await other])
    np.testing.assert_array_equal(results[:1], restored(3))
    return results


if __name__ == "__main__":
    # Not in threads: while one collects garbage the other cannot, and takes it for a leak.
    with jax.checking_leaks():
        restored(5)
    np.save(sys.argv[1], asyncio.run(in_a_loop()))
