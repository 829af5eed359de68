"""What a generator draws: random codes, the way between two, and what every code adds."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mgp_jax.analysis import code_images
from mgp_jax.app.editing import open_codes
from mgp_jax.code_files import Latents, codes_of
from mgp_jax.editing import interpolate, mix_styles, render_all
from mgp_jax.generators import Generator, random_latents
from mgp_jax.generators.sampling import with_truncation
from mgp_jax.generators.style import StyleConfig
from mgp_jax.images import to_uint8


@dataclass(frozen=True)
class Mixture:
    """Two random faces, and what is between them.

    Attributes:
        first: seed of the one.
        second: seed of the other.
        share: how much of the way from the first to the second, 0 to 1.
        truncation: how far styles are from their mean, 1 for as they are.
        behind: the layer behind which the styles of the second are taken instead; None to go the
            way. Style-based generators only.
    """

    first: int
    second: int
    share: float = 0.0
    truncation: float = 1.0
    behind: int | None = None


def has_styles(generator: Generator) -> bool:
    """Returns whether a generator can be truncated and its styles mixed."""
    return isinstance(generator.config, StyleConfig)


def mixed(generator: Generator, mixture: Mixture) -> np.ndarray:
    """Renders both faces and what is between them: float[3, H, W, C], the mixture in the middle.

    Raises:
        SettingError: a seed is out of range, or there is no such layer.
    """
    seeds = mixture.first, mixture.second
    z = np.concatenate([np.asarray(random_latents(generator, 1, seed)) for seed in seeds])
    latents = Latents(z, "z")
    if has_styles(generator):
        # Truncated first: a generator with another truncation would be compiled for each.
        calm = with_truncation(generator, mixture.truncation)
        styles = calm.apply(calm.params, z, 0, calm.space("w+"))
        latents = Latents(np.asarray(styles), "w+")
    split, (first, second) = codes_of(generator, latents)
    ends = render_all(split, [first, second])
    if mixture.behind is None:
        between = interpolate(first, second, mixture.share, split.space)
        middle = render_all(split, [between])
    else:
        styled, between = mix_styles(split, first, second, f"layer{mixture.behind}")
        middle = render_all(styled, [between])
    return np.stack([ends[0], middle[0], ends[1]])


def contributions(codes_file: Path, generator: Generator) -> list[tuple[np.ndarray, str]]:
    """Renders what every code of a restoration adds.

    Returns: uint8[H, W, C] with what each is: the whole, then every code brought to its strength.

    Raises:
        MGPError: the codes cannot be read.
    """
    split, codes = open_codes(codes_file, generator)
    images = code_images(split, codes)
    pictures = [images.whole, *images.scaled]
    captions = ["all together", *(f"code {k}" for k in range(len(images.scaled)))]
    return [
        (to_uint8(np.clip(picture, -1, 1)), caption)
        for picture, caption in zip(pictures, captions, strict=True)
    ]
