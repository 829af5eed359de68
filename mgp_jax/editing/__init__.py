"""Semantic editing: directions in latent spaces, moves along them, ways between photographs."""

from mgp_jax.editing.boundaries import (
    METHODS,
    Boundary,
    read_labels,
    score_samples,
    train_boundary,
)
from mgp_jax.editing.directions import (
    Direction,
    condition,
    default_space,
    find_direction,
    ganspace,
    read_direction,
    sefa,
)
from mgp_jax.editing.interpolation import interpolate, match, mix_styles
from mgp_jax.editing.moves import drift, edit, lift, limit, render_all, render_edits

__all__ = [
    "METHODS",
    "Boundary",
    "Direction",
    "condition",
    "default_space",
    "drift",
    "edit",
    "find_direction",
    "ganspace",
    "interpolate",
    "lift",
    "limit",
    "match",
    "mix_styles",
    "read_direction",
    "read_labels",
    "render_all",
    "render_edits",
    "score_samples",
    "sefa",
    "train_boundary",
]
