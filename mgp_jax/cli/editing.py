"""The commands that edit photographs: along a direction, and between two."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import tyro

from mgp_jax.cli.common import Flag, OptionalFiles, Space
from mgp_jax.cli.facing import Facing
from mgp_jax.cli.inverting import Inverted, Inverting, Source
from mgp_jax.cli.result_folder import FREE, asked_for, claim_results, finish, write_frames
from mgp_jax.errors import ImageError, MGPError, SettingError

if TYPE_CHECKING:
    import numpy as np

    from mgp_jax.batch import Record
    from mgp_jax.codes import Codes
    from mgp_jax.editing import Direction
    from mgp_jax.generators import Split


@dataclass(frozen=True, kw_only=True)
class Edit(Facing, Inverting):
    """Move photographs along a direction of the latent space.

    Of a photograph with faces these are moved, and put back into it.

    Writes strips, animations and single frames to DIR/edits. With --codes FILE nothing is inverted:
    the codes of a run, or latent codes of W or W+, are edited as they are.

    Example: mgp edit photo.png --out edited --direction smile --range=-2:2 --frames 9
    """

    name: ClassVar[str] = "edit"

    inputs: OptionalFiles = ()
    """Image files, or folders of them; none with --codes FILE."""
    codes: Annotated[  # pyright: ignore[reportIncompatibleVariableOverride]
        int | Literal["auto"] | Path | None, tyro.conf.arg(metavar="N|auto|FILE.npz|FILE.npy")
    ] = None
    """Number of latent codes; the recipe's unless given. Or a file of codes to edit without
    inverting: of a run (DIR/codes/NAME.npz), or latent codes of Z, W or W+, each for itself."""
    direction: Annotated[str, tyro.conf.arg(metavar="NAME|FILE.npy|sefa:K|ganspace:K")]
    """A bundled direction (`mgp directions` lists them); a boundary file, for example of
    InterFaceGAN or `mgp train-boundary`; or the K-th direction that SeFa finds in the weights or
    GANSpace in samples."""
    direction_space: Space | None = None
    """The space that a file's direction lives in; W if the generator has it, or Z."""
    layers: Annotated[str | None, tyro.conf.arg(metavar="FROM:TO")] = None
    """Move only the styles of these layers (style-based generators): 4:9 is layer4 to layer9, and
    to_rgb counts as one more than the last layer. All unless given, or those that a bundled
    direction is for."""
    keep: Annotated[tuple[str, ...], tyro.conf.arg(metavar="DIRECTION...")] = ()
    """Directions of attributes that shall not change; they are projected out."""
    range: Annotated[str, tyro.conf.arg(metavar="FROM:TO")] = "-2:2"
    """The smallest and the largest strength, in standard deviations of random codes along the
    direction. A negative first number needs an equals sign: --range=-2:2."""
    frames: Annotated[int, tyro.conf.arg(metavar="COUNT")] = 9
    """Number of strengths, evenly spaced."""
    codes_moved: Annotated[tuple[int, ...], tyro.conf.arg(metavar="NUMBER...")] = ()
    """Which of the latent codes are moved, counted from 0; all unless given."""
    residual: Literal["keep", "fade", "warp"] | None = None
    """What the codes have missed of a photograph: keep it as it is; let it fade where the edit
    draws something else, so that no old mouth lies over a new one; or first move it along with what
    the edit moves (needs the extra `faces`). Unless given warp, or fade without the extra."""
    put_back: Flag = False
    """With --codes FILE of a face that a run has restored: put it back into the photograph that the
    run has written (DIR/images), and write that."""
    mask: Annotated[Path | None, tyro.conf.arg(metavar="MASK.png")] = None
    """Image with the region that may change in white; nothing outside it changes."""
    animation: Literal["webp", "gif"] = "webp"
    """Kind of the animation's file."""

    def run(self, argv: Sequence[str]) -> int:
        """Inverts, edits and writes."""
        from mgp_jax.batch.folder import require_own

        strengths = evenly(self.range, self.frames)
        if self.faces not in (None, "none") and self.takes_a_square:
            raise SettingError(
                "faces: --mask, --start and codes of a file are for one square image; they go with "
                "--faces none"
            )
        if self.put_back and not isinstance(self.codes, Path):
            raise SettingError("put back: faces of photographs are; it goes with --codes FILE")
        source = self.given() if isinstance(self.codes, Path) else self.inverting(argv)
        direction = self.found(source.split)
        count = source.count
        if any(not 0 <= number < count for number in self.codes_moved):
            raise SettingError(f"codes moved: there are the codes 0 to {count - 1}")
        region = None
        if self.mask is not None:
            region = self.region_of(self.mask, source.split.generator.resolution)
        # Folders that were written before the option was there are gone on with.
        free = FREE if self.put_back else (*FREE, "put_back")
        settings = asked_for(self, free) | {"residual": self.carry}
        folder = self.out / "edits" / direction.name.replace("|", "-without-")
        require_own(folder, settings, self.overwrite)
        items = source.items()
        claim_results(folder, settings, self.overwrite)
        edited = []
        for item in items:
            if isinstance(item, Inverted):
                edited.append(
                    self.edit_one(item, source.split, direction, strengths, region, folder)
                )
            else:
                edited.append(item)
        return finish(folder, edited, "edits", self.telling)

    @property
    def takes_a_square(self) -> bool:
        """Whether another option is for one square image."""
        return bool(self.mask or self.start or isinstance(self.codes, Path))

    @property
    def carry(self) -> str:
        """What becomes of the residual."""
        from mgp_jax.editing import default_carry

        return self.residual or default_carry()

    def inverting(self, argv: Sequence[str]) -> "Source":
        """Returns what is edited where photographs are inverted first."""
        inversion = self.plan()
        faces = self.which_faces(inversion.split.generator, inversion.degradation)

        def items() -> "Iterator[Inverted | Record]":
            return self.inverted(inversion.split, self.invert(inversion, argv, faces))

        return Source(inversion.split, inversion.recipe.codes, items)

    def given(self) -> "Source":
        """Returns what is edited where a file holds the codes.

        Raises:
            ImageError: the file cannot be read.
            SettingError: it does not fit the generator, or there are photographs too.
        """
        from mgp_jax.batch import placed_in_written
        from mgp_jax.code_files import codes_of, holds_codes, load_codes, read_latents, split_of
        from mgp_jax.generators import load_generator

        path = self.codes
        assert isinstance(path, Path)
        if self.inputs:
            raise SettingError(f"codes {path}: nothing is inverted, photographs have no part in it")
        generator = load_generator(self.generator, self.label)
        if holds_codes(path):
            split = split_of(path, generator) or replace(self, codes=None).plan().split
            sets = [load_codes(path, split)]
        else:
            latents = read_latents(path, generator, self.latents_space)
            split, sets = codes_of(generator, latents)
        if self.put_back:
            placed = placed_in_written(path)
            if placed is None:
                raise SettingError(f"codes {path}: no run with faces has written them here")
            face = Inverted({"input": f"{path}"}, sets[0], path.stem, (sets[0],), placed)
            return Source(split, len(sets[0].z), lambda: iter([face]))
        stems = [path.stem] if len(sets) == 1 else [f"{path.stem}-{k}" for k in range(len(sets))]
        inputs = [f"{path}" if len(sets) == 1 else f"{path}[{k}]" for k in range(len(sets))]
        items = [
            Inverted({"input": name}, codes, stem)
            for name, codes, stem in zip(inputs, sets, stems, strict=True)
        ]
        return Source(split, len(sets[0].z), lambda: iter(items))

    def found(self, split: "Split") -> "Direction":
        """Returns the direction that is asked for, without what is to be kept.

        Raises:
            SettingError: there is none, or codes of the split cannot be carried into its space.
        """
        from mgp_jax.editing import condition, find_direction, in_every_style, measured

        generator, layers = split.generator, layers_of(self.layers)
        found = [
            find_direction(spec, generator, split.cut, self.seed, self.direction_space, limits)
            for spec, limits in ((self.direction, layers), *((spec, None) for spec in self.keep))
        ]
        if len({item.space for item in found}) > 1:
            found = [in_every_style(item, generator) for item in found]
        direction, *kept = found
        if kept:
            direction = measured(condition(direction, kept), generator)
        if direction.space == "z" and split.space != "z":
            raise SettingError(
                f"direction {self.direction}: lives in z, recipe {self.recipe} finds codes in "
                f"{split.space}"
            )
        return direction

    def region_of(self, path: Path, resolution: int) -> "np.ndarray":
        """Reads a region: with codes of a file, of the generator's image."""
        from mgp_jax.images import read_mask_picture

        if not isinstance(self.codes, Path):
            return super().region_of(path, resolution)
        picture = read_mask_picture(path)
        picture.require_fitting((resolution, resolution), resolution)
        return picture.known(resolution)[..., 0] == 0

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
        from mgp_jax.editing import drift, limit

        original, frames = self.edits(item.codes, split, direction, strengths)
        measured: dict[str, Any] = {}
        if region is not None:
            measured["lpips_outside_unlimited"] = drift(frames, original, ~region)
            frames = limit(frames, original, region)
            measured["lpips_outside"] = drift(frames, original, ~region)
        measured |= changes(split, frames, original)
        record = {"input": item.record["input"], "status": "ok", "error": None}
        record |= {"direction": direction.name, "strengths": strengths, **measured}
        photographs: Iterable[np.ndarray] = frames
        if item.placed is not None:
            others = [self.edits(codes, split, direction, strengths) for codes in item.faces[1:]]
            record["faces"] = [measured, *(changes(split, *pair[::-1]) for pair in others)]
            squares = [frames, *(moved for _, moved in others)]
            try:
                photographs = item.placed.put_back(zip(*squares, strict=True), self.reading)
            except ImageError as error:  # It was there when it was inverted.
                return record | {"status": "failed", "error": str(error)}
        captions = [f"{strength:+g}" for strength in strengths]
        files = write_frames(folder, item.stem, photographs, captions, self.animation)
        return record | files

    def edits(
        self, codes: "Codes", split: "Split", direction: "Direction", strengths: list[float]
    ) -> "tuple[np.ndarray, np.ndarray]":
        """Renders codes as they are, float[H, W, C], and with every strength, float[F, H, W, C]."""
        import numpy as np

        from mgp_jax.editing import render_edits

        moved = self.codes_moved or None
        frames = render_edits(split, codes, direction, [0.0, *strengths], moved, self.carry)
        original, *rest = frames
        return original, np.stack(rest)


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


def changes(split: "Split", frames: "np.ndarray", original: "np.ndarray") -> "dict[str, Any]":
    """Measures what has become of an image in float[F, H, W, C] of its edits."""
    from mgp_jax.editing import bundled_directions, drift, effects_on_faces

    measured: dict[str, Any] = {"lpips": drift(frames, original)}
    if bundled_directions(split.generator):
        # What has some draws aligned faces.
        measured |= effects_on_faces(frames, original)
    return measured


def layers_of(text: str | None) -> tuple[int, int] | None:
    """Returns the first and the last layer of a range `FROM:TO`, None for none.

    Raises:
        SettingError: it is no range.
    """
    if text is None:
        return None
    first, _, last = text.partition(":")
    if not (first.isdecimal() and last.isdecimal()):
        raise SettingError(f"layers {text}: the first and the last one are needed, as in 4:9")
    return int(first), int(last)


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
