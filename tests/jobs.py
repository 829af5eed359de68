"""Jobs of batch runs, and the same with other settings."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from mgp_jax.batch import Job
from mgp_jax.degradations import Degradation, Identity
from mgp_jax.generators import Generator
from mgp_jax.inversion import resolve
from mgp_jax.recipes import Recipe

OF_THE_INVERSION = ("method", "seed", "patience", "target_psnr", "execution", "networks")


def make_job(
    generator: Generator,
    recipe: Recipe,
    degradation: Degradation = Identity(),
    task: str = "invert",
    **settings: Any,
) -> Job:
    """Makes a job; settings are those of `resolve` and of `Job`."""
    own = {name: settings.pop(name) for name in OF_THE_INVERSION if name in settings}
    inversion = resolve(generator, degradation, recipe, **own)
    return Job(task, inversion, degradation, **settings)


def changed(
    job: Job,
    generator: Generator | None = None,
    recipe: Mapping[str, Any] | None = None,
    degradation: Degradation | None = None,
    **settings: Any,
) -> Job:
    """Returns a job with another generator or degradation, or other settings.

    Args:
        job: the job.
        generator: another generator.
        recipe: other settings of its recipe.
        degradation: another degradation.
        **settings: others of the inversion or of the job itself.
    """
    old = job.inversion
    kept = {name: getattr(old, name) for name in OF_THE_INVERSION}
    kept["networks"] = {k: v for k, v in old.networks.items() if k == "encoder"}
    own = {name: settings.pop(name, value) for name, value in kept.items()}
    degradation = job.degradation if degradation is None else degradation
    generator = old.split.generator if generator is None else generator
    inversion = resolve(generator, degradation, old.recipe.with_(**(recipe or {})), **own)
    return dataclasses.replace(job, inversion=inversion, degradation=degradation, **settings)
