"""Recipes that others have published, for comparison."""

from mgp_jax.recipes.recipe import Phase, Recipe


def published(steps: int, codes: int, layer: int, perceptual: float) -> Recipe:
    """Makes a recipe of the settings of the published code, each explicit, defects included.

    The importances start from 1 / N^2 (1 / N, and the sum is divided by N once more). Plain
    gradient descent has the learning rate 1 and no schedule; for the importances that is 1 / N^2,
    one unit of their start, because of the same division. Features are weighted with a thousandth.
    The layer counts the convolutions of a PGGAN; other families take their default cut.
    """
    phase = Phase(
        steps,
        moves=("z", "alpha"),
        optimizer="sgd",
        schedule="constant",
        z_rate=1.0,
        alpha_rate=1.0,
        perceptual=0.001 * perceptual,
    )
    return Recipe("paper", (phase,), codes=codes, layer=layer, importance_power=2)


PAPER = {
    "inversion": published(3000, 20, 8, 1.0),
    "colorization": published(1500, 20, 6, 1.0),
    "super-resolution": published(2000, 20, 6, 1.0),
    "inpainting": published(3000, 30, 4, 0.1),
    "scattered inpainting": published(3000, 30, 4, 0.1),
    "denoising": published(3000, 30, 4, 0.1),
    "restoration": published(3000, 20, 8, 1.0),
}


def projection(name: str, space: str) -> Recipe:
    """Makes the usual StyleGAN projector: one code in a style space and the noise maps.

    Source: Karras et al. 2020 (StyleGAN2), appendix D: from the mean style, Adam, noise maps
    regularised by their autocorrelation. The features are our VGG16's, not those of LPIPS.
    """
    phase = Phase(
        500,
        moves=("z", "noise"),
        z_rate=0.05,
        noise_rate=0.05,
        perceptual=0.01,
        noise_regularization=1e3,
    )
    return Recipe(name, (phase,), codes=1, layer="truncation", space=space, from_mean=True)


PROJECTION_W = {kind: projection("w", "w") for kind in PAPER}
PROJECTION_W_PLUS = {kind: projection("w+", "w+") for kind in PAPER}
