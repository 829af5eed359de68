"""One setting for every degradation, strength and chain: weights follow what an observation tells.

The more is determined the larger the map that is cut. Priors weigh what maximum a posteriori says:
the variance of what is not explained, noise and what renderings miss, over the number of values
that tell of it.
"""

from typing import Any, NamedTuple

from mgp_jax.degradations import Information
from mgp_jax.recipes.large import styled
from mgp_jax.recipes.recipe import Phase, Recipe, refined

# Height and width of the map of a large image that is determined pixel by pixel; of squares of two
# pixels it is half, and so on.
PIXELS = 128
# Squared error that renderings leave where there is no noise, images in [-1, 1].
MISSED = 0.03**2
# What independent noise weighs in large images, where a map has so few values for so many pixels
# that it can hardly follow any.
INDEPENDENT = 0.1
# How much more styles weigh where the colours are not known, which would go astray with them.
COLOURLESS = 10


class Spread(NamedTuple):
    """What is expected of the spread of several samples, see `Recipe`."""

    temperature: float
    floor: float
    shift: float


class Spreads(NamedTuple):
    """What is expected of it, by what is known.

    Attributes:
        fine: side in pixels of squares that are small.
        determined: where such squares are determined everywhere.
        opened: where holes or factors leave more open.
        colourless: where the colours are not known, whose errors know no edges.
    """

    fine: int
    determined: Spread
    opened: Spread
    colourless: Spread

    def of(self, told: Information) -> dict[str, Any]:
        """Returns the settings of a recipe."""
        if not told.coloured:
            return self.colourless._asdict()
        return (self.determined if told.cell <= self.fine else self.opened)._asdict()


OF_SMALL = Spreads(2, Spread(1.1, 0.03, 0.002), Spread(1.7, 0.03, 0.002), Spread(2.1, 0.03, 0.0))
OF_LARGE = Spreads(4, Spread(1.3, 0.01, 0.001), Spread(1.8, 0.02, 0.002), Spread(2.0, 0.02, 0.0))


def uncertainty(told: Information) -> float:
    """Returns the squared error of an observation for every value that it determines."""
    return told.noise / max(told.known, 1.0) + MISSED / max(told.determined, 1.0)


def uncertainty_of_large(told: Information, map_size: int) -> float:
    """Returns the same of large images, which depends on how errors hang together.

    Random ones that JPEG has spread over blocks are one for each square that is determined where
    there are no holes, not one for each value; a map that holes make coarser follows fewer of them.

    Args:
        told: what is known.
        map_size: height and width of the map at the cut.
    """
    if told.independent:
        return uncertainty(told._replace(noise=INDEPENDENT * told.noise))
    squares = min(told.known, told.determined * (told.cell / told.common) ** 2)
    rounding = uncertainty(told._replace(noise=told.noise - told.random))
    followed = (map_size * told.common / PIXELS) ** 2
    return rounding + min(followed, 1.0) * told.random / max(squares, 1.0)


def rounded(weight: float) -> float:
    """Returns a weight in two digits, which are the same on every machine."""
    return float(f"{weight:.1e}")


def universal_of_large(told: Information) -> Recipe:
    """Makes the recipe for style-based generators of large images; chosen on `faces1024`."""
    # From 128 pixels, where every pixel is determined, to 8; twice as fine where only holes ask for
    # less.
    finest = PIXELS if told.cell == 1 else PIXELS // 2
    map_size = max(min(finest, PIXELS // told.common, 2 * PIXELS // told.cell), 8)
    amount = uncertainty_of_large(told, map_size)
    held = 1 if told.coloured else COLOURLESS
    return styled(
        "universal",
        20,
        100,
        map_size=map_size,
        prior=rounded(3e5 * amount),
        styles_prior=rounded(held * 8e5 * amount),
        tether=rounded(8e3 * map_size**2 * amount),
        alpha_rate=0.01,
        **OF_LARGE.of(told),
    )


def universal_of_small(told: Information) -> Recipe:
    """Makes the recipe for other generators; chosen on `faces64`."""
    map_size = max(16 // told.cell, 4)
    amount = uncertainty(told)
    prior, tether = rounded(1.5e4 * amount), rounded(50 * map_size**2 * amount)
    return refined(
        "universal",
        Phase(60, prior=prior),
        Phase(300, tether=tether),
        map_size=map_size,
        **OF_SMALL.of(told),
    )
