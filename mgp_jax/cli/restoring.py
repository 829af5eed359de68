"""The commands that restore images: each has its degradation; the rest is common to all."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import tyro

from mgp_jax.cli.common import OK, SOME_FAILED, DryRun, Flag
from mgp_jax.cli.facing import Facing
from mgp_jax.cli.optimising import Optimising
from mgp_jax.errors import SettingError
from mgp_jax.seeds import check_seed
from mgp_jax.tasks import OF_COMMAND

if TYPE_CHECKING:
    from mgp_jax.batch import MaskFolder
    from mgp_jax.degradations import Degradation
    from mgp_jax.inversion import Inversion


@dataclass(frozen=True, kw_only=True)
class Restoring(Facing, Optimising):
    """The options of all commands that restore images."""

    scale: Annotated[int, tyro.conf.arg(metavar="2|4")] = 1
    """With faces: enlarge the photograph so many times, by Lanczos' filter around the faces."""
    samples: Annotated[int | None, tyro.conf.arg(metavar="K")] = None
    """Restorations of each image; their mean is the result, their deviation its uncertainty. The
    recipe's unless given."""
    trajectory: Literal["gif", "webp"] | None = None
    """Also write an animation of each image's renderings on their way."""
    webp: Annotated[int | None, tyro.conf.arg(metavar="QUALITY")] = None
    """Write results as WebP files of this quality, 1 to 100, instead of PNG; 100 is lossless."""
    save_array: Flag = False
    """Also write each result as float32 [H, W, C] in [-1, 1], to DIR/arrays; images have 8 bits."""
    save_latents: Flag = False
    """Also write latent codes as other programs take them, to DIR/latents: float32 of W+ [N,
    layers, size], or of Z [N, size] where the generator has no styles."""
    simulate: Flag = False
    """The inputs are clean images: degrade them first, and measure the result against them."""
    dry_run: DryRun = False
    """Write nothing: say what would run, which inputs are unreadable, and what time and memory it
    would take. Compiles all phases and times one step of each."""
    overwrite: Flag = False
    """Start anew if the folder holds a run already: remove what that run wrote, nothing else."""
    checkpoint_every: Annotated[int, tyro.conf.arg(metavar="STEPS")] = 250
    """Save the running batch after so many steps, so that a killed run goes on there; 0: never."""
    precision: Literal["auto", "float32", "mixed", "bfloat16"] = "auto"
    """What networks compute in while codes are optimised; variables, losses and final images are
    float32 in any case. `mixed`: matrices of bfloat16, all else float32, on CPU; `auto`: that where
    the processor has instructions for it, else float32."""
    memory_limit: Annotated[float | None, tyro.conf.arg(metavar="GIB")] = None
    """Memory of a device for the optimisation: fewer images at a time, then codes in slices, until
    the compiled program fits. Found out by itself on GPU and TPU; a CPU takes large images one at a
    time unless this is given."""
    distributed: Flag = False
    """Share the inputs with the processes of other hosts; see the guide on scaling."""

    def spec(self) -> str:
        """Returns the degradation in its text form: the task's, with the command's options."""
        return OF_COMMAND[self.name].form.format_map(vars(self))

    def own_files(self) -> "dict[str, str | None]":
        """Returns checksums of the user's Python files, because results depend on them."""
        from mgp_jax.batch import checksum_of_file
        from mgp_jax.user_code import names_function

        named = (self.generator, *map(str.strip, self.spec().split("|")))
        files = [Path(text.rpartition(":")[0]) for text in named if names_function(text)]
        return {str(file): checksum_of_file(file) for file in files}

    def masks(self) -> "MaskFolder | None":
        """Returns the masks, where each photograph has one of its own."""
        return None

    @property
    def estimates(self) -> bool:
        """Whether the degradation is estimated from each photograph."""
        return False

    @property
    def blend_holes(self) -> bool:
        """Whether what fills holes is blended in."""
        return False

    @property
    def placing(self) -> str | None:
        """The place of the generator's image within the photographs, in its text form."""
        return None

    @property
    def enlargement(self) -> int:
        """How many times a photograph with faces is enlarged."""
        return self.scale

    @property
    def takes_a_square(self) -> bool:
        """Whether another option is for one square image."""
        framed = self.placing is not None
        return bool(self.simulate or framed or self.blend_holes or self.start or self.save_latents)

    def run(self, argv: Sequence[str]) -> int:
        """Runs the restoration over all inputs and writes the report."""
        import jax

        from mgp_jax.batch import Job, failures, summary, timing
        from mgp_jax.degradations import AUTO, Frame, Identity, compose, parse
        from mgp_jax.inversion import load
        from mgp_jax.planning import make_plan
        from mgp_jax.portraits import posed
        from mgp_jax.sharding import join_processes

        if not self.inputs:
            raise SettingError("no input images are given")
        check_seed(self.seed)
        if self.memory_limit is not None and not self.memory_limit > 0:
            raise SettingError(f"memory limit: {self.memory_limit}, must be above 0")
        if self.distributed or "JAX_COORDINATOR_ADDRESS" in os.environ:
            join_processes()
        what = load(self.generator, self.label)
        masks, resolution = self.masks(), what.image_shape[0]
        degradation: Degradation
        if self.estimates:
            degradation = Identity()
        elif masks is None:
            degradation = parse(self.spec(), resolution, what.image_shape[2])
        else:
            degradation = masks.any_mask(resolution)
        frame = None
        if self.placing is not None:
            frame = AUTO if self.placing == AUTO else Frame.parse(self.placing)
        seen = compose(frame, degradation) if isinstance(frame, Frame) else degradation
        faces = self.which_faces(what, degradation)
        seen = seen if faces is None else posed(degradation, resolution)

        def undoing(seen: "Degradation") -> "Inversion":
            return self.resolve(what, seen, self.samples, self.precision)

        inversion = undoing(seen)
        job = Job(
            task=self.name,
            inversion=inversion,
            degradation=degradation,
            blend=self.blend_holes,
            frame=frame,
            trajectory=self.trajectory,
            restarts=self.starts_of(inversion),
            simulate=self.simulate,
            batch_size=self.batch_size,
            checkpoint_every=self.checkpoint_every,
            memory_limit=None if self.memory_limit is None else self.memory_limit * 2**30,
            note={"command": shlex.join(["mgp", *argv]), "own_files": self.own_files()},
            masks=masks,
            reading=self.reading,
            webp=self.webp,
            save_array=self.save_array,
            start=self.start_of(inversion),
            save_latents=self.save_latents,
            faces=faces,
            scale=self.scale if faces is None else self.enlargement,
            estimated=undoing if self.estimates else None,
        )
        if self.dry_run:
            plan = make_plan(job, self.inputs, self.out, self.overwrite)
            self.telling.answer(plan.as_json(), plan.text())
            return SOME_FAILED if plan.unreadable else OK
        records = self.restore(job, self.overwrite)
        if jax.process_index() == 0:
            page = self.out / "index.html"
            lines = (summary(records), timing(records), failures(records), str(page))
            answer = {"page": str(page), "records": records}
            self.telling.answer(answer, "\n".join(line for line in lines if line))
        return OK if all(record["status"] == "ok" for record in records) else SOME_FAILED


@dataclass(frozen=True, kw_only=True)
class Framed(Restoring):
    """The option of tasks whose observations also show the surroundings of a frame."""

    frame: Annotated[str | None, tyro.conf.arg(metavar="auto|SIZE[,X,Y[,TURN]]")] = None
    """The generator's image lies within the photograph: its size and the place of its centre, as
    parts of the photograph's, and degrees clockwise. auto: found in each photograph. For subjects
    that are smaller there than the generator draws them."""

    @property
    def placing(self) -> str | None:
        """The place of the generator's image within the photographs, in its text form."""
        return self.frame


@dataclass(frozen=True, kw_only=True)
class Invert(Restoring):
    """Find codes that reproduce photographs.

    Example: mgp invert photos/ --out inverted
    """

    name: ClassVar[str] = "invert"


@dataclass(frozen=True, kw_only=True)
class Colorize(Restoring):
    """Give gray photographs colours; their luminance is kept.

    Example: mgp colorize old.png --out colored
    """

    name: ClassVar[str] = "colorize"


@dataclass(frozen=True, kw_only=True)
class SuperResolve(Framed):
    """Enlarge low-resolution photographs.

    With faces: photographs of any size, whose faces are drawn anew. Without: to the generator's
    resolution. Inputs must have exactly that, divided by the factor; with --simulate they are
    reduced first.

    Example: mgp super-resolve small.png --out large --factor 4
    """

    name: ClassVar[str] = "super-resolve"

    factor: Annotated[int, tyro.conf.arg(metavar="F")]
    """How many times larger the result is."""
    filter: str = "area"
    """How the inputs were reduced: area, bilinear, bicubic, bilinear-antialias or
    bicubic-antialias (the last is what most programs do)."""

    @property
    def enlargement(self) -> int:
        """How many times a photograph with faces is enlarged."""
        if self.scale not in (1, self.factor):
            raise SettingError(f"scale: {self.scale}, but the factor {self.factor} says it already")
        return self.factor


@dataclass(frozen=True, kw_only=True)
class Inpaint(Framed):
    """Fill in missing pixels; known ones are kept.

    Example: mgp inpaint scratched.png --out filled --mask scratches.png
    """

    name: ClassVar[str] = "inpaint"

    mask: Annotated[str, tyro.conf.arg(metavar="MASK.png|FOLDER")]
    """Image with the missing pixels in white, as large as the photographs or a multiple of the
    generator's image; a folder with such an image of the same name for each photograph; or
    center:SIZE, or random:FRACTION. Levels of at least half are white."""
    invert_mask: Flag = False
    """Missing pixels are black, not white."""
    blend: Flag = False
    """Shift the colours of what is filled in so that no seam is left."""

    @property
    def blend_holes(self) -> bool:
        """Whether what fills holes is blended in."""
        return self.blend

    def masks(self) -> "MaskFolder | None":
        """Returns the masks, where each photograph has one of its own."""
        from mgp_jax.batch import MaskFolder
        from mgp_jax.files import path_of

        folder = path_of(self.mask)
        return MaskFolder.open(folder, self.invert_mask) if folder.is_dir() else None

    def spec(self) -> str:
        """Returns the degradation in its text form."""
        if not self.invert_mask:
            return f"mask:{self.mask}"
        if self.mask.startswith(("center:", "random:")):
            raise SettingError(f"invert mask: {self.mask} is no image")
        return f"mask:inverted:{self.mask}"


@dataclass(frozen=True, kw_only=True)
class Denoise(Restoring):
    """Remove Gaussian noise.

    Example: mgp denoise noisy.png --out clean
    """

    name: ClassVar[str] = "denoise"

    sigma: Annotated[float | Literal["auto"], tyro.conf.arg(metavar="S|auto")] = "auto"
    """Standard deviation of the noise, pixel values being 0 to 1. auto: estimated from each
    photograph, or face, and said."""


@dataclass(frozen=True, kw_only=True)
class Deblur(Restoring):
    """Sharpen blurred photographs.

    Example: mgp deblur soft.png --out sharp --blur gaussian:1.5
    """

    name: ClassVar[str] = "deblur"

    blur: Annotated[str, tyro.conf.arg(metavar="KIND")]
    """gaussian:SIGMA or motion:LENGTH:ANGLE, in pixels of the generator's image and degrees."""


@dataclass(frozen=True, kw_only=True)
class Restore(Framed):
    """Undo any chain of degradations.

    Example: mgp restore old.png --out new --degradation "gray|down:2|noise:0.05"
    """

    name: ClassVar[str] = "restore"

    degradation: Annotated[str, tyro.conf.arg(metavar="SPEC")]
    """Operators from first to last, joined by |: gray, down:F, resize:SIZE, mask:FILE,
    mask:center:SIZE, mask:random:FRACTION, blur:gaussian:SIGMA, blur:motion:LENGTH:ANGLE,
    noise:SIGMA (auto: estimated), impulse:FRACTION, jpeg:QUALITY, cs:FRACTION; or FILE.py:FUNCTION,
    a function of an image. auto: estimated from each photograph, or face, and said: gray, blur,
    noise, JPEG."""

    @property
    def estimates(self) -> bool:
        """Whether the degradation is estimated from each photograph."""
        from mgp_jax.degradations import AUTO

        if self.degradation.strip() != AUTO:
            return False
        if self.simulate or self.frame is not None:
            option = "--simulate" if self.simulate else "--frame"
            raise SettingError(f"degradation auto: {option} needs one that is named")
        return True


COMMANDS = (Invert, Colorize, SuperResolve, Inpaint, Denoise, Deblur, Restore)
