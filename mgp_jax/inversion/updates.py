"""How a phase moves its variables: the optimiser, its coordinates and its bounds."""

from collections.abc import Hashable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from mgp_jax.codes import Codes
from mgp_jax.inversion.configuration import Setting
from mgp_jax.inversion.state import State
from mgp_jax.recipes import Phase


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


def within_ball(residual: Any, radius: float, anchor: Any) -> Any:
    """Returns the nearest residual whose L1 norm is at most `radius` times that of the anchor."""
    norm = sum(jnp.sum(jnp.abs(leaf)) for leaf in jax.tree.leaves(anchor))
    return optax.projections.projection_l1_ball(residual, radius * norm)
