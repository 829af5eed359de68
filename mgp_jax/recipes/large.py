"""Recipes for style-based generators of large images, measured on `faces1024`.

The codes live in W. In front of the cut each has its style, behind it all share the styles of
`Codes.styles`, which move too. A step takes a second, so there are few of them.
"""

from dataclasses import replace

from mgp_jax.recipes.recipe import Phase, Recipe, averaged, codes_only

# From this height on a generator's images are large.
LARGE = 256


def styled(
    name: str,
    codes: Phase,
    refinement: Phase | None,
    *,
    map_size: int,
    count: int = 8,
    detail: float = 1.0,
) -> Recipe:
    """Makes a recipe of a phase for codes and styles and one for the composed map and styles."""
    codes = replace(codes, z_rate=0.03, styles_rate=0.03, alpha_rate=0.08)
    phases = [codes]
    if refinement is not None:
        moves = ("residual", "styles")
        phases.append(replace(refinement, moves=moves, residual_rate=0.05, styles_rate=0.03))
    return Recipe(
        name,
        tuple(phases),
        codes=count,
        map_size=map_size,
        space="w",
        truncation=0.7,
        detail=detail,
    )


FAST = {
    "inversion": styled("fast", Phase(30), Phase(120), map_size=64),
    "colorization": styled("fast", Phase(50, prior=0.01, styles_prior=0.01), None, map_size=8),
    "super-resolution": styled(
        "fast",
        Phase(40, prior=0.003, styles_prior=0.003),
        Phase(100, tether=0.01, styles_prior=0.003),
        map_size=8,
        detail=0.9,
    ),
    "inpainting": styled(
        "fast",
        Phase(40, prior=0.003, styles_prior=0.003),
        Phase(80, tether=0.01, styles_prior=0.003),
        map_size=16,
    ),
    "scattered inpainting": styled(
        "fast",
        Phase(40, prior=0.003, styles_prior=0.003),
        Phase(60, tether=0.01, styles_prior=0.003),
        map_size=32,
    ),
    "denoising": styled(
        "fast",
        Phase(40, prior=0.003, styles_prior=0.003),
        Phase(50, tether=0.01, styles_prior=0.003),
        map_size=32,
    ),
    "restoration": styled(
        "fast",
        Phase(60, prior=0.003, styles_prior=0.003),
        Phase(30, tether=0.05, styles_prior=0.003),
        map_size=16,
    ),
}

QUALITY = {kind: averaged(recipe, 4) for kind, recipe in FAST.items()} | {
    "inversion": replace(
        FAST["inversion"].with_(steps=3 * FAST["inversion"].steps), name="quality"
    ),
}

PRIOR = {kind: replace(codes_only(recipe), name="prior") for kind, recipe in FAST.items()}
PRIOR["inversion"] = styled("prior", Phase(100), None, map_size=32, count=10)

# Codes that stay near the mean, so that directions keep their meaning; the map takes the rest.
EDIT = {kind: replace(recipe, name="edit") for kind, recipe in FAST.items()}
EDIT["inversion"] = styled(
    "edit", Phase(60, prior=0.003, styles_prior=0.003), Phase(60), map_size=32
)
