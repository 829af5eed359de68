"""Runs an inversion: pose, start, solve, render."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from mgp_jax.degradations import Identity, Operator
from mgp_jax.generators import Split
from mgp_jax.images import pictures_html
from mgp_jax.inversion.problem import check_codes, check_observations, image_keys, pose
from mgp_jax.inversion.resolve import DEFAULT_RECIPE, Inversion, resolve
from mgp_jax.methods import MULTI_CODE, Method, What
from mgp_jax.methods.method import settings_of
from mgp_jax.precision import single_precision
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.seeds import seeded_key
from mgp_jax.sharding import SPLIT, WHOLE, place
from mgp_jax.solve import (
    Execution,
    Problem,
    Progress,
    ResolvedPhase,
    Snapshot,
    Status,
    solve,
)
from mgp_jax.solve import outline as outline_of
from mgp_jax.solve.state import PROBLEM
from mgp_jax.terms import Given

# Images of a batch that a notebook shows.
MOST_SHOWN = 8


class Result(NamedTuple):
    """Result of an inversion of B images.

    Attributes:
        images: float[B, H, W, C], the renderings, in [-1, 1].
        codes: the best variables, for the multi-code method `Codes`; leaves with a leading axis B.
        loss: float[B], the objective of the last phase there.
        losses: float[B, steps], the objective of every step; NaN where a step was not done.
        errors: float[B, steps], the mean squared error to the observation.
        status: int[B], see `Status`.
        steps: int[B], number of steps done.
        split: the generator as it was cut: what the codes are for.
    """

    images: np.ndarray
    codes: Any
    loss: np.ndarray
    losses: np.ndarray
    errors: np.ndarray
    status: np.ndarray
    steps: np.ndarray
    split: Split

    def rows(self, index: Any) -> "Result":
        """Returns the result of some of the images, as NumPy arrays."""
        batches = self._asdict()
        split = batches.pop("split")
        return Result(**jax.tree.map(lambda leaf: np.asarray(leaf)[index], batches), split=split)

    def told(self, number: int) -> str:
        """Returns on one line how well an image matches its observation, and what that took."""
        errors = self.errors[number][np.isfinite(self.errors[number])]
        parts = [f"PSNR {10 * np.log10(4 / max(errors[-1], 1e-12)):.1f} dB"] if len(errors) else []
        parts += [f"{int(self.steps[number])} steps", Status(self.status[number]).name.lower()]
        return ", ".join(parts)

    def _repr_html_(self) -> str:
        """Shows the images in a notebook."""
        shown = range(min(len(self.images), MOST_SHOWN))
        return pictures_html([([("result", self.images[k])], self.told(k)) for k in shown])


def invert(
    what: What | str,
    observations: Any,
    degradation: Operator = Identity(),
    recipe: Recipe | str = DEFAULT_RECIPE,
    *,
    method: Method | str = MULTI_CODE,
    seed: int = 0,
    patience: int | None = None,
    target_psnr: float | None = None,
    execution: Execution = Execution(),
    networks: Mapping[str, Any] | None = None,
    keys: jax.Array | None = None,
    codes: Any = None,
    on_progress: Callable[[Progress], None] | None = None,
    resume: Snapshot | None = None,
) -> Result:
    """Finds codes whose renderings, seen through the degradation, match the observations.

    Args:
        what: a frozen generator, a split, or the name of a bundled generator.
        observations: float[B, ...], what the degradation made of B unknown images; for the
            identity images float[B, H, W, C] in [-1, 1].
        degradation: the operator, or any function of one image. An image stops as soon as the
            error to its observation is that of the degradation's noise.
        recipe: how to optimise, or the name of a recipe for this degradation.
        method: the method, or its name.
        seed: seed of all random starts.
        patience: stop an image when its objective has not fallen by a thousandth for so many
            steps; None to always use up all steps.
        target_psnr: stop an image when the observation is matched to this PSNR in dB.
        execution: how it is computed.
        networks: see `resolve`.
        keys: random keys[B], which choose the starts; None for those of images 0 to B - 1.
        codes: where to start, leaves with a leading axis B; None for what the method starts from.
        on_progress: called after each chunk of steps.
        resume: where the same inversion was stopped, from `Progress.snapshot`; it ends as if it had
            not been.

    Raises:
        SettingError: a setting is out of range, or the observations do not fit.

    Example:
        >>> from mgp_jax import DCGANConfig, Phase, Recipe, generate, invert
        >>> from mgp_jax import random_generator, random_latents
        >>> generator = random_generator(DCGANConfig(latent_size=8, channels=(8, 4)))
        >>> images = generate(generator, random_latents(generator, 2))
        >>> result = invert(generator, images, recipe=Recipe("short", (Phase(3),), codes=4))
        >>> result.images.shape, result.losses.shape, result.steps.tolist()
        ((2, 16, 16, 3), (2, 3), [3, 3])
    """
    inversion = resolve(
        what,
        degradation,
        recipe,
        method=method,
        seed=seed,
        patience=patience,
        target_psnr=target_psnr,
        execution=execution,
        networks=networks,
    )
    return run(
        inversion, observations, keys=keys, codes=codes, on_progress=on_progress, resume=resume
    )


@single_precision
def run(
    inversion: Inversion,
    observations: Any,
    *,
    keys: jax.Array | None = None,
    codes: Any = None,
    on_progress: Callable[[Progress], None] | None = None,
    resume: Snapshot | None = None,
) -> Result:
    """Runs a resolved inversion; see `invert`."""
    observations = check_observations(inversion, observations)
    mesh = inversion.execution.mesh
    keys = image_keys(inversion.seed, jnp.arange(len(observations))) if keys is None else keys
    observations, keys = (place(x, mesh, SPLIT) for x in (observations, keys))
    problem = pose(inversion, observations)
    if codes is not None:
        check_codes(codes, jax.eval_shape(lambda: start(problem, keys, inversion.phases[0])))
    solution = solve(
        problem,
        lambda: start(problem, keys, inversion.phases[0]) if codes is None else codes,
        inversion.phases,
        inversion.execution,
        on_progress=on_progress,
        resume=resume,
    )
    given = problem.given._replace(split=place(inversion.split, mesh, WHOLE))
    images = draw(given, solution.variables, inversion.phases[-1])
    found = solution._asdict()
    codes = found.pop("variables")
    return Result(np.asarray(images), codes, **found, split=inversion.split)


@single_precision
def outline(inversion: Inversion, count: int) -> tuple[Problem, list[Snapshot]]:
    """Returns the shapes of all that an inversion of `count` images holds; computes nothing.

    Returns: the problem and a snapshot in every phase, with `jax.ShapeDtypeStruct` for arrays.
    """
    image = jax.ShapeDtypeStruct(inversion.image_shape, jnp.float32)
    seen = jax.eval_shape(inversion.degradation, image).shape

    def walk() -> tuple[Problem, list[Snapshot]]:
        problem = pose(inversion, jnp.zeros((count, *seen), jnp.float32))
        keys = image_keys(0, jnp.arange(count))
        phases = inversion.phases
        return problem, outline_of(problem, lambda: start(problem, keys, phases[0]), phases)

    return jax.eval_shape(walk)


@partial(jax.jit, static_argnames=("phase",))
def start(problem: Problem, keys: jax.Array, phase: ResolvedPhase) -> Any:
    """Makes the variables that a batch starts from; `keys` has one for each image."""

    def begin(problem: Problem, keys: jax.Array) -> Any:
        with phase.computing():
            return settings_of(phase).start(problem.given, problem.target, keys, phase)

    return phase.over_images(begin, PROBLEM, SPLIT)(problem, keys)


def draw_progress(inversion: Inversion, progress: Progress, starts: int = 1) -> jax.Array:
    """Renders the current iterates of a running inversion: float[B, H, W, C].

    Args:
        inversion: what runs.
        progress: where it stands.
        starts: render one image in so many, the first start of each.
    """
    given = Given(inversion.split, inversion.degradation, {}, seeded_key(inversion.seed))
    variables = jax.tree.map(lambda leaf: leaf[::starts], progress.state.variables)
    return draw(given, variables, inversion.phases[progress.phase])


def draw(given: Given, variables: Any, phase: ResolvedPhase) -> jax.Array:
    """Renders a batch of variables as the given phase does: float[B, H, W, C]."""
    # Phases that differ in rates and weights alone share a program.
    settings = replace(settings_of(phase), phase=Phase(0, moves=()))
    still = replace(
        phase, steps=0, moves=(), project=None, patience=None, products=None, settings=settings
    )
    return _draw(given, variables, still)


@partial(jax.jit, static_argnames=("phase",))
def _draw(given: Given, variables: Any, phase: ResolvedPhase) -> jax.Array:
    def one(given: Given, variables: Any) -> jax.Array:
        return settings_of(phase).render(given, variables, None, phase).image

    run = phase.over_images(jax.vmap(one, in_axes=(None, 0)), WHOLE, SPLIT)
    if phase.one_by_one:
        return lax.map(lambda variables: one(given, variables), variables)
    return run(given, variables)
