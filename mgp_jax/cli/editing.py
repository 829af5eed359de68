"""The commands that edit photographs: along a direction, between two, and training directions."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

import tyro

from mgp_jax.cli.common import OK, Command, Flag
from mgp_jax.cli.restoring import Optimising
from mgp_jax.cli.result_folder import asked_for, claim_results, finish, write_frames
from mgp_jax.errors import MGPError, SettingError
from mgp_jax.seeds import check_seed

if TYPE_CHECKING:
    import numpy as np

    from mgp_jax.batch import Record
    from mgp_jax.codes import Codes
    from mgp_jax.editing import Direction
    from mgp_jax.generators import Split
    from mgp_jax.inversion import Inversion

Space = Literal["z", "w", "w+"]


class Inverted(NamedTuple):
    """A photograph whose inversion could be read.

    Attributes:
        record: the record of its inversion.
        codes: its codes.
        stem: name of its files.
    """

    record: "Record"
    codes: "Codes"
    stem: str


@dataclass(frozen=True, kw_only=True)
class Inverting(Optimising):
    """The options of all commands that first invert photographs.

    The inversion is what `mgp invert` does, in the same folder: what is there already is used.
    """

    recipe: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "edit"
    """How to invert; edit: with a prior that keeps the codes probable, so that edits stay
    meaningful; for others see `mgp invert`."""
    overwrite: Flag = False
    """Start anew if the folder holds such results with other settings: remove what they wrote,
    nothing else. The inversions stay."""

    def plan(self) -> "Inversion":
        """Returns how the photographs are inverted.

        Raises:
            SettingError: the method finds no codes.
        """
        from mgp_jax.degradations import Identity
        from mgp_jax.inversion import load
        from mgp_jax.methods import MULTI_CODE

        check_seed(self.seed)
        inversion = self.resolve(load(self.generator, self.label), Identity())
        if inversion.method.enter is not MULTI_CODE.enter:
            raise SettingError(f"method {self.method}: its variables are no codes to go on with")
        return inversion

    def invert(self, inversion: "Inversion", argv: Sequence[str]) -> "list[Record]":
        """Inverts what the output folder has no record of, and returns the inputs' records."""
        from mgp_jax.batch import Job, find_inputs

        if not self.inputs:
            raise SettingError("no input images are given")
        job = Job(
            task="invert",
            inversion=inversion,
            degradation=inversion.degradation,
            restarts=self.restarts,
            batch_size=self.batch_size,
            note={"command": shlex.join(["mgp", *argv])},
            reading=self.reading,
        )
        # The folder may know more photographs than are asked for now.
        records = {record["name"]: record for record in self.restore(job)}
        given = find_inputs(self.inputs, self.out).given
        return [records[entry.stem] for entry in given]

    def region_of(self, path: Path, resolution: int) -> "np.ndarray":
        """Reads a region of the photographs: bool[H, W], true where the file is white.

        Raises:
            ImageError: the file cannot be used, or does not fit the photographs.
        """
        from mgp_jax.batch import find_inputs
        from mgp_jax.batch.job import require_fitting
        from mgp_jax.images import read_mask_picture

        picture = read_mask_picture(path)
        entries = find_inputs(self.inputs).entries
        require_fitting(picture, entries, resolution, self.reading)
        return picture.known(resolution)[..., 0] == 0

    def inverted(
        self, split: "Split", records: "Sequence[Record]"
    ) -> "Iterator[Inverted | Record]":
        """Yields what each input's codes are, or a record that says why there are none."""
        from mgp_jax.batch import load_codes

        for record in records:
            if record.get("codes") is None:
                yield {k: record[k] for k in ("input", "status", "error")}
                continue
            try:
                codes = load_codes(self.out / record["codes"], split)
            except MGPError as error:
                yield {"input": record["input"], "status": "failed", "error": str(error)}
                continue
            yield Inverted(record, codes, Path(record["codes"]).stem)


@dataclass(frozen=True, kw_only=True)
class Edit(Inverting):
    """Move photographs along a direction of the latent space.

    Writes strips, animations and single frames to DIR/edits.

    Example: mgp edit photo.png --out edited --direction sefa:2 --range=-3:3 --frames 9
    """

    name: ClassVar[str] = "edit"

    direction: Annotated[str, tyro.conf.arg(metavar="FILE.npy|sefa:K|ganspace:K")]
    """A boundary file, for example of InterFaceGAN or `mgp train-boundary`; or the K-th direction
    that SeFa finds in the weights or GANSpace in samples."""
    direction_space: Space | None = None
    """The space that a file's direction lives in; W if the generator has it, or Z."""
    keep: Annotated[tuple[str, ...], tyro.conf.arg(metavar="DIRECTION...")] = ()
    """Directions of attributes that shall not change; they are projected out."""
    range: Annotated[str, tyro.conf.arg(metavar="FROM:TO")] = "-3:3"
    """The smallest and the largest strength, in standard deviations of the latent space. A negative
    first number needs an equals sign: --range=-3:3."""
    frames: Annotated[int, tyro.conf.arg(metavar="COUNT")] = 9
    """Number of strengths, evenly spaced."""
    codes_moved: Annotated[tuple[int, ...], tyro.conf.arg(metavar="NUMBER...")] = ()
    """Which of the latent codes are moved, counted from 0; all unless given."""
    mask: Annotated[Path | None, tyro.conf.arg(metavar="MASK.png")] = None
    """Image with the region that may change in white; nothing outside it changes."""
    animation: Literal["webp", "gif"] = "webp"
    """Kind of the animation's file."""

    def run(self, argv: Sequence[str]) -> int:
        """Inverts, edits and writes."""
        from mgp_jax.batch.folder import require_own
        from mgp_jax.editing import condition, find_direction

        strengths = evenly(self.range, self.frames)
        inversion = self.plan()
        split, generator = inversion.split, inversion.split.generator
        direction, *kept = (
            find_direction(spec, generator, split.cut, self.seed, self.direction_space)
            for spec in (self.direction, *self.keep)
        )
        direction = condition(direction, kept)
        if generator.space(direction.space) < generator.space(split.space):
            raise SettingError(
                f"direction {self.direction}: lives in {direction.space}, recipe {self.recipe} "
                f"finds codes in {split.space}"
            )
        count = inversion.recipe.codes
        if any(not 0 <= number < count for number in self.codes_moved):
            raise SettingError(f"codes moved: there are the codes 0 to {count - 1}")
        region = None
        if self.mask is not None:
            region = self.region_of(self.mask, generator.resolution)
        settings = asked_for(self)
        folder = self.out / "edits" / direction.name.replace("|", "-without-")
        require_own(folder, settings, self.overwrite)
        records = self.invert(inversion, argv)
        claim_results(folder, settings, self.overwrite)
        edited = []
        for item in self.inverted(split, records):
            if isinstance(item, Inverted):
                edited.append(self.edit_one(item, split, direction, strengths, region, folder))
            else:
                edited.append(item)
        return finish(folder, edited, "edits", self.telling)

    def edit_one(
        self,
        item: Inverted,
        split: "Split",
        direction: "Direction",
        strengths: list[float],
        region: "np.ndarray | None",
        folder: Path,
    ) -> "Record":
        """Edits one photograph and returns its record."""
        import numpy as np

        from mgp_jax.editing import drift, lift, limit, render_edits

        codes, generator = item.codes, split.generator
        if generator.space(direction.space) > generator.space(split.space):
            split, codes = lift(split, codes, direction.space)
        moved = self.codes_moved or None
        original, *rest = render_edits(split, codes, direction, [0.0, *strengths], moved)
        frames = np.stack(rest)
        measured: dict[str, Any] = {}
        if region is not None:
            measured["lpips_outside_unlimited"] = drift(frames, original, ~region)
            frames = limit(frames, original, region)
            measured["lpips_outside"] = drift(frames, original, ~region)
        measured["lpips"] = drift(frames, original)
        record = {"input": item.record["input"], "status": "ok", "error": None}
        record |= {"direction": direction.name, "strengths": strengths, **measured}
        captions = [f"{strength:+g}" for strength in strengths]
        files = write_frames(folder, item.stem, frames, captions, self.animation)
        return record | files


@dataclass(frozen=True, kw_only=True)
class Interpolate(Inverting):
    """Go from one photograph to another through the latent space.

    Their codes are matched to each other first. With --behind only the styles behind a layer change
    (style-based generators), so that the last frame has the form of the first photograph and the
    colours of the second.

    Example: mgp interpolate first.png second.png --out between
    """

    name: ClassVar[str] = "interpolate"

    frames: Annotated[int, tyro.conf.arg(metavar="COUNT")] = 9
    """Number of images, both ends included."""
    behind: Annotated[str | None, tyro.conf.arg(metavar="INDEX|NAME")] = None
    """Mix styles: only those behind this layer become those of the second photograph."""
    animation: Literal["webp", "gif"] = "webp"
    """Kind of the animation's file."""

    def run(self, argv: Sequence[str]) -> int:
        """Inverts both photographs and writes the way between them."""
        from mgp_jax.batch.folder import require_own
        from mgp_jax.editing import drift, interpolate, lift, match, mix_styles, render_all
        from mgp_jax.images import find_images

        shares = evenly("0:1", self.frames)
        if len(find_images(self.inputs)) != 2:
            raise SettingError("interpolation goes between two photographs")
        inversion = self.plan()
        split, name = inversion.split, "way"
        if self.behind is not None:
            name = f"mix-behind-{split.generator.cut(self.behind)}"
        settings, folder = asked_for(self), self.out / name
        require_own(folder, settings, self.overwrite)
        items = list(self.inverted(split, self.invert(inversion, argv)))
        ends = [item for item in items if isinstance(item, Inverted)]
        if len(ends) < 2:
            failed = [item for item in items if not isinstance(item, Inverted)]
            raise MGPError("; ".join(item["error"] for item in failed))
        first, second = (item.codes for item in ends)
        second = match(first, second)
        if self.behind is not None:
            _, second = mix_styles(split, first, second, self.behind)
            split, first = lift(split, first, "w+")
        way = [interpolate(first, second, share, split.space) for share in shares]
        frames = render_all(split, way)
        claim_results(folder, settings, self.overwrite)
        steps = [drift(frames[k + 1 : k + 2], frames[k])[0] for k in range(len(frames) - 1)]
        record = {
            "input": " ".join(item.record["input"] for item in ends),
            "status": "ok",
            "error": None,
            "shares": shares,
            "lpips_of_steps": steps,
        }
        stem = f"{ends[0].stem}-{ends[1].stem}"
        captions = [f"{100 * share:.0f} %" for share in shares]
        record |= write_frames(folder, stem, frames, captions, self.animation)
        return finish(folder, [record], "interpolations", self.telling)


@dataclass(frozen=True, kw_only=True)
class TrainBoundary(Command):
    """Train a direction from labels: latent codes and their labels, or a function that scores.

    The result is a boundary file for `mgp edit --direction`. Needs the extra `editing`. Example:
    mgp train-boundary faces64 --out bright.npy --score mine:brightness
    """

    name: ClassVar[str] = "train-boundary"

    generator: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GENERATOR")]
    """A bundled generator (faces1024, faces64) or a file written by mgp-convert."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.npy")]
    """File to write, float32 [1, latent size]."""
    latents: Annotated[Path | None, tyro.conf.arg(metavar="Z.npy")] = None
    """Latent codes [N, latent size], with --labels."""
    labels: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Their labels, 0 or 1, or scores: an array file (.npy), or text with one number a line."""
    score: Annotated[str | None, tyro.conf.arg(metavar="MODULE:FUNCTION")] = None
    """Instead: a Python function that takes images, float [N, H, W, C] from 0 to 1, and returns N
    scores; random images are scored."""
    count: Annotated[int, tyro.conf.arg(metavar="N")] = 2000
    """Number of random images, with --score."""
    direction_space: Space | None = None
    """The space of the latent codes; W if the generator has it, or Z."""
    method: Literal["svm", "logistic"] = "svm"
    """Linear support vector machine, or logistic regression."""
    share: float = 0.2
    """Of scores: the share of the codes with the highest, and with the lowest, that is used."""
    keep: Annotated[tuple[str, ...], tyro.conf.arg(metavar="DIRECTION...")] = ()
    """Directions of attributes that shall not change; they are projected out."""
    seed: int = 0
    """Seed of the random images and of what is held out."""

    def run(self, argv: Sequence[str]) -> int:
        """Trains and writes the boundary."""
        from mgp_jax.cli.generators import read_latents
        from mgp_jax.editing import (
            condition,
            default_space,
            find_direction,
            read_labels,
            score_samples,
            train_boundary,
        )
        from mgp_jax.generators import load_generator
        from mgp_jax.images import write_array
        from mgp_jax.user_code import load_function

        check_seed(self.seed)
        generator = load_generator(self.generator)
        space = self.direction_space or default_space(generator)
        given = [self.latents is not None, self.labels is not None]
        if any(given) != all(given) or any(given) == (self.score is not None):
            raise SettingError("labels: give either --latents and --labels, or --score")
        cut = generator.default_cut()
        kept = [
            find_direction(spec, generator, cut, self.seed, self.direction_space)
            for spec in self.keep
        ]
        if self.latents is not None and self.labels is not None:
            shape = tuple(generator.shapes[generator.space(space)].shape[-1:])
            latents, labels = read_latents(self.latents, shape), read_labels(self.labels)
        else:
            function = load_function(str(self.score))
            latents, labels = score_samples(generator, function, self.count, self.seed, space)
        boundary = train_boundary(
            latents, labels, space, self.out.stem, self.method, self.share, seed=self.seed
        )
        direction = condition(boundary.direction, kept)
        write_array(self.out, direction.vector[None])
        numbers = {name: getattr(boundary, name) for name in ("accuracy", "trained", "held_out")}
        self.telling.answer(
            {"output": str(self.out), **numbers},
            f"{self.out}: {boundary.accuracy:.1%} of {boundary.held_out} held-out codes are on the "
            f"right side; trained on {boundary.trained}",
        )
        return OK


def evenly(text: str, count: int) -> list[float]:
    """Returns evenly spaced numbers of a range `FROM:TO`.

    Raises:
        SettingError: it is no range, or fewer than 2 numbers are wanted.
    """
    import numpy as np

    try:
        first, last = (float(part) for part in text.split(":"))
    except ValueError:
        raise SettingError(f"range {text}: two numbers are needed, as in -3:3") from None
    if not (np.isfinite([first, last]).all() and first < last):
        raise SettingError(f"range {text}: the first number must be below the second")
    if count < 2:
        raise SettingError(f"frames: {count}, at least 2 are needed")
    # Rounded, so that the middle of an even range is zero and captions are short.
    return [round(float(value), 6) + 0.0 for value in np.linspace(first, last, count)]
