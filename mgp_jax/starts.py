"""Codes of a file that an inversion starts from, in place of random ones."""

from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp

from mgp_jax.code_files import Latents, holds_codes, load_codes, read_latents, split_of
from mgp_jax.codes import Codes
from mgp_jax.generators import Generator, Split
from mgp_jax.recipes import Recipe


@dataclass(frozen=True)
class Start:
    """Where all images start, see `read_start`.

    Attributes:
        path: the file.
        latents: its latent codes.
        place: the split that the file's codes are for; None if it holds latent codes alone, or does
            not say.
    """

    path: Path
    latents: Latents
    place: Split | None

    def recipe(self, recipe: Recipe, generator: Generator) -> Recipe:
        """Returns a recipe with as many codes as there are, in their space or its own later one."""
        space = max(recipe.space, self.latents.space, key=generator.space)
        return recipe.with_(
            codes=len(self.latents.values), space=space, candidates=0, from_mean=False
        )

    def codes(self, split: Split, recipe: Recipe) -> Codes:
        """Makes the codes of one image.

        Those of a run for the same cut and space are taken whole. Of others the latent codes are
        taken, with equal importances, and their mean styles for the layers behind the cut.

        Raises:
            SettingError: the file holds codes of several samples.
        """
        place = self.place
        if place is not None and (place.cut, place.space) == (split.cut, split.space):
            return load_codes(self.path, split)
        generator, (values, space) = split.generator, self.latents
        begin = generator.space(space)
        z = generator.apply(split.params, jnp.asarray(values), begin, generator.space(split.space))
        alpha = jnp.full((len(z), split.channels), float(len(z)) ** -recipe.importance_power)
        styles = None
        if split.crossing.styles is not None:
            rows = generator.apply(split.params, values, begin, generator.space("w+"))
            styles = jnp.mean(rows, axis=0)
        return Codes(z, alpha, styles)


def read_start(path: Path, generator: Generator, space: str | None = None) -> Start:
    """Reads codes to start from.

    Args:
        path: the codes of a run, or latent codes, see `code_files.read_latents`: N codes which all
            images start from.
        generator: the generator.
        space: the space of codes [N, D], where they could be of Z or W.

    Raises:
        ImageError: the file cannot be read.
        SettingError: it holds no codes of the generator.
    """
    place = split_of(path, generator) if holds_codes(path) else None
    return Start(path, read_latents(path, generator, space), place)


def repeated(codes: Codes, count: int) -> Codes:
    """Returns codes of one image as those of a batch, leaves with a leading axis."""
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *jnp.shape(leaf))), codes)
