"""The loop around the phases of an inversion, on the host: chunks of steps, and reports of them."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.codes import Codes
from mgp_jax.degradations import Degradation, Identity
from mgp_jax.generators.base import Generator
from mgp_jax.inversion.configuration import InversionConfig, Setting, code_count, settings
from mgp_jax.inversion.phases import advance, begin, draw, finish
from mgp_jax.inversion.problem import Problem, check_observations, pose
from mgp_jax.inversion.starts import image_keys, start
from mgp_jax.inversion.state import Snapshot, State, Status
from mgp_jax.objective import Losses
from mgp_jax.perception.vgg import FeatureExtractor
from mgp_jax.precision import single_precision
from mgp_jax.seeds import seeded_key
from mgp_jax.sharding import SPLIT, WHOLE, place


class Progress(NamedTuple):
    """What `invert` reports after each chunk.

    Attributes:
        phase: index of the phase.
        step: steps done, of all phases.
        steps: steps of the whole recipe.
        running: how many images are still optimised.
        loss: mean objective of the last step.
        psnr: mean PSNR between renderings and observations in dB.
        snapshot: where the inversion stands.
    """

    phase: int
    step: int
    steps: int
    running: int
    loss: float
    psnr: float
    snapshot: Snapshot

    @property
    def state(self) -> State:
        """The batch's state."""
        return self.snapshot.state


class Result(NamedTuple):
    """Result of an inversion of B images.

    Attributes:
        images: float[B, H, W, C], the renderings, in [-1, 1].
        codes: the best codes, leaves with a leading axis B.
        loss: float[B], the objective of the last phase at these codes.
        losses: float[B, steps], the objective of every step; NaN where a step was not done.
        errors: float[B, steps], the mean squared error to the observation.
        status: int[B], see `Status`.
        steps: int[B], number of steps done.
    """

    images: np.ndarray
    codes: Codes
    loss: np.ndarray
    losses: np.ndarray
    errors: np.ndarray
    status: np.ndarray
    steps: np.ndarray


@single_precision
def invert(
    generator: Generator,
    observations: Any,
    config: InversionConfig = InversionConfig(),
    degradation: Degradation = Identity(),
    *,
    keys: jax.Array | None = None,
    codes: Codes | None = None,
    extractor: FeatureExtractor | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    resume: Snapshot | None = None,
) -> Result:
    """Finds codes whose renderings, seen through the degradation, match the observations.

    Args:
        generator: the frozen generator.
        observations: float[B, ...], what the degradation made of B unknown images; for the
            identity images float[B, H, W, C] in [-1, 1].
        config: settings.
        degradation: the operator, applied to one image at a time. An image stops as soon as the
            error to its observation is that of the degradation's noise.
        keys: random keys[B], which choose the starts; None for those of images 0 to B - 1.
        codes: where to start, leaves with a leading axis B; None for random codes.
        extractor: what the perceptual loss looks through; None for the bundled VGG16.
        on_progress: called after each chunk of steps.
        resume: where the same inversion was stopped, from `Progress.snapshot`; it ends as if it had
            not been.

    Raises:
        SettingError: a setting is out of range, or the observations do not fit.

    Example:
        >>> from mgp_jax import DCGANConfig, InversionConfig, Phase, Recipe, generate, invert
        >>> from mgp_jax import random_generator, random_latents
        >>> generator = random_generator(DCGANConfig(latent_size=8, channels=(8, 4)))
        >>> images = generate(generator, random_latents(generator, 2))
        >>> config = InversionConfig(recipe=Recipe("short", (Phase(3),)), codes=4)
        >>> result = invert(generator, images, config)
        >>> result.images.shape, result.losses.shape, result.steps.tolist()
        ((2, 16, 16, 3), (2, 3), [3, 3])
    """
    observations = jnp.asarray(observations, jnp.float32)
    phases = settings(generator, config)
    check_observations(generator, degradation, observations)
    count, mesh = len(observations), config.execution.mesh
    keys = image_keys(config.seed, jnp.arange(count)) if keys is None else keys
    generator = place(generator, mesh, WHOLE)
    observations, keys = (place(x, mesh, SPLIT) for x in (observations, keys))
    problem = pose(observations, generator, phases, config, degradation, extractor)

    loss = jnp.zeros(())
    if resume is None:
        found = codes
        if found is None:
            found = start(problem, keys, code_count(config), phases[0], seeded_key(config.seed))
        status = jnp.zeros(count, jnp.int32)
        found, status = (place(x, mesh, SPLIT) for x in (found, status))
        state = begin(problem, found, status, phases[0])
        nothing: Any = np.full((count, config.recipe.steps), np.nan, np.float32)
        resume = Snapshot(np.int32(0), state, np.zeros(count, np.int32), Losses(nothing, nothing))
    number, state, steps, past = resume
    state = place(jax.tree.map(jnp.asarray, state), mesh, SPLIT)
    while True:
        setting = phases[number]
        for current in chunks(problem, state, setting, config.chunk, config.chunk_seconds):
            state = current
            if on_progress is not None:
                snapshot = Snapshot(np.int32(number), state, steps, past)
                on_progress(report(snapshot, phases))
        found, loss = finish(problem, state, setting)
        steps = steps + np.asarray(state.step)
        past = record(past, state, sum(s.phase.steps for s in phases[:number]))
        number += 1
        if number == len(phases):
            break
        state = begin(problem, found, state.status, phases[number])
    return Result(
        images=np.asarray(draw(generator, found, phases[0].cut, phases[0].space, mesh)),
        codes=found,
        loss=np.asarray(loss),
        losses=np.asarray(past.total),
        errors=np.asarray(past.error),
        status=np.asarray(state.status),
        steps=steps,
    )


@single_precision
def outline(
    generator: Generator,
    config: InversionConfig,
    degradation: Degradation,
    count: int,
    extractor: FeatureExtractor | None = None,
) -> tuple[Problem, list[Snapshot]]:
    """Returns the shapes of all that an inversion of `count` images holds; computes nothing.

    Returns: the problem and a snapshot in every phase, with `jax.ShapeDtypeStruct` for arrays.

    Raises:
        SettingError: a setting is out of range.
    """
    phases = settings(generator, config)
    image = jax.ShapeDtypeStruct(generator.shapes[-1].shape[1:], jnp.float32)
    seen = jax.eval_shape(degradation, image).shape

    def walk() -> tuple[Problem, list[Snapshot]]:
        observations = jnp.zeros((count, *seen), jnp.float32)
        problem = pose(observations, generator, phases, config, degradation, extractor)
        status, snapshots = jnp.zeros(count, jnp.int32), []
        past = jnp.zeros((count, config.recipe.steps), jnp.float32)
        keys = image_keys(0, jnp.arange(count))
        codes = start(problem, keys, code_count(config), phases[0], seeded_key(0))
        for number, setting in enumerate(phases):
            state = begin(problem, codes, status, setting)
            snapshots.append(Snapshot(jnp.int32(number), state, status, Losses(past, past)))
            codes, _ = finish(problem, state, setting)
        return problem, snapshots

    return jax.eval_shape(walk)


def chunks(
    problem: Problem, state: State, setting: Setting, length: int, seconds: float | None = None
) -> Iterator[State]:
    """Runs a phase to its end, `length` steps at a time, and yields the state behind each chunk.

    The next chunk is already dispatched when a state is yielded, so that looking at it does not
    leave the device idle. One dispatched after the last image has stopped does nothing.

    Args:
        problem: what stays the same.
        state: where to start.
        setting: the phase.
        length: steps of a chunk.
        seconds: divide chunks that would take longer than this; None for never.
    """
    done = int(np.max(np.asarray(state.step)))
    # How fast it goes, the first steps show.
    size = length if seconds is None else 1

    def dispatch(state: State) -> tuple[State, int]:
        steps = min(size, length - done % length)
        return advance(problem, state, steps, setting), steps

    current, steps = dispatch(state)
    began = time.perf_counter()
    while done + steps < setting.phase.steps:
        done += steps
        following, next_steps = dispatch(current)
        yield current
        if not np.any(np.asarray(current.status) == Status.RUNNING):
            return
        if seconds is not None:
            now = time.perf_counter()
            size = max(1, min(length, int(steps * seconds / (now - began))))
            began = now
        current, steps = following, next_steps
    yield current


def record(past: Losses, state: State, start: int) -> Losses:
    """Returns the losses of all phases so far: those of a phase join those of the phases before."""
    done = np.arange(state.history.total.shape[1]) < np.asarray(state.step)[:, None]

    def join(old: np.ndarray, new: jax.Array) -> np.ndarray:
        joined = np.array(old)
        joined[:, start : start + new.shape[1]] = np.where(done, new, np.nan)
        return joined

    return jax.tree.map(join, past, state.history)


def report(snapshot: Snapshot, phases: list[Setting]) -> Progress:
    """Sums up a state: mean of each image's last step, over the images that have one."""
    number, state = int(snapshot.phase), snapshot.state
    last = np.maximum(np.asarray(state.step) - 1, 0)[:, None]
    losses = np.take_along_axis(np.asarray(state.history.total), last, axis=1)
    errors = np.take_along_axis(np.asarray(state.history.error), last, axis=1)
    # An image that rests in this phase, or has diverged, has none.
    finite = np.isfinite(losses)
    losses, errors = (losses[finite], errors[finite]) if finite.any() else (losses, errors)
    before = sum(setting.phase.steps for setting in phases[:number])
    return Progress(
        phase=number,
        step=before + int(np.max(np.asarray(state.step))),
        steps=sum(setting.phase.steps for setting in phases),
        running=int(np.sum(np.asarray(state.status) == Status.RUNNING)),
        loss=float(np.mean(losses)),
        psnr=float(np.mean(10 * np.log10(4 / np.maximum(errors, 1e-12)))),
        snapshot=snapshot,
    )
