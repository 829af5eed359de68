"""The engine: optimises codes and importances until the rendering matches the observation.

`start`, `begin`, `advance` and `finish` are pure and work on batches: every image has its own
optimiser, best iterate and stopping, so that a result depends neither on the other images nor on
how many steps run at a time. `invert` is the loop around them. No function here reads or writes
files.
"""

import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.sharding import Mesh

from mgp_jax.codes import (
    Codes,
    cast,
    features_of,
    fuse,
    fuse_features,
    init_codes,
    render,
    render_fused,
    whitening,
)
from mgp_jax.degradations import Degradation, Identity
from mgp_jax.errors import SettingError
from mgp_jax.generators.base import Generator
from mgp_jax.objective import Losses, Target, code_terms, data_terms
from mgp_jax.perception.vgg import FeatureExtractor, bundled_extractor
from mgp_jax.recipes import FAST, Phase, Recipe
from mgp_jax.sharding import SPLIT, WHOLE, over_images, place

PRECISIONS = ("float32", "bfloat16")


class Status(IntEnum):
    """Why the optimisation of an image stopped."""

    RUNNING = 0
    FINISHED = 1
    """All steps were done."""
    PLATEAU = 2
    """The objective had stopped falling."""
    TARGET = 3
    """The wanted error was reached."""
    DIVERGED = 4
    """The objective was not finite; the best iterate before that is kept."""


@dataclass(frozen=True)
class Execution:
    """How an inversion is computed; nothing but rounding depends on it.

    Attributes:
        mesh: devices over which the batch is split (`sharding.batch_mesh`); None for one.
        precision: `float32`, or `bfloat16` for what the networks compute; variables, optimiser and
            losses are float32 in any case.
        slices: 0 to keep everything for the gradient; otherwise the codes run through the head in
            so many equal slices, and heads and tails are computed again instead of kept.
    """

    mesh: Mesh | None = None
    precision: str = "float32"
    slices: int = 0


@dataclass(frozen=True)
class InversionConfig:
    """Settings of an inversion.

    Attributes:
        recipe: how to optimise.
        codes: number of latent codes, None for the recipe's.
        layer: the cut, as index or name, None for the recipe's.
        seed: seed of all random starts.
        patience: stop an image when its objective has not fallen by a thousandth for so many
            steps; None to always use up all steps.
        target_psnr: stop an image when the observation is matched to this PSNR in dB.
        chunk: number of steps between two reports to `on_progress`.
        chunk_seconds: report more often where so many steps take longer than this; None for never.
            Reports after a multiple of `chunk` steps remain.
        execution: how it is computed.
    """

    recipe: Recipe = FAST["inversion"]
    codes: int | None = None
    layer: int | str | None = None
    seed: int = 0
    patience: int | None = None
    target_psnr: float | None = None
    chunk: int = 50
    chunk_seconds: float | None = None
    execution: Execution = Execution()


@dataclass(frozen=True)
class Setting:
    """What is fixed while a phase runs; static under `jax.jit`.

    Attributes:
        phase: the phase.
        cut: index of the cut.
        space: the space of the codes.
        importance: the value that the importances start from.
        patience: see `InversionConfig`.
        from_mean: whether the codes start from the mean style.
        execution: see `InversionConfig`.
    """

    phase: Phase
    cut: int
    space: str
    importance: float
    patience: int | None
    from_mean: bool = False
    execution: Execution = Execution()

    def over_images(self, function: Callable, *specs: Any) -> Callable:
        """Lets every device run a function of batches on its part of them."""
        return over_images(function, self.execution.mesh, *specs)


class Problem(NamedTuple):
    """What stays the same during a run; a pytree. Only `target` has a batch axis.

    Attributes:
        generator: the frozen generator.
        degradation: the operator that made the observations.
        extractor: VGG16, or None where no phase uses it.
        target: what each image is compared with.
    """

    generator: Generator
    degradation: Degradation
    extractor: FeatureExtractor | None
    target: Target


class State(NamedTuple):
    """The state of a phase for one image (with a leading axis: for a batch); a pytree.

    Attributes:
        codes: the current iterate.
        best: the iterate with the lowest objective of the phase.
        best_loss: its objective.
        optimizer: state of the optimiser.
        features: the feature maps of all codes, where the phase moves only their importances.
        whitening: coordinates of the importances, where the phase wants them.
        anchor: the composed map at the start of the phase, where the phase moves a residual on it
            or nothing in front of the cut.
        step: number of steps done in the phase, int32.
        status: a `Status`, int32.
        watched_loss: the objective that must be undercut for the plateau test.
        watched_step: when it was last undercut.
        history: the losses of all steps of the phase, NaN where not done.
    """

    codes: Codes
    best: Codes
    best_loss: jax.Array
    optimizer: Any
    features: Any
    whitening: jax.Array | None
    anchor: Any
    step: jax.Array
    status: jax.Array
    watched_loss: jax.Array
    watched_step: jax.Array
    history: Losses


# How the parts of a problem lie on several devices.
PROBLEM = Problem(generator=WHOLE, degradation=WHOLE, extractor=WHOLE, target=SPLIT)  # type: ignore[arg-type]


class Snapshot(NamedTuple):
    """Where an inversion stands between two chunks: all that is needed to go on; a pytree.

    Attributes:
        phase: index of the running phase, int32.
        state: the batch's state.
        steps: int32[B], number of steps done in the phases before.
        past: the losses of the phases before, float[B, steps of all phases]; NaN elsewhere.
    """

    phase: Any
    state: State
    steps: Any
    past: Losses


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


def default_cut(generator: Generator, map_size: int | None = None) -> int:
    """Returns the cut used where none is given.

    It is the last one at an eighth of the image's resolution or at 16 pixels, whichever is larger:
    the third layer of `faces64`, layer 8 of a PGGAN of 256 pixels as published.

    Args:
        generator: the generator.
        map_size: largest height of the feature map instead of that; where all maps are larger,
            the smallest is taken.
    """
    limit = max(16, generator.resolution // 8) if map_size is None else map_size
    sizes = generator.map_sizes
    limit = max(limit, min(sizes.values()))
    return max(cut for cut, size in sizes.items() if size <= limit)


def cut_of(generator: Generator, recipe: Recipe) -> int:
    """Returns the index of the cut that a recipe asks for.

    Raises:
        SettingError: the generator has no such layer.
    """
    if recipe.layer is None:
        return default_cut(generator, recipe.map_size)
    return generator.cut(recipe.layer)


def settings(generator: Generator, config: InversionConfig) -> list[Setting]:
    """Returns the settings of all phases.

    Raises:
        SettingError: a setting is out of range or does not fit the generator.
    """
    recipe = config.recipe
    generator.space(recipe.space)  # Says so if there is none; the cut then makes no sense either.
    layer = config.layer if config.layer is not None else recipe.layer
    cut = cut_of(generator, replace(recipe, layer=layer))
    if recipe.from_mean and recipe.space == "z":
        raise SettingError(f"recipe {recipe.name}: only style spaces have a mean to start from")
    importance = float(code_count(config)) ** -recipe.importance_power
    if config.chunk < 1:
        raise SettingError(f"chunk: {config.chunk}, at least 1 is needed")
    execution = config.execution
    if execution.precision not in PRECISIONS:
        raise SettingError(f"precision {execution.precision}: there are {', '.join(PRECISIONS)}")
    if execution.slices and code_count(config) % execution.slices:
        raise SettingError(f"slices: {execution.slices} do not divide {code_count(config)} codes")
    return [
        Setting(phase, cut, recipe.space, importance, config.patience, recipe.from_mean, execution)
        for phase in recipe.phases
    ]


def code_count(config: InversionConfig) -> int:
    """Returns the number of codes N.

    Raises:
        SettingError: it is below 1.
    """
    count = config.recipe.codes if config.codes is None else config.codes
    if count < 1:
        raise SettingError(f"codes: {count}, at least 1 is needed")
    return count


@partial(jax.jit, static_argnames=("count", "setting"))
def start(generator: Generator, keys: jax.Array, count: int, setting: Setting) -> Codes:
    """Draws the initial codes of a batch, one random key for each image."""

    def one(generator: Generator, key: jax.Array) -> Codes:
        codes = init_codes(generator, key, count, setting.cut, setting.space)
        if setting.from_mean:
            mean = generator.params["truncation"]["mean"]
            codes = codes._replace(z=jnp.broadcast_to(mean, codes.z.shape))
        return codes._replace(alpha=jnp.full_like(codes.alpha, setting.importance))

    run = setting.over_images(jax.vmap(one, in_axes=(None, 0)), WHOLE, SPLIT)
    return run(generator, keys)


@partial(jax.jit, static_argnames=("size",))
def observe(
    extractor: FeatureExtractor | None,
    observations: jax.Array,
    tolerances: jax.Array,
    size: int | None,
) -> Target:
    """Makes the targets of a batch; their features are computed here, once.

    Args:
        extractor: VGG16, or None if no phase needs features.
        observations: float[B, ...].
        tolerances: float[B], mean squared error at which an image stops; 0 for never.
        size: resize to this size for the features.
    """
    features = None
    if extractor is not None:
        features = jax.vmap(lambda image: extractor(image, size))(observations)
    return Target(observations, features, tolerances)


@partial(jax.jit, static_argnames=("setting",))
def begin(problem: Problem, codes: Codes, status: jax.Array, setting: Setting) -> State:
    """Enters a phase with the given codes.

    Args:
        problem: what stays the same.
        codes: where to start, a batch.
        status: int32[B], how the phase before ended; who reached the target or diverged rests.
        setting: the phase.
    """
    phase = setting.phase

    def enter(generator: Generator, codes: Codes, status: jax.Array) -> State:
        # The head need not run again and again where nothing in front of the cut moves.
        features = anchor = None
        coordinates = None
        if "alpha" in phase.moves and (phase.whiten or not phase.moves_head):
            features = features_of(generator, codes, setting.cut, setting.space)
            features = cast(features, jnp.float32)
            coordinates = whitening(features) if phase.whiten else None
            features = None if phase.moves_head else features
        if "residual" in phase.moves or not (phase.moves_head or "alpha" in phase.moves):
            slices = setting.execution.slices
            anchor = fuse(generator, codes, setting.cut, setting.space, slices)
            anchor = cast(anchor, jnp.float32)
        if "residual" in phase.moves and codes.residual is None:
            codes = codes._replace(residual=jax.tree.map(jnp.zeros_like, anchor))
        if "noise" in phase.moves and codes.noise is None:
            noise = {k: v["noise"] for k, v in generator.params.items() if "noise" in v}
            codes = codes._replace(noise=cast(noise, jnp.float32))
        rests = (status == Status.TARGET) | (status == Status.DIVERGED)
        history = jnp.full(phase.steps, jnp.nan, jnp.float32)
        return State(
            codes=codes,
            best=codes,
            best_loss=jnp.asarray(jnp.inf, jnp.float32),
            optimizer=make_optimizer(setting).init(moving(codes, phase)),
            features=features,
            whitening=coordinates,
            anchor=anchor,
            step=jnp.asarray(0, jnp.int32),
            status=jnp.where(rests, status, Status.RUNNING).astype(jnp.int32),
            watched_loss=jnp.asarray(jnp.inf, jnp.float32),
            watched_step=jnp.asarray(0, jnp.int32),
            history=Losses(history, history),
        )

    run = setting.over_images(jax.vmap(enter, in_axes=(None, 0, 0)), WHOLE, SPLIT, SPLIT)
    return run(problem.generator, codes, status)


@partial(jax.jit, static_argnames=("setting",))
def advance(problem: Problem, state: State, steps: int | jax.Array, setting: Setting) -> State:
    """Runs up to `steps` further steps of a phase on a batch; fewer if all images have stopped.

    The number of steps is a traced argument, so all chunks share one compiled program and their
    lengths cannot change a result.
    """

    def run(problem: Problem, state: State, steps: jax.Array) -> State:
        end = jnp.max(state.step) + steps
        one = partial(step, problem, setting=setting)
        all_images = jax.vmap(lambda target, state: one(target=target, state=state))

        def unfinished(state: State) -> jax.Array:
            return jnp.any((state.status == Status.RUNNING) & (state.step < end))

        return lax.while_loop(unfinished, lambda state: all_images(problem.target, state), state)

    return setting.over_images(run, PROBLEM, SPLIT, WHOLE)(problem, state, steps)


def step(problem: Problem, target: Target, state: State, setting: Setting) -> State:
    """Does one step for one image: loss and gradient, bookkeeping, update; nothing once stopped."""
    phase = setting.phase
    variables = moving(state.codes, phase)

    def objective(variables: dict[str, Any]) -> tuple[jax.Array, Losses]:
        return evaluate(problem, target, state, state.codes._replace(**variables), setting)

    gradients, losses = jax.grad(objective, has_aux=True)(variables)
    updates, optimizer = direction(gradients, state, variables, setting)
    updated: Any = optax.apply_updates(variables, updates)
    if phase.ball is not None and "residual" in updated:
        updated["residual"] = within_ball(updated["residual"], phase.ball, state.anchor)
    moved = state.codes._replace(**updated)

    improved = losses.total < state.best_loss
    undercut = losses.total < state.watched_loss * 0.999
    watched_step = jnp.where(undercut, state.step, state.watched_step)
    done = state.step + 1
    status = jnp.where(done >= phase.steps, Status.FINISHED, Status.RUNNING)
    if setting.patience is not None:
        waited = done - watched_step > setting.patience
        status = jnp.where(waited, Status.PLATEAU, status)
    status = jnp.where(losses.error < target.tolerance, Status.TARGET, status)
    status = jnp.where(jnp.isfinite(losses.total), status, Status.DIVERGED)

    new = State(
        codes=moved,
        best=select(improved, state.codes, state.best),
        best_loss=jnp.where(improved, losses.total, state.best_loss),
        optimizer=optimizer,
        features=state.features,
        whitening=state.whitening,
        anchor=state.anchor,
        step=done,
        status=status.astype(jnp.int32),
        watched_loss=jnp.where(undercut, losses.total, state.watched_loss),
        watched_step=watched_step,
        history=jax.tree.map(lambda h, x: h.at[state.step].set(x), state.history, losses),
    )
    return select(state.status == Status.RUNNING, new, state)


def direction(
    gradients: dict[str, Any], state: State, variables: dict[str, Any], setting: Setting
) -> tuple[dict[str, Any], Any]:
    """Returns what the optimiser adds to the variables, and its new state.

    Where the phase whitens, the optimiser sees the importances in those coordinates.
    """
    change = state.whitening
    if change is not None:
        alpha = jnp.einsum("cnm,mc->nc", change, gradients["alpha"])
        gradients = {**gradients, "alpha": alpha}
    update: Any = make_optimizer(setting).update
    updates, optimizer = update(gradients, state.optimizer, variables)
    if change is not None:
        updates = {**updates, "alpha": jnp.einsum("cnm,nc->mc", change, updates["alpha"])}
    return updates, optimizer


def evaluate(
    problem: Problem, target: Target, state: State, codes: Codes, setting: Setting
) -> tuple[jax.Array, Losses]:
    """Returns the objective of one image's codes in a phase, and what is reported of it."""
    phase, slices = setting.phase, setting.execution.slices
    if state.features is not None:
        fused = fuse_features(state.features, codes.alpha)
    elif phase.moves_head or "alpha" in phase.moves:
        fused = fuse(problem.generator, codes, setting.cut, setting.space, slices)
    else:
        fused = state.anchor
    image = render_fused(problem.generator, fused, codes, setting.cut, remat=slices > 0)
    image = image.astype(jnp.promote_types(image.dtype, jnp.float32))
    losses = data_terms(image, target, phase, problem.degradation, problem.extractor)
    total = losses.total + code_terms(codes, phase, setting.importance, state.anchor)
    return total, Losses(total, losses.error)


@partial(jax.jit, static_argnames=("setting",))
def finish(problem: Problem, state: State, setting: Setting) -> tuple[Codes, jax.Array]:
    """Returns each image's best codes and their objectives float[B].

    The iterate behind the last step has not been looked at yet; it counts too.
    """

    def conclude(problem: Problem, state: State) -> tuple[Codes, jax.Array]:
        loss, _ = evaluate(problem, problem.target, state, state.codes, setting)
        codes = select(loss < state.best_loss, state.codes, state.best)
        return codes, jnp.fmin(loss, state.best_loss)

    batched = jax.vmap(conclude, in_axes=(Problem(None, None, None, 0), 0))  # type: ignore[arg-type]
    return setting.over_images(batched, PROBLEM, SPLIT)(problem, state)


@partial(jax.jit, static_argnames=("cut", "space", "mesh"))
def draw(
    generator: Generator, codes: Codes, cut: int, space: str = "z", mesh: Mesh | None = None
) -> jax.Array:
    """Renders a batch of codes: float[B, H, W, C]."""

    def one(generator: Generator, codes: Codes) -> jax.Array:
        return render(generator, codes, cut, space)

    run = over_images(jax.vmap(one, in_axes=(None, 0)), mesh, WHOLE, SPLIT)
    return run(generator, codes)


def moving(codes: Codes, phase: Phase) -> dict[str, Any]:
    """Returns the variables that a phase moves, by name; those that are None are left out."""
    fields = codes._asdict()
    return {name: fields[name] for name in phase.moves if fields[name] is not None}


def make_optimizer(setting: Setting) -> optax.GradientTransformation:
    """Returns the optimiser of a phase: its method, with a learning rate for each variable."""
    phase = setting.phase
    rates = {
        "z": phase.z_rate,
        "alpha": phase.alpha_rate * (1 if phase.whiten else setting.importance),
        "styles": phase.styles_rate,
        "residual": phase.residual_rate,
        "noise": phase.noise_rate,
    }
    method = {"adam": optax.adam, "sgd": optax.sgd}[phase.optimizer]

    def schedule(rate: float) -> optax.ScalarOrSchedule:
        return (
            optax.cosine_decay_schedule(rate, phase.steps) if phase.schedule == "cosine" else rate
        )

    transforms: dict[Hashable, optax.GradientTransformation] = {
        name: method(schedule(rate)) for name, rate in rates.items()
    }
    return optax.partition(transforms, lambda variables: {name: name for name in variables})


def within_ball(residual: Any, radius: float, anchor: Any) -> Any:
    """Returns the nearest residual whose L1 norm is at most `radius` times that of the anchor."""
    norm = sum(jnp.sum(jnp.abs(leaf)) for leaf in jax.tree.leaves(anchor))
    return optax.projections.projection_l1_ball(residual, radius * norm)


def select(condition: jax.Array, yes: Any, no: Any) -> Any:
    """Chooses between two pytrees by a boolean scalar."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def image_keys(seed: int, indices: Any, starts: int = 1) -> jax.Array:
    """Returns random keys that do not depend on which batch an image is in.

    Args:
        seed: the seed.
        indices: int[B], numbers of the images.
        starts: number of keys for each image.

    Returns: keys[B * starts], those of an image next to each other.
    """
    root = jax.random.key(seed)

    def draw(index: jax.Array, start: jax.Array) -> jax.Array:
        return jax.random.fold_in(jax.random.fold_in(root, index), start)

    images = jnp.repeat(jnp.asarray(indices), starts)
    return jax.vmap(draw)(images, jnp.arange(len(images)) % starts)


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
        found = start(generator, keys, code_count(config), phases[0]) if codes is None else codes
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
        past = record(past, state.history, sum(s.phase.steps for s in phases[:number]))
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
        codes = start(generator, image_keys(0, jnp.arange(count)), code_count(config), phases[0])
        for number, setting in enumerate(phases):
            state = begin(problem, codes, status, setting)
            snapshots.append(Snapshot(jnp.int32(number), state, status, Losses(past, past)))
            codes, _ = finish(problem, state, setting)
        return problem, snapshots

    return jax.eval_shape(walk)


def pose(
    observations: jax.Array,
    generator: Generator,
    phases: list[Setting],
    config: InversionConfig,
    degradation: Degradation,
    extractor: FeatureExtractor | None,
) -> Problem:
    """Gathers what stays the same during a run.

    Raises:
        SettingError: the phases want features of different sizes.
    """
    sizes = {s.phase.perceptual_size for s in phases if s.phase.perceptual}
    # Features exist of images only, not of the measurements of compressed sensing.
    if sizes and observations.ndim == 4:
        extractor = extractor or bundled_extractor()
    else:
        sizes, extractor = {None}, None
    if len(sizes) > 1:
        raise SettingError("recipe: all phases must look at features of the same size")
    wanted = 0.0 if config.target_psnr is None else 4 * 10 ** (-config.target_psnr / 10)
    tolerances = jnp.full(len(observations), jnp.maximum(wanted, degradation.noise_error))
    prepared = jax.vmap(degradation.prepare)(observations)
    mesh, dtype = config.execution.mesh, jnp.dtype(config.execution.precision)
    networks = place(cast((generator, extractor), dtype), mesh, WHOLE)
    target = place(observe(networks[1], prepared, tolerances, sizes.pop()), mesh, SPLIT)
    return Problem(networks[0], place(degradation, mesh, WHOLE), networks[1], target)


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


def record(past: Losses, history: Losses, start: int) -> Losses:
    """Returns the losses of all phases so far: those of a phase join those of the phases before."""

    def join(old: np.ndarray, new: jax.Array) -> np.ndarray:
        joined = np.array(old)
        joined[:, start : start + new.shape[1]] = new
        return joined

    return jax.tree.map(join, past, history)


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


def check_observations(
    generator: Generator, degradation: Degradation, observations: jax.Array
) -> None:
    """Checks that the observations are what the degradation makes of the generator's images.

    Raises:
        SettingError: they have another shape.
    """
    image = jax.ShapeDtypeStruct(generator.shapes[-1].shape[1:], jnp.float32)
    wanted = jax.eval_shape(degradation, image).shape
    if observations.shape[1:] != wanted:
        raise SettingError(
            f"observations are {list(observations.shape[1:])}, "
            f"the degradation makes {list(wanted)} of an image of {generator.name}"
        )
