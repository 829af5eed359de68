"""Recipes for generators of small images and for those without styles, measured on `faces64`."""

from typing import Any

from mgp_jax.recipes.recipe import Phase, Recipe, codes_only, named, quality_of, refined

# The first feature map of a generator: what is composed there is a face whatever the importances.
COARSEST = 4
# The one behind it leaves less freedom than the default cut, for colours and noise to go astray.
COARSE = 8
# Random codes of which the nearest are taken; more are hardly any nearer.
POOL = 400

# What all samples miss alike, and where edges lie.
MISSED: dict[str, Any] = {"floor": 0.03, "shift": 0.002}

# Seconds an image. The composed map is refined freely only where the observation determines the
# image; elsewhere it stays tethered, because a free map fits holes and gray with anything. Where
# what is missing lies close to what is known, the coarsest map is cut, which needs few steps. The
# spread of several samples has floors, shifts and temperatures with which it covers the errors.
FAST = {
    "inversion": refined(
        "fast", Phase(20), Phase(1000, schedule="constant"), candidates=POOL, floor=0.005
    ),
    "colorization": Recipe(
        "fast",
        (Phase(20, prior=0.3),),
        map_size=COARSE,
        saturation=1.2,
        temperature=1.6,
        floor=0.03,
    ),
    "super-resolution": refined(
        "fast",
        Phase(80, prior=0.03),
        Phase(200, tether=0.003),
        map_size=COARSEST,
        temperature=1.6,
        **MISSED,
    ),
    "inpainting": refined(
        "fast", Phase(60, prior=0.03), Phase(100, tether=0.1), temperature=2.9, **MISSED
    ),
    "scattered inpainting": refined(
        "fast",
        Phase(100, prior=0.01),
        Phase(200, tether=0.0003),
        map_size=COARSEST,
        temperature=1.3,
        **MISSED,
    ),
    "denoising": refined(
        "fast",
        Phase(60, prior=0.01),
        Phase(300, tether=0.003, residual_rate=0.04),
        map_size=COARSE,
        candidates=POOL,
        **MISSED,
    ),
}


QUALITY = quality_of(FAST)


# Codes alone miss more that all samples have in common.
PRIOR_TEMPERATURES = {
    "colorization": 1.6,
    "super-resolution": 2.0,
    "inpainting": 2.6,
    "scattered inpainting": 2.2,
    "denoising": 1.7,
}
# Codes and importances, nothing else. Few steps for the codes are enough: the importances alone
# cost next to nothing, and their span of feature maps grows with the number of codes.
PRIOR = named(
    "prior",
    {kind: codes_only(FAST[kind]).with_(temperature=t) for kind, t in PRIOR_TEMPERATURES.items()},
)
PRIOR["inversion"] = Recipe(
    "prior",
    (
        Phase(30),
        Phase(600, moves=("alpha",), whiten=True, alpha_rate=0.01, schedule="constant"),
    ),
    codes=40,
    candidates=POOL,
    floor=0.01,
)


# For editing the codes must explain as much as they can and stay probable: directions mean
# something only there. What they miss, a free residual carries along.
EDIT = named("edit", FAST)
EDIT["inversion"] = refined(
    "edit", Phase(120, prior=0.03), Phase(400, schedule="constant"), candidates=POOL
)
