"""The multi-code method: several codes, composed behind the cut, importances and a residual.

Recipes with one code make the usual inversion of it, with `from_mean` the projectors of style-based
generators.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from mgp_jax.codes import (
    Codes,
    cast,
    features_of,
    fuse,
    fuse_features,
    init_codes,
    render_fused,
    whitening,
    with_residual,
)
from mgp_jax.degradations import Degradation
from mgp_jax.errors import SettingError
from mgp_jax.generators import Split
from mgp_jax.methods.method import Method, What, by_rates, settings_of
from mgp_jax.recipes import Recipe, recipe_for
from mgp_jax.solve import ResolvedPhase, make_transform
from mgp_jax.terms import Given, Held, Rendering, Target


@dataclass(frozen=True)
class Plan:
    """What a recipe says of the codes.

    Attributes:
        count: number of codes N.
        importance: the value that the importances start from.
        from_mean: whether the codes start from the mean style.
        truncation: how far from the mean style random codes start.
        candidates: number of random codes among which the starts are chosen, 0 for no choice.
    """

    count: int
    importance: float
    from_mean: bool = False
    truncation: float = 1.0
    candidates: int = 0


def plan(split: Split, recipe: Recipe, number: int) -> Plan:
    """Reads a recipe.

    Raises:
        SettingError: it asks for the mean style where there is none, or for what contradicts it.
    """
    del number
    if (recipe.from_mean or recipe.truncation != 1) and split.mean_code is None:
        raise SettingError(f"recipe {recipe.name}: only style spaces have a mean to start from")
    if recipe.candidates and recipe.from_mean:
        raise SettingError(f"recipe {recipe.name}: there is nothing to choose from a mean")
    candidates = max(recipe.candidates, 2 * recipe.codes) if recipe.candidates else 0
    importance = float(recipe.codes) ** -recipe.importance_power
    return Plan(recipe.codes, importance, recipe.from_mean, recipe.truncation, candidates)


def plan_of(phase: ResolvedPhase) -> Plan:
    """Returns what `plan` has resolved."""
    place = settings_of(phase).place
    assert isinstance(place, Plan)
    return place


def start_codes(given: Given, target: Target, keys: jax.Array, phase: ResolvedPhase) -> Codes:
    """Draws the codes of a batch, or takes the candidates nearest to the observations."""
    plan, split = plan_of(phase), given.split
    codes = jax.vmap(lambda key: draw_codes(split, key, plan.count, plan))(keys)
    if plan.candidates:
        pool = draw_codes(split, given.key, plan.candidates, plan).z
        errors = distances(given, target, pool, phase)
        nearest = jax.vmap(partial(choose, count=plan.count))(keys, errors)
        codes = codes._replace(z=pool[nearest])
    return codes


def draw_codes(split: Split, key: jax.Array, count: int, plan: Plan) -> Codes:
    """Draws random codes with equal importances, at their distance from the mean style."""
    codes = init_codes(split, key, count)
    distance, mean = 0.0 if plan.from_mean else plan.truncation, split.mean_code
    if distance != 1 and mean is not None:
        codes = codes._replace(z=mean + distance * (codes.z - mean))
    codes = codes._replace(alpha=jnp.full_like(codes.alpha, plan.importance))
    return cast(codes, jnp.dtype(jnp.float32))


def distances(given: Given, target: Target, pool: jax.Array, phase: ResolvedPhase) -> jax.Array:
    """Compares the images of random codes, seen through the degradation, with the observations.

    Args:
        given: what stays the same.
        target: B observations.
        pool: float[M, ...], the codes. As many run through the generator at a time as in a step.
        phase: tells the number of codes.

    Returns: float[B, M], mean squared errors.
    """
    split, observations = given.split, target.observation

    def compare(z: jax.Array) -> jax.Array:
        images = split.tail(split.head(z))
        seen = jax.vmap(given.degradation)(images.astype(jnp.float32))
        squares = jnp.square(observations[:, None] - seen)
        return jnp.mean(squares, axis=range(2, squares.ndim))

    most = plan_of(phase).count // max(1, settings_of(phase).slices)
    # Without a rest, which would have to be compiled too.
    size = max(n for n in range(1, most + 1) if len(pool) % n == 0)
    parts = pool.astype(split.dtype).reshape(-1, size, *pool.shape[1:])
    return jnp.moveaxis(lax.map(compare, parts), 1, 0).reshape(len(observations), -1)


def choose(key: jax.Array, errors: jax.Array, count: int) -> jax.Array:
    """Returns int[N], the candidates with the lowest errors among a random half of them.

    The half makes the starts of an image differ from each other.
    """
    offered = jax.random.permutation(key, len(errors))[: len(errors) // 2]
    _, best = lax.top_k(-errors[offered], count)
    return offered[best]


def enter_codes(given: Given, codes: Codes, phase: ResolvedPhase) -> tuple[Codes, Held]:
    """Makes the variables that a phase moves, and keeps what need not be computed in every step."""
    settings, split = settings_of(phase), given.split
    wanted, held = settings.phase, Held()
    # The head need not run again and again where nothing in front of the cut moves.
    if "alpha" in wanted.moves and (wanted.whiten or not wanted.moves_head):
        features = cast(features_of(split, codes), jnp.float32)
        if wanted.whiten:
            held = held._replace(whitening=whitening(features))
        if not wanted.moves_head:
            # The styles belong to the codes; what is composed has those of `Codes.styles`.
            held = held._replace(features=features._replace(styles=None))
    if "residual" in wanted.moves or not (wanted.moves_head or "alpha" in wanted.moves):
        held = held._replace(anchor=cast(fuse(split, codes, settings.slices), jnp.float32))
    if "residual" in wanted.moves and codes.residual is None:
        codes = codes._replace(residual=jax.tree.map(jnp.zeros_like, held.anchor))
    if "noise" in wanted.moves and codes.noise is None:
        codes = codes._replace(noise=cast(split.noise_maps, jnp.float32))
    if "label" in wanted.moves and codes.label is None and split.soft_label is not None:
        codes = codes._replace(label=cast(split.soft_label, jnp.float32))
    return codes, held


def render_codes(given: Given, codes: Codes, held: Held | None, phase: ResolvedPhase) -> Rendering:
    """Renders codes, with as little of the head as the phase has to run."""
    settings, split = settings_of(phase), given.split
    held = Held() if held is None else held
    if held.features is not None:
        fused = fuse_features(held.features, codes.alpha)
    elif held.anchor is None or settings.phase.moves_head or "alpha" in settings.phase.moves:
        fused = fuse(split, codes, settings.slices)
    else:
        fused = held.anchor
    image = render_fused(split, fused, codes, remat=settings.slices > 0)
    return Rendering(
        image,
        composed=with_residual(fused, codes),
        anchor=held.anchor,
        importance=plan_of(phase).importance,
        mean_code=split.mean_code,
        mean_style=split.mean_style,
    )


def move_codes(held: Held, phase: ResolvedPhase) -> optax.GradientTransformation:
    """Moves every variable with its own rate, that of importances in units of their start.

    Where the phase whitens, the optimiser sees the importances in those coordinates.
    """
    change = held.whitening
    if change is not None:
        return in_coordinates(by_rates(held, phase), change)
    wanted, importance = settings_of(phase).phase, plan_of(phase).importance
    rates = {name: wanted.rate(name) for name in phase.moves}
    if "alpha" in rates:
        rates["alpha"] *= importance
    return make_transform(wanted.optimizer, wanted.schedule, phase.steps, rates)


def in_coordinates(
    inner: optax.GradientTransformation, change: jax.Array
) -> optax.GradientTransformation:
    """Lets a transform see the importances in other coordinates, float[C, N, N]."""

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        alpha = jnp.einsum("cnm,mc->nc", change, updates["alpha"])
        updates, state = inner.update({**updates, "alpha": alpha}, state, params)
        return {**updates, "alpha": jnp.einsum("cnm,nc->mc", change, updates["alpha"])}, state

    return optax.GradientTransformation(inner.init, update)


def _fast(degradation: Degradation, what: What) -> Recipe:
    return recipe_for("fast", degradation, what)


def _most(degradation: Degradation, what: What) -> int:
    # Where an observation leaves much open more steps overfit: `quality` has those of `fast` there.
    return recipe_for("quality", degradation, what).steps


MULTI_CODE = Method(
    name="multi-code",
    title="multi-code",
    start=start_codes,
    render=render_codes,
    recipe=_fast,
    enter=enter_codes,
    place=plan,
    transform=move_codes,
    most=_most,
)
