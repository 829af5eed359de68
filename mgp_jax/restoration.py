"""Restoration: inversion through a degradation, several starts, and what is put back afterwards."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.agreement import blend_in, put_back, put_back_all, soften
from mgp_jax.codes import Codes
from mgp_jax.degradations import (
    Degradation,
    Frame,
    Grayscale,
    Identity,
    Operator,
    as_degradation,
    compose,
    operators_of,
    smoothest,
)
from mgp_jax.errors import SettingError
from mgp_jax.images import pictures_html
from mgp_jax.inversion import Inversion, Result, check_observations, image_keys, resolve, run
from mgp_jax.inversion.resolve import DEFAULT_RECIPE
from mgp_jax.inversion.run import MOST_SHOWN
from mgp_jax.methods import MULTI_CODE, Method, What
from mgp_jax.precision import single_precision
from mgp_jax.recipes import Recipe
from mgp_jax.solve import Execution, Progress, Snapshot
from mgp_jax.spread import expected_deviation
from mgp_jax.starts import repeated


class Restoration(NamedTuple):
    """Restorations of B images from K starts each.

    Attributes:
        images: float[B, H, W, C] in [-1, 1], the mean of the samples.
        samples: float[B, K, H, W, C] in [-1, 1], one restoration for each start.
        deviation: float[B, H, W, C], how far the truth is expected from `images`, see
            `spread.expected_deviation`; 0 where all samples are equal, and for one sample.
        result: the inversion behind the samples, B * K images.
        observations: float[B, ...], what was given; None where it has not been kept.
    """

    images: np.ndarray
    samples: np.ndarray
    deviation: np.ndarray
    result: Result
    observations: np.ndarray | None = None

    def row(self, number: int) -> "Restoration":
        """Returns the restoration of one image, B being 1."""
        one, count = slice(number, number + 1), self.samples.shape[1]
        result = self.result.rows(slice(number * count, (number + 1) * count))
        seen = None if self.observations is None else self.observations[one]
        return Restoration(self.images[one], self.samples[one], self.deviation[one], result, seen)

    def _repr_html_(self) -> str:
        """Shows, in a notebook, what was given and what came out."""
        return pictures_html([self._shown(k) for k in range(min(len(self.images), MOST_SHOWN))])

    def _shown(self, number: int) -> tuple[list[tuple[str, np.ndarray]], str]:
        pictures, count = [("after", self.images[number])], self.samples.shape[1]
        seen = None if self.observations is None else self.observations[number]
        # Measurements of some operators are no image.
        if seen is not None and seen.ndim == 3 and seen.shape[2] in (1, 3):
            pictures.insert(0, ("before", seen))
        if count > 1:
            pictures += [(f"answer {k}", x) for k, x in enumerate(self.samples[number], 1)]
        return pictures, self.result.told(number * count)


def restore(
    what: What | str,
    observations: Any,
    degradation: Operator = Identity(),
    recipe: Recipe | str = DEFAULT_RECIPE,
    *,
    method: Method | str = MULTI_CODE,
    seed: int = 0,
    patience: int | None = None,
    target_psnr: float | None = None,
    restarts: int | None = None,
    blend: bool = False,
    frame: Frame | None = None,
    execution: Execution = Execution(),
    networks: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Restoration:
    """Restores images from their observations.

    All starts of all images are optimised in one batch.

    Args:
        what: a frozen generator, a split, or the name of a bundled generator.
        observations: float[B, ...] of the shape that the degradation makes of the generator's
            images.
        degradation: what made the observations, an operator or any function of an image, such as
            `lambda image: image[::2, ::2]`.
        recipe: how to optimise, or the name of a recipe for this degradation.
        method: the method, or its name.
        seed: seed of all random starts.
        patience: see `invert`.
        target_psnr: see `invert`.
        restarts: number of starts of each restoration, of which the one that matches its
            observation best is kept; None for the method's.
        blend: let what is filled into holes of a mask run into the known pixels without a seam,
            see `blend_in`.
        frame: where in the photographs the generator's image lies, None for all over them. What is
            around it is the smoothest image that explains the observation.
        execution: how it is computed.
        networks: see `inversion.resolve`.
        on_progress: called after each chunk of steps.

    Raises:
        SettingError: a setting is out of range, or the observations do not fit.

    Example:
        >>> import numpy as np
        >>> from mgp_jax import DCGANConfig, Grayscale, Phase, Recipe, random_generator, restore
        >>> generator = random_generator(DCGANConfig(latent_size=8, channels=(8, 4)))
        >>> gray = np.zeros((2, 16, 16, 1))
        >>> restore(generator, gray, Grayscale(), Recipe("short", (Phase(3),))).images.shape
        (2, 16, 16, 3)
    """
    degradation = as_degradation(degradation)
    check_frame(frame, degradation)
    inversion = resolve(
        what,
        degradation if frame is None else compose(frame, degradation),
        recipe,
        method=method,
        seed=seed,
        patience=patience,
        target_psnr=target_psnr,
        execution=execution,
        networks=networks,
    )
    return run_restoration(
        inversion,
        observations,
        degradation,
        restarts=inversion.method.restarts if restarts is None else restarts,
        blend=blend,
        frame=frame,
        on_progress=on_progress,
    )


def restore_many(
    what: What | str,
    observations: Iterable[Any],
    degradation: Operator = Identity(),
    recipe: Recipe | str = DEFAULT_RECIPE,
    *,
    batch_size: int = 8,
    restarts: int = 1,
    blend: bool = False,
    frame: Frame | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> Iterator[Restoration]:
    """Restores any number of images, a few at a time, and yields each as soon as it is done.

    No more than a batch is held in memory. An image's result does not depend on its batch.

    Args:
        what: see `restore`.
        observations: the observations, one by one; they are read when they are needed.
        degradation: see `restore`.
        recipe: see `restore`.
        batch_size: images optimised at a time.
        restarts: see `restore`.
        blend: see `restore`.
        frame: see `restore`.
        on_progress: see `restore`.
        **settings: `method`, `seed`, `patience`, `target_psnr`, `execution`, `networks`.

    Yields: the restoration of every image, in order, each as a batch of one.

    Raises:
        SettingError: see `restore`.
    """
    if batch_size < 1:
        raise SettingError(f"batch size: {batch_size}, at least 1 is needed")
    degradation = as_degradation(degradation)
    check_frame(frame, degradation)
    operator = degradation if frame is None else compose(frame, degradation)
    inversion = resolve(what, operator, recipe, **settings)
    waiting = enumerate(observations)
    while batch := list(islice(waiting, batch_size)):
        # Filled up by repetition, so that all batches share one program.
        numbers, seen = zip(*(batch[k % len(batch)] for k in range(batch_size)), strict=True)
        restoration = run_restoration(
            inversion,
            np.stack(seen),
            degradation,
            restarts=restarts,
            blend=blend,
            frame=frame,
            indices=numbers,
            on_progress=on_progress,
        )
        yield from (restoration.row(k) for k in range(len(batch)))


@single_precision
def run_restoration(
    inversion: Inversion,
    observations: Any,
    degradation: Degradation,
    *,
    restarts: int = 1,
    blend: bool = False,
    frame: Frame | None = None,
    indices: Any = None,
    codes: Codes | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    resume: Snapshot | None = None,
) -> Restoration:
    """Restores images with a resolved inversion.

    Args:
        inversion: with a frame, that of the degradation seen through it.
        observations: see `restore`.
        degradation: what made the observations, without the frame.
        restarts: see `restore`.
        blend: see `restore`.
        frame: see `restore`.
        indices: int[B], numbers of the images, which seed them; None for 0 to B - 1.
        codes: where all images start, without a leading axis; None for what the method starts from.
        on_progress: called after each chunk of steps.
        resume: where the same restoration was stopped, from `Progress.snapshot`.
    """
    samples = inversion.recipe.samples
    check_starts(samples, restarts)
    if codes is not None and samples * restarts > 1:
        raise SettingError("start: samples and restarts would all start there")
    seen = inversion if frame is None else replace(inversion, degradation=degradation)
    observations = check_observations(seen, observations)
    count = len(observations)
    indices = np.arange(count) if indices is None else np.asarray(indices)
    seen, around = observations, None
    if frame is not None:
        seen, around = surroundings(degradation, observations, frame, inversion.image_shape)
    result = run(
        inversion,
        jnp.repeat(seen, samples * restarts, axis=0),
        keys=image_keys(inversion.seed, indices, samples * restarts),
        codes=None if codes is None else repeated(codes, count),
        on_progress=on_progress,
        resume=resume,
    )
    loss = np.nan_to_num(result.loss, nan=np.inf, posinf=np.inf).reshape(-1, restarts)
    result = result.rows(np.argmin(loss, axis=1) + np.arange(len(loss)) * restarts)
    observed = jnp.repeat(observations, samples, axis=0)
    images = jnp.asarray(result.images)
    if frame is not None and around is not None:
        images = jax.vmap(frame)(images) + jnp.repeat(around, samples, axis=0)
    if blend:
        images = blend_in(degradation, images, observed)
    recipe = inversion.recipe
    if recipe.detail < 1:
        images = soften(images, observed, recipe.detail)
    images = np.asarray(put_back_all(degradation, images, observed, recipe.saturation))
    shaped = images.reshape(count, samples, *images.shape[1:])
    # In double precision the mean of equal pixels is exact, so that known pixels stay as they are.
    wide = shaped.astype(np.float64)
    return Restoration(
        images=wide.mean(axis=1).astype(np.float32),
        samples=shaped,
        deviation=expected_deviation(wide, **recipe.expected).astype(np.float32),
        result=result,
        observations=np.asarray(observations),
    )


def check_starts(samples: int, restarts: int) -> None:
    """Raises SettingError unless there is at least one sample with at least one start."""
    if samples < 1 or restarts < 1:
        raise SettingError(f"samples {samples}, restarts {restarts}: at least 1 is needed")


def check_frame(frame: Frame | None, degradation: Degradation) -> None:
    """Raises SettingError for a frame where the observation cannot tell what lies around it."""
    if frame is None:
        return
    if not degradation.exact:
        raise SettingError(f"frame: {degradation} must be linear and without noise")
    if isinstance(degradation, Identity):
        raise SettingError("frame: the photograph is known, there is nothing to restore around it")
    if any(isinstance(operator, Grayscale) for operator in operators_of(degradation)):
        raise SettingError(f"frame: {degradation} does not tell the colours around it")


@partial(jax.jit, static_argnames=("shape",))
def surroundings(
    degradation: Degradation, observations: jax.Array, frame: Frame, shape: tuple[int, ...]
) -> tuple[jax.Array, jax.Array]:
    """Separates what lies around a frame from what the generator's image has to explain.

    Args:
        degradation: a linear one without noise.
        observations: float[B, ...].
        frame: the frame.
        shape: (H, W, C) of an image.

    Returns: the part of the observations that is left for the image in the frame, of their shape;
        and float[B, H, W, C], the smoothest images that explain the observations, zero within the
        frame.
    """

    def one(observation: jax.Array) -> tuple[jax.Array, jax.Array]:
        image = put_back(degradation, smoothest(degradation, observation, shape), observation)
        around = (1 - frame.inside(*shape[:2])) * image
        return degradation.prepare(observation) - degradation(around), around

    return jax.vmap(one)(observations)
