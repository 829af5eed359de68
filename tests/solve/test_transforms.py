"""How a step moves variables: rates, schedules, and the nearest point of a ball."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mgp_jax.solve import make_transform, within_ball

RATES = {"a": 0.5, "b": 0.01}
GRADIENT = {"a": jnp.array([1.0, -2.0]), "b": jnp.array([3.0])}


def moves_of(transform: optax.GradientTransformation, steps: int) -> list[dict[str, Any]]:
    """What every step adds where the gradient stays the same."""
    zeros = jax.tree.map(jnp.zeros_like, GRADIENT)
    state, moves = transform.init(zeros), []
    for _ in range(steps):
        updates, state = transform.update(GRADIENT, state, zeros)
        moves.append(jax.tree.map(np.asarray, updates))
    return moves


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("method", ["sgd", "adam", lambda rate: optax.sgd(rate, nesterov=False)])
def test_every_variable_has_its_rate(method: Any, schedule: str):
    steps = 4
    moves = moves_of(make_transform(method, schedule, steps, RATES), steps)
    for step, move in enumerate(moves):
        share = 1 if schedule == "constant" else (1 + np.cos(np.pi * step / steps)) / 2
        for name, rate in RATES.items():
            # Adam divides a steady gradient by its own size.
            direction = np.sign(GRADIENT[name]) if method == "adam" else GRADIENT[name]
            np.testing.assert_allclose(move[name], -rate * share * direction, rtol=1e-4)


def test_no_steps_have_no_schedule_to_divide_by():
    assert np.isfinite(moves_of(make_transform("adam", "cosine", 0, RATES), 1)[0]["a"]).all()


@pytest.mark.parametrize("radius", [0.05, 0.7, 100.0])
@pytest.mark.parametrize("several", [False, True])
def test_the_ball_is_projected_on(radius: float, several: bool):
    random = np.random.default_rng(0)
    residual, anchor = random.normal(size=(2, 4, 5, 3)).astype(np.float32)
    parts: Any = lambda x: (x[:1], {"rest": x[1:]}) if several else x  # noqa: E731
    mine = within_ball(*(jax.tree.map(jnp.asarray, parts(residual)), radius, parts(anchor)))
    # The nearest point of the ball is a soft threshold; the threshold is found by bisection.
    bound = radius * np.abs(anchor).sum()
    low, high = 0.0, float(np.abs(residual).max())
    for _ in range(60):
        middle = (low + high) / 2
        inside = np.maximum(np.abs(residual) - middle, 0).sum() <= bound
        low, high = (low, middle) if inside else (middle, high)
    expected = np.sign(residual) * np.maximum(np.abs(residual) - high, 0)
    for found, wanted in zip(jax.tree.leaves(mine), jax.tree.leaves(parts(expected)), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("name", ["normalised", "spherical"])
def test_vectors_move_one_by_one(name: str):
    """By the learning rate each, or to the sphere on which normal vectors lie."""
    x = {"z": jnp.asarray(np.random.default_rng(0).normal(size=(3, 8)), jnp.float32)}
    gradient = {"z": x["z"] * jnp.asarray([[1e-3], [0.0], [1e3]])}
    transform: Any = make_transform(name, "constant", 5, {"z": 0.1})
    updates, _ = transform.update(gradient, transform.init(x), x)
    moves = np.linalg.norm(updates["z"], axis=1)
    if name == "normalised":
        np.testing.assert_allclose(moves, [0.1, 0, 0.1], rtol=1e-5)
        unit = x["z"][0] / np.linalg.norm(x["z"][0])
        np.testing.assert_allclose(updates["z"][0], -0.1 * unit, rtol=1e-5)
    else:
        reached = np.linalg.norm(x["z"] + updates["z"], axis=1)
        np.testing.assert_allclose(reached, 8**0.5, rtol=1e-5)


@pytest.mark.parametrize("size", [1e-2, 1.0, 50.0])
def test_relative_steps_are_parts_of_each_array(size: float):
    values = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    weights = {"weights": {"large": jnp.asarray(size * values), "one": jnp.asarray(values)}}
    transform: Any = make_transform("relative", "constant", 5, {"weights": 0.01})
    updates, _ = transform.update(weights, transform.init(weights), weights)
    for name, scale in (("large", size), ("one", 1.0)):
        # The first step of Adam goes by its rate, whatever the gradient.
        expected = -0.01 * scale * np.sqrt(np.mean(values**2)) * np.sign(values)
        np.testing.assert_allclose(updates["weights"][name], expected, rtol=1e-3)
