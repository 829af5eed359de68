"""Semantic editing: directions in latent spaces, moves along them, ways between photographs."""

from mgp_jax.codes import render_all
from mgp_jax.editing.boundaries import (
    METHODS,
    Boundary,
    read_labels,
    regress,
    score_samples,
    train_boundary,
)
from mgp_jax.editing.bundled import Bundled, about_bundled, bundled_directions
from mgp_jax.editing.directions import (
    Direction,
    condition,
    default_space,
    in_every_style,
    in_layers,
    measured,
    read_direction,
    separate,
)
from mgp_jax.editing.discovery import ganspace, sefa
from mgp_jax.editing.effects import drift, effects_on_faces
from mgp_jax.editing.finding import find_direction
from mgp_jax.editing.interpolation import interpolate, match, mix_styles
from mgp_jax.editing.moves import edit, lift, limit, render_edits
from mgp_jax.editing.residuals import (
    CARRIES,
    composed,
    default_carry,
    fade,
    keep,
    render_faded,
    warp,
)

__all__ = [
    "CARRIES",
    "METHODS",
    "Boundary",
    "Bundled",
    "Direction",
    "about_bundled",
    "bundled_directions",
    "composed",
    "condition",
    "default_carry",
    "default_space",
    "drift",
    "edit",
    "effects_on_faces",
    "fade",
    "find_direction",
    "ganspace",
    "in_every_style",
    "in_layers",
    "interpolate",
    "keep",
    "lift",
    "limit",
    "match",
    "measured",
    "mix_styles",
    "read_direction",
    "read_labels",
    "regress",
    "render_all",
    "render_edits",
    "render_faded",
    "score_samples",
    "sefa",
    "separate",
    "train_boundary",
    "warp",
]
