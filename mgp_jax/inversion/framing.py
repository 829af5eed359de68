"""Where in a photograph the generator's image lies, found by optimisation, for any generator.

A few codes and a similarity transform move together, from several starts. Few codes explain only
what the generator really draws, and what is left around the frame costs what a smooth photograph
would leave unexplained. So a frame grows as long as the generator explains what it takes in.
"""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from mgp_jax.codes import render
from mgp_jax.degradations import Degradation, Frame
from mgp_jax.generators import Split
from mgp_jax.inversion.resolve import Inversion
from mgp_jax.methods.multi_code import Plan, draw_codes
from mgp_jax.precision import single_precision
from mgp_jax.seeds import seeded_key

# Sizes of the frames that a search starts from, upright and in the middle.
SIZES = (0.95, 0.8, 0.6)
# Codes follow a face that lies beside the frame, which goes a part of the way only. So the second
# starts are so many times as far from the middle as the best of the first went, turned by degrees.
FARTHER, TURNS = 4.0, (0.0, 15.0, -15.0)
# Photographs are upright unless a turned frame costs so much less, as a part.
UPRIGHT = 0.02
# Codes that move with a frame, steps, learning rates of the transform (parts of the photograph,
# logarithm of the size, radians) and of the codes, weight of their prior.
CODES, STEPS, ALONE, RATE, CODE_RATE, PRIOR = 4, 140, 50, 0.01, 0.1, 0.003
# What a pixel around the frame costs, as a part of the observation's variance.
AROUND = 0.15
SMALLEST, STEEPEST = 0.2, 45.0


@single_precision
def find_frame(inversion: Inversion, observation: np.ndarray, degradation: Degradation) -> Frame:
    """Finds the frame of one photograph.

    Args:
        inversion: of what generator, with which seed.
        observation: float[...], what the degradation made of the photograph.
        degradation: linear and without noise.

    Returns: size and place as parts of the photograph's, and turn, rounded.
    """
    key = seeded_key(inversion.seed)
    truncation = inversion.recipe.truncation
    seen = degradation.prepare(jnp.asarray(observation, jnp.float32))
    find = partial(search, inversion.split, degradation, seen, key, truncation=truncation)
    first = np.array([[math.log(size), 0.5, 0.5, 0.0] for size in SIZES])
    places, losses = map(np.asarray, find(jnp.asarray(first, jnp.float32)))
    size, x, y, turn = places[np.nanargmin(losses)]
    x, y = (0.5 + FARTHER * (place - 0.5) for place in (x, y))
    second = [within(jnp.array([size, x, y, turn + math.radians(more)])) for more in TURNS]
    farther, costs = map(np.asarray, find(jnp.stack(second)))
    costs = costs * (1 + UPRIGHT * (np.array(TURNS) != 0))
    best = np.concatenate([places, farther])[np.nanargmin([*losses, *costs])]
    size, x, y, turn = (float(v) for v in (math.exp(best[0]), *best[1:3], math.degrees(best[3])))
    # Rounded down, so that it lies within the photograph, whatever becomes of the centre.
    half = math.floor(500 * size) / 1000
    x, y = (min(max(round(place, 3), half), round(1 - half, 3)) for place in (x, y))
    return Frame(2 * half, x, y, round(turn, 1))


@partial(jax.jit, static_argnames=("truncation",))
def search(
    split: Split,
    degradation: Degradation,
    observation: jax.Array,
    key: jax.Array,
    starts: jax.Array,
    truncation: float,
) -> tuple[jax.Array, jax.Array]:
    """Searches from places float[S, 4], see `frame_of`, one after another.

    Returns: float[S, 4], where they end; and float[S], what that costs.
    """
    plan = Plan(CODES, 1 / CODES, truncation=truncation)
    mean = 0.0 if split.mean_code is None else split.mean_code
    around = AROUND * jnp.var(observation)
    rates = {"z": CODE_RATE, "alpha": 2 * CODE_RATE / CODES, "styles": CODE_RATE / 2}
    schedules = {name: optax.cosine_decay_schedule(rate, STEPS) for name, rate in rates.items()}
    # Before the codes are anything like the photograph, a frame would only flee from it.
    schedules["place"] = optax.join_schedules(
        [optax.constant_schedule(0.0), optax.cosine_decay_schedule(RATE, STEPS - ALONE)], [ALONE]
    )
    moves = optax.partition(
        {name: optax.adam(schedule) for name, schedule in schedules.items()},
        {name: name for name in schedules},
    )

    def cost(variables: dict) -> jax.Array:
        codes = start._replace(**{k: variables[k] for k in ("z", "alpha", "styles")})
        frame = frame_of(variables["place"])
        image = frame(render(split, codes))
        inside = jnp.broadcast_to(frame.inside(*image.shape[:2]), image.shape)
        weight = degradation(inside)
        wrong = jnp.square(degradation(inside * image) - weight * observation)
        spread = jnp.mean(jnp.square(codes.z - mean))
        return jnp.mean(wrong + (1 - weight) * around) + PRIOR * spread

    def from_start(place: jax.Array) -> tuple[jax.Array, jax.Array]:
        variables = {k: getattr(start, k) for k in ("z", "alpha", "styles")}
        variables["place"] = place

        def step(carry: tuple, _: None) -> tuple[tuple, None]:
            variables, state = carry
            updates, state = moves.update(jax.grad(cost)(variables), state, variables)
            moved: Any = optax.apply_updates(variables, updates)
            return ({**moved, "place": within(moved["place"])}, state), None

        (variables, _), _ = lax.scan(step, (variables, moves.init(variables)), None, length=STEPS)
        return variables["place"], cost(variables)

    start = draw_codes(split, key, CODES, plan)
    return lax.map(from_start, starts)


def frame_of(place: jax.Array) -> Frame:
    """Makes a frame of float[4]: logarithm of the size, x, y, and turn in radians."""
    return Frame(jnp.exp(place[0]), place[1], place[2], jnp.rad2deg(place[3]))


def within(place: jax.Array) -> jax.Array:
    """Returns the nearest place within the photograph."""
    size = jnp.clip(place[0], jnp.log(SMALLEST), 0)
    half = jnp.exp(size) / 2
    x, y = (jnp.clip(p, half, 1 - half) for p in (place[1], place[2]))
    steepest = jnp.deg2rad(STEEPEST)
    return jnp.stack([size, x, y, jnp.clip(place[3], -steepest, steepest)])
