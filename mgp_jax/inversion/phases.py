"""One phase on a batch: entered with codes, advanced by steps, finished with the best iterates.

All is pure. Every image has its own optimiser, best iterate and stopping, so that a result depends
neither on the other images nor on how many steps run at a time.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.sharding import Mesh

from mgp_jax.codes import (
    Codes,
    cast,
    features_of,
    fuse,
    fuse_features,
    render,
    render_fused,
    whitening,
)
from mgp_jax.generators.base import Generator
from mgp_jax.inversion.configuration import Setting
from mgp_jax.inversion.problem import PROBLEM, Problem
from mgp_jax.inversion.state import State, Status
from mgp_jax.inversion.updates import direction, make_optimizer, moving, within_ball
from mgp_jax.objective import Losses, Target, code_terms, data_terms
from mgp_jax.sharding import SPLIT, WHOLE, over_images


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
        # Not NaN: who debugs with jax_debug_nans must find theirs, not ours.
        history = jnp.full(phase.steps, jnp.inf, jnp.float32)
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

    def run(problem: Problem, state: State) -> tuple[Codes, jax.Array]:
        def conclude(target: Target, state: State) -> tuple[Codes, jax.Array]:
            loss, _ = evaluate(problem, target, state, state.codes, setting)
            codes = select(loss < state.best_loss, state.codes, state.best)
            return codes, jnp.fmin(loss, state.best_loss)

        return jax.vmap(conclude)(problem.target, state)

    return setting.over_images(run, PROBLEM, SPLIT)(problem, state)


@partial(jax.jit, static_argnames=("cut", "space", "mesh"))
def draw(
    generator: Generator, codes: Codes, cut: int, space: str = "z", mesh: Mesh | None = None
) -> jax.Array:
    """Renders a batch of codes: float[B, H, W, C]."""

    def one(generator: Generator, codes: Codes) -> jax.Array:
        return render(generator, codes, cut, space)

    run = over_images(jax.vmap(one, in_axes=(None, 0)), mesh, WHOLE, SPLIT)
    return run(generator, codes)


def select(condition: jax.Array, yes: Any, no: Any) -> Any:
    """Chooses between two pytrees by a boolean scalar."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
