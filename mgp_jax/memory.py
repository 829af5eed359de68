"""Finds out how many images and codes at a time fit into the memory of a device."""

from collections.abc import Iterator
from dataclasses import replace

import jax

from mgp_jax.errors import SettingError
from mgp_jax.inversion import Inversion, outline
from mgp_jax.recipes.large import LARGE
from mgp_jax.solve import compile_steps

# The rest is for the other programs of a run and for fragmentation.
USABLE = 0.9


def device_limit() -> float | None:
    """Returns how many bytes the optimisation may take on this process's devices, if they say."""
    stats = jax.local_devices()[0].memory_stats()
    return USABLE * stats["bytes_limit"] if stats and "bytes_limit" in stats else None


def at_a_time(resolution: int, most: int) -> int:
    """Returns how many images are optimised at a time on devices that do not say what they have.

    These are CPUs, where large images take gigabytes each, and in a batch no less time.

    Args:
        resolution: height and width of the images.
        most: how many are wanted.
    """
    return 1 if resolution >= LARGE and device_limit() is None else most


def required(inversion: Inversion, count: int) -> int:
    """Returns how many bytes the steps of an inversion of `count` images take on one device.

    These are the arguments, results and temporaries of the compiled program of the phase that
    takes most, as the compiler states them.
    """
    inversion = inversion.executed(replace(inversion.execution, mesh=None))
    problem, snapshots = outline(inversion, count)
    programs = (
        compile_steps(problem, snapshot.state, phase)
        for phase, snapshot in zip(inversion.phases, snapshots, strict=True)
    )
    return max(program.required_memory for program in programs)


def fit(inversion: Inversion, images: int, starts: int, limit: float) -> tuple[int, int]:
    """Chooses how many images a device optimises at a time, and how the codes are sliced.

    Smaller batches come first, because they take no additional operations; slicing, which computes
    heads and tails a second time, only where a single image does not fit.

    Args:
        inversion: what is to be done.
        images: images at a time, at most.
        starts: number of starts of each image, which are optimised together.
        limit: bytes that are available.

    Returns: the number of images, and `Execution.slices`.

    Raises:
        SettingError: not even one image with one code at a time fits.
    """
    size = 0
    for count, slices in _choices(images, inversion.recipe.codes):
        sliced = inversion.executed(replace(inversion.execution, slices=slices))
        size = required(sliced, count * starts)
        if size <= limit:
            return count, slices
    raise SettingError(
        f"memory limit: {limit / 2**30:.3g} GiB, but one image takes {size / 2**30:.3g} GiB"
    )


def _choices(images: int, codes: int) -> Iterator[tuple[int, int]]:
    """Yields numbers of images and slices, the fastest first."""
    count = images
    while count > 1:
        yield count, 0
        count //= 2
    yield 1, 0
    yield from ((1, slices) for slices in range(1, codes + 1) if codes % slices == 0)
