"""What a visitor wants restored, as the command that does the same, and as a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mgp_jax.app.faults import AUTO, BY_NAME, SMALL, degradation_of
from mgp_jax.batch import Job
from mgp_jax.degradations import Degradation, Identity, parse
from mgp_jax.errors import SettingError
from mgp_jax.faces import LARGEST, NONE, can_find_faces, choose
from mgp_jax.generators import Generator
from mgp_jax.images import Reading, read_whole, write_image
from mgp_jax.images.masks import central_square, resampled
from mgp_jax.images.photographs import filled, resized
from mgp_jax.inversion import Inversion, default_recipe, resolve
from mgp_jax.methods import MULTI_CODE
from mgp_jax.portraits import draws_aligned_faces, posed
from mgp_jax.recipe_files import choose_recipe
from mgp_jax.solve import Execution

# As often as the picture that becomes sharper is drawn anew.
SECONDS_BETWEEN_REPORTS = 1.0


@dataclass(frozen=True)
class Wish:
    """What is to be done with a photograph.

    Attributes:
        generator: name or file of the generator, as the command takes it.
        input: the photograph.
        faults: what is wrong with it, see `faults`; of `small` how many times it is enlarged; or
            `auto` alone, where it is estimated.
        holes: bool[H, W], what is missing of the photograph; None for nothing.
        faces: `largest`, `all`, a number of the largest, or `none` for the central square.
        recipe: name of the recipe.
        samples: number of answers.
        seed: seed of the random starts.
    """

    generator: str
    input: Path
    faults: Mapping[str, float | None] = field(default_factory=dict)
    holes: np.ndarray | None = field(default=None, repr=False, compare=False)
    faces: str = NONE
    recipe: str = "fast"
    samples: int = 1
    seed: int = 0

    @property
    def enlarged(self) -> int:
        """How many times a photograph with faces is enlarged."""
        return 1 if self.faces == NONE else round(self.faults.get(SMALL) or 1)


@dataclass(frozen=True)
class Prepared:
    """The files that a run reads.

    Attributes:
        input: the photograph, as the command reads it.
        degradation: what made it, in its text form.
        written: the files that the visitor does not have.
    """

    input: Path
    degradation: str
    written: tuple[Path, ...]


def faces_choices(what: Generator) -> tuple[str, ...]:
    """Returns which faces can be chosen for a generator, the usual choice first."""
    if draws_aligned_faces(what) and can_find_faces():
        return (LARGEST, "2", "3", "4", "all", NONE)
    return (NONE,)


def prepare(wish: Wish, what: Generator, folder: Path, reading: Reading) -> Prepared:
    """Writes what the run reads beside the photograph: the holes; without faces a small one.

    Raises:
        MGPError: the photograph cannot be read, or what is wrong with it does not go together.
    """
    faults, photograph, holes = dict(wish.faults), wish.input, wish.holes
    if AUTO in faults and (len(faults) > 1 or holes is not None):
        raise SettingError("What is wrong is estimated, or told: tick nothing beside that.")
    written, stem, alone = [], wish.input.stem, wish.faces == NONE
    # A face is restored from as many pixels as it has, whatever else is said.
    factor = faults.pop(SMALL, None)
    if factor is not None and alone:
        levels, _ = read_whole(photograph, reading)
        square = central_square(levels)
        side = min(len(square), max(1, round(what.resolution / factor)))
        if square.shape != levels.shape or side != len(square):
            if holes is not None:
                square = filled(square, central_square(holes))
            photograph = folder / f"{stem}-{side}.png"
            write_image(photograph, resized(square, side))
            written.append(photograph)
        if holes is not None:
            holes = resampled(central_square(holes), side)
        faults[SMALL] = side
    elif holes is not None and any(BY_NAME[name].spreads for name in faults):
        if not alone:
            raise SettingError(
                "Holes in a blurred or JPEG photograph: choose the central square, not faces."
            )
        holes = resampled(central_square(holes), what.resolution)
    mask = None
    if holes is not None and holes.any():
        mask = folder / f"{stem}-holes.png"
        write_image(mask, np.where(holes, np.uint8(255), np.uint8(0)))
        written.append(mask)
    degradation = degradation_of(faults, None if mask is None else str(mask))
    return Prepared(photograph, degradation, tuple(written))


def command(wish: Wish, prepared: Prepared, folder: Path) -> list[str]:
    """Returns the command that does the same where the photograph and what is written are."""
    degradation = prepared.degradation.replace(f"{folder}/", "")
    words = ["mgp", "restore", prepared.input.name, "--out", f"{wish.input.stem}-restored"]
    words += ["--generator", wish.generator, "--degradation", degradation]
    words += ["--faces", wish.faces, "--recipe", wish.recipe, "--seed", str(wish.seed)]
    if wish.enlarged > 1:
        words += ["--scale", str(wish.enlarged)]
    if wish.samples > 1:
        words += ["--samples", str(wish.samples)]
    return words


def job_of(wish: Wish, what: Generator, prepared: Prepared, reading: Reading, told: str) -> Job:
    """Returns the run that does what a visitor wants.

    Args:
        wish: what is wanted.
        what: the generator.
        prepared: the files.
        reading: how image files are read.
        told: the command that does the same.

    Raises:
        SettingError: settings do not go together.
    """
    resolution, estimates = what.resolution, prepared.degradation == AUTO
    degradation: Degradation = Identity()
    if not estimates:
        degradation = parse(prepared.degradation, resolution, what.image_shape[2])
    faces: str | int | None = None
    if wish.faces != NONE:
        if wish.faces not in faces_choices(what):
            raise SettingError(f"{what.name} draws no faces of photographs")
        faces = int(wish.faces) if wish.faces.isdecimal() else wish.faces
        choose((), faces)

    def undoing(seen: Degradation) -> Inversion:
        recipe = choose_recipe(
            wish.recipe,
            lambda name: default_recipe(name, MULTI_CODE, seen, what),
            samples=wish.samples if wish.samples > 1 else None,
        )
        return resolve(what, seen, recipe, seed=wish.seed)

    inversion = undoing(degradation if faces is None else posed(degradation, resolution))
    return Job(
        task="restore",
        inversion=inversion.executed(replace(Execution(), chunk_seconds=SECONDS_BETWEEN_REPORTS)),
        degradation=degradation,
        checkpoint_every=0,
        note={"command": told},
        reading=reading,
        faces=faces,
        scale=wish.enlarged,
        estimated=undoing if estimates else None,
    )
