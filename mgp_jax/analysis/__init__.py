"""Analyses of codes, channels and layers of inversions, each a function of arrays."""

from mgp_jax.analysis.ablation import (
    Ablation,
    Matches,
    Removal,
    ablate,
    difference,
    match_segments,
    remove,
)
from mgp_jax.analysis.contributions import (
    CodeImages,
    Dimension,
    code_images,
    effective_dimension,
)
from mgp_jax.analysis.importances import Spread, importance_spread, sparsity
from mgp_jax.analysis.quality import Cell, cuts_of, measure, measure_domains, over_grid
from mgp_jax.analysis.segmentation import (
    FACE_PARTS,
    face_segments,
    find_segments,
    read_segments,
)

__all__ = [
    "FACE_PARTS",
    "Ablation",
    "Cell",
    "CodeImages",
    "Dimension",
    "Matches",
    "Removal",
    "Spread",
    "ablate",
    "code_images",
    "cuts_of",
    "difference",
    "effective_dimension",
    "face_segments",
    "find_segments",
    "importance_spread",
    "match_segments",
    "measure",
    "measure_domains",
    "over_grid",
    "read_segments",
    "remove",
    "sparsity",
]
