"""Recipes for style-based generators of large images, measured on `faces1024`.

The codes live in W. In front of the cut each has its style, behind it all share the styles of
`Codes.styles`, which move too. A step takes a second, so there are few of them.
"""

from dataclasses import replace
from typing import Any

from mgp_jax.recipes.recipe import Phase, Recipe, codes_only, named, quality_of

# From this height on a generator's images are large.
LARGE = 256


def styled(
    name: str,
    steps: int,
    refined: int = 0,
    *,
    map_size: int,
    prior: float = 0.0,
    styles_prior: float | None = None,
    tether: float = 0.0,
    lpips: float = 0.0,
    alpha_rate: float = 0.08,
    codes: int = 8,
    schedule: str = "cosine",
    **settings: Any,
) -> Recipe:
    """Makes a recipe of a phase for codes and styles and one for the composed map and styles.

    Args:
        name: its name.
        steps: of the first phase.
        refined: of the second, 0 for none.
        map_size: see `Recipe`.
        prior: weight of the priors of codes and of styles.
        styles_prior: that of the styles, if it is another.
        tether: weight of the tether in the second phase.
        lpips: weight of the LPIPS distance in the first phase, at 256 pixels.
        alpha_rate: learning rate of the importances.
        codes: number of codes.
        schedule: of the second phase's learning rates.
        **settings: further ones of the recipe.
    """
    styles_prior = prior if styles_prior is None else styles_prior
    phases = [
        Phase(
            steps,
            z_rate=0.03,
            alpha_rate=alpha_rate,
            styles_rate=0.03,
            lpips=lpips,
            perceptual_size=256 if lpips else None,
            prior=prior,
            styles_prior=styles_prior,
        )
    ]
    if refined:
        phases.append(
            Phase(
                refined,
                moves=("residual", "styles"),
                schedule=schedule,
                residual_rate=0.05,
                styles_rate=0.03,
                tether=tether,
                styles_prior=styles_prior,
            )
        )
    return Recipe(
        name,
        tuple(phases),
        codes=codes,
        map_size=map_size,
        space="w",
        truncation=0.7,
        **settings,
    )


# Noise and scattered pixels are left to the universal recipe, whose cut and priors follow what they
# leave. With temperatures, floors and shifts the spread of several samples covers the errors.
FAST = {
    # The observation determines all of the finest map.
    "inversion": styled("fast", 10, 140, map_size=256, schedule="constant", floor=0.005),
    # What gray says of the styles behind the cut is hardly more than light: held, they leave the
    # colours those of faces.
    "colorization": styled(
        "fast",
        50,
        map_size=8,
        prior=0.01,
        styles_prior=2.0,
        lpips=0.2,
        alpha_rate=0.005,
        saturation=1.1,
        temperature=2.0,
        floor=0.02,
    ),
    "super-resolution": styled(
        "fast",
        40,
        100,
        map_size=8,
        prior=0.003,
        tether=0.01,
        detail=0.9,
        temperature=1.5,
        floor=0.01,
        shift=0.002,
    ),
    "inpainting": styled(
        "fast",
        60,
        40,
        map_size=8,
        prior=0.003,
        tether=0.03,
        lpips=0.1,
        alpha_rate=0.01,
        temperature=1.8,
        floor=0.03,
        shift=0.002,
    ),
}

QUALITY = quality_of(FAST)

PRIOR = named("prior", {kind: codes_only(recipe) for kind, recipe in FAST.items()})
PRIOR["inversion"] = styled(
    "prior", 100, map_size=32, codes=10, temperature=1.7, floor=0.03, shift=0.002
)
PRIOR["denoising"] = styled(
    "prior", 40, map_size=32, prior=0.003, temperature=2.1, floor=0.03, shift=0.002
)

# Codes that stay near the mean, so that directions keep their meaning; the map takes the rest.
EDIT = named("edit", FAST)
_codes, _rest = styled("edit", 60, 60, map_size=32, prior=0.003).phases
# The rest is free, styles included.
EDIT["inversion"] = styled("edit", 60, 60, map_size=32).with_(
    phases=(_codes, replace(_rest, styles_prior=0.0))
)
