"""The options of commands that can start from the codes of a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from mgp_jax.cli.common import Command, Space
from mgp_jax.errors import SettingError

if TYPE_CHECKING:
    from mgp_jax.codes import Codes
    from mgp_jax.generators import Generator
    from mgp_jax.inversion import Inversion
    from mgp_jax.methods import Method, What
    from mgp_jax.recipes import Recipe
    from mgp_jax.starts import Start


@dataclass(frozen=True, kw_only=True)
class Starting(Command):
    """Where codes start."""

    start: Annotated[Path | None, tyro.conf.arg(metavar="FILE.npz|npy")] = None
    """Start from the codes of a file instead of random ones: those of a run, or latent codes of Z,
    W or W+ (an array or a projected_w.npz); there are then as many codes, in that space."""
    latents_space: Space | None = None
    """The space of latent codes [N, size] in a file, where they could be of Z or W."""

    def begun(
        self, recipe: "Recipe", method: "Method", what: "What", codes: int | str | None
    ) -> "Recipe":
        """Returns a recipe for the codes of the file, the recipe itself without one.

        Raises:
            ImageError: the file cannot be read.
            SettingError: its codes fit neither the generator nor the settings.
        """
        from mgp_jax.generators import Generator
        from mgp_jax.methods import MULTI_CODE

        if self.start is None:
            return recipe
        if method.enter is not MULTI_CODE.enter:
            raise SettingError(f"start: method {method.name} has no codes to start from")
        if not isinstance(what, Generator):
            raise SettingError("start: only a whole generator can start from the codes of a file")
        begun = self._read(what).recipe(recipe, what)
        if codes not in (None, begun.codes):
            raise SettingError(f"codes: {codes}, {self.start} holds {begun.codes}")
        return begun

    def start_of(self, inversion: "Inversion") -> "Codes | None":
        """Returns the codes that all images start from, None for what the method starts from."""
        if self.start is None:
            return None
        split = inversion.split
        return self._read(split.generator).codes(split, inversion.recipe)

    def _read(self, generator: "Generator") -> "Start":
        from mgp_jax.starts import read_start

        assert self.start is not None
        return read_start(self.start, generator, self.latents_space)
