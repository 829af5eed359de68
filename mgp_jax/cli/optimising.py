"""The options and steps that all commands share which invert or restore images."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from mgp_jax.cli.common import DEFAULT_GENERATOR, MAX_PIXELS, Files, LabelOption, Place
from mgp_jax.cli.starting import Starting
from mgp_jax.errors import SettingError

if TYPE_CHECKING:
    from mgp_jax.batch import Job, Record
    from mgp_jax.degradations import Degradation
    from mgp_jax.images import Reading
    from mgp_jax.inversion import Inversion
    from mgp_jax.methods import What


@dataclass(frozen=True, kw_only=True)
class Optimising(Starting):
    """The options of all commands that invert or restore images."""

    inputs: Files
    """Image files, or folders of them."""
    out: Annotated[Place, tyro.conf.arg(metavar="DIR")]
    """Folder for the results; the same command on it again continues where it stopped."""
    generator: Annotated[str, tyro.conf.arg(metavar="NAME|FILE|FILE.py:FUNCTION")] = (
        DEFAULT_GENERATOR
    )
    """A bundled generator (faces1024, faces64), a file written by mgp-convert, or a Python function
    that makes a generator or a split."""
    label: LabelOption = None
    """Class to draw, from 0 on, or mean for all alike: for generators of several classes."""
    codes: Annotated[int | Literal["auto"] | None, tyro.conf.arg(metavar="N|auto")] = None
    """Number of latent codes; the recipe's unless given. auto: that of a recipe file, else 20."""
    layer: Annotated[str | None, tyro.conf.arg(metavar="INDEX|NAME|auto")] = None
    """Where to cut the generator, see `mgp info`; the recipe's unless given. auto: that of a recipe
    file, else the last cut at an eighth of the resolution or at 16 pixels, the larger of both."""
    steps: Annotated[int | None, tyro.conf.arg(metavar="K")] = None
    """Number of steps, shared among the recipe's phases; the recipe's unless given."""
    recipe: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "fast"
    """fast: seconds; quality: better and slower; prior: codes and importances alone; edit: with
    codes that stay probable; paper: as published, for comparison; w and w+: the usual projector of
    style-based generators, one code and the noise maps. Or a file that `mgp tune` has written."""
    method: Annotated[str, tyro.conf.arg(metavar="NAME")] = "multi-code"
    """multi-code; or a method to compare with: one-code, encoder-optimised, feature-map, pulse, w,
    w+, robust, ilo (intermediate layers), pivotal, dip (deep image prior), codes-only, universal
    (multi-code with that recipe), encoder, observation."""
    encoder: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """For the methods that start from an encoder: its file, made by `mgp train-encoder`."""
    lpips_vgg: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """For the method robust: LPIPS with VGG16, a file written by mgp-convert."""
    seed: int = 0
    """Seed of the random starts and of simulated noise."""
    batch_size: Annotated[int, tyro.conf.arg(metavar="B")] = 8
    """Images optimised at a time, at most; on a CPU one from 256 pixels on."""
    target_psnr: Annotated[float | None, tyro.conf.arg(metavar="DB")] = None
    """Stop an image when the observation is matched to so many dB."""
    patience: Annotated[int | None, tyro.conf.arg(metavar="STEPS")] = None
    """Stop an image when its objective has not fallen for so many steps."""
    restarts: Annotated[int | None, tyro.conf.arg(metavar="R")] = None
    """Starts of each restoration, of which the one that matches its observation best is kept; the
    method's unless given, which is 1 but for pulse."""

    white: Annotated[float | None, tyro.conf.arg(metavar="LEVEL")] = None
    """The level that is white in images of more than 8 bits: 4095 for 12 bits that are stored in
    16; the largest of the file's type unless given."""
    max_pixels: Annotated[int, tyro.conf.arg(metavar="N")] = MAX_PIXELS
    """Larger images are not decoded: a few bytes can claim any size."""

    @property
    def reading(self) -> "Reading":
        """How image files are read.

        Raises:
            SettingError: a setting is out of range.
        """
        from mgp_jax.images import Reading

        if self.white is not None and not 0 < self.white < float("inf"):
            raise SettingError(f"white: {self.white}, must be above 0")
        if self.max_pixels < 1:
            raise SettingError(f"max pixels: {self.max_pixels}, at least 1 is needed")
        return Reading(self.white, self.max_pixels)

    def resolve(
        self,
        what: "What",
        degradation: "Degradation",
        samples: int | None = None,
        precision: str = "auto",
    ) -> "Inversion":
        """Returns how every image is inverted."""
        from mgp_jax.inversion import default_recipe, resolve
        from mgp_jax.methods import find_method
        from mgp_jax.recipe_files import choose_recipe
        from mgp_jax.solve import Execution

        method = find_method(self.method)
        recipe = choose_recipe(
            self.recipe,
            lambda name: default_recipe(name, method, degradation, what),
            codes=self.codes,
            layer=self.layer,
            steps=self.steps,
            samples=samples,
        )
        return resolve(
            what,
            degradation,
            self.begun(recipe, method, what, self.codes),
            method=method,
            seed=self.seed,
            patience=self.patience,
            target_psnr=self.target_psnr,
            execution=Execution(precision=precision),
            networks=self.networks(what),
        )

    def starts_of(self, inversion: "Inversion") -> int:
        """Returns the number of starts of each restoration."""
        return inversion.method.restarts if self.restarts is None else self.restarts

    def networks(self, what: "What") -> "dict[str, Any]":
        """Returns the networks that the user brings."""
        from mgp_jax.generators import Generator
        from mgp_jax.methods.encoder_network import load_encoder
        from mgp_jax.perception import load_lpips

        brought = {} if self.lpips_vgg is None else {"lpips_vgg": load_lpips(self.lpips_vgg)}
        if self.encoder is None:
            return brought
        if not isinstance(what, Generator):
            raise SettingError("encoder: only a whole generator has one")
        return {**brought, "encoder": load_encoder(self.encoder, what)}

    def restore(self, job: "Job", overwrite: bool = False) -> "list[Record]":
        """Runs a restoration over all inputs, shows how far it is, and writes the report."""
        import jax

        from mgp_jax.batch import run
        from mgp_jax.report import write_contact_sheet, write_page

        reporter = self.telling.reporter(self.name)
        with reporter.shown():
            records = run(job, self.inputs, self.out, reporter, overwrite)
        if jax.process_index() == 0:
            write_contact_sheet(self.out)
            write_page(self.out)
        return records
