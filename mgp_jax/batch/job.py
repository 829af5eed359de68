"""The job of a run, its input images, and how they are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax import images as image_files
from mgp_jax.batch.inputs import Input
from mgp_jax.batch.masks import MaskFolder
from mgp_jax.codes import Codes
from mgp_jax.degradations import (
    AUTO,
    Degradation,
    Frame,
    Mask,
    compose,
    estimated_sigma,
    explained,
    in_words,
    operators_of,
    require_carried,
    unresized,
)
from mgp_jax.errors import ImageError, SettingError
from mgp_jax.faces import choose
from mgp_jax.images import MaskPicture, Reading
from mgp_jax.images.masks import central_square
from mgp_jax.inversion import Inversion, find_frame
from mgp_jax.methods import MULTI_CODE
from mgp_jax.portraits import posed
from mgp_jax.precision import single_precision
from mgp_jax.restoration import check_frame, check_starts
from mgp_jax.seeds import seeded_key

# More than so much of a photograph is rarely meant to be missing: the mask may be inverted.
MUCH_MISSING = 0.6


@dataclass(frozen=True)
class Job:
    """The settings of a run, the same for every image.

    Attributes:
        task: name of the task, for the records.
        inversion: how every image is restored; with a frame, seen through it.
        degradation: what made the observations, without the frame.
        restarts: starts of each restoration.
        blend: whether what fills holes is blended in, see `restoration.blend_in`.
        frame: where in the photographs the generator's image lies; None for all over them, `auto`
            to find it in each.
        trajectory: file type of the animations of the renderings on their way, `gif` or `webp`;
            None for no animations. The running batch is not saved then.
        simulate: whether the inputs are clean images that are degraded first.
        batch_size: images that a device optimises at a time, at most.
        checkpoint_every: steps between two checkpoints of the running batch; 0 for none. Runs over
            several processes have none.
        memory_limit: bytes that the optimisation may take on a device; None for what the device
            has, as far as it says so.
        note: more settings to record, for example the command.
        masks: a mask for each photograph; the degradation is then any of them.
        reading: how image files are read.
        webp: quality, 1 to 100, of the WebP files that restorations are written as, 100 for
            lossless ones; None for PNG.
        save_array: whether restorations are also written as arrays, without rounding to bytes.
        start: codes that every image starts from; None for what the method starts from.
        save_latents: whether latent codes are also written as arrays.
        faces: which faces of a photograph are restored, see `faces.choose`; None to restore the
            central square instead.
        scale: with faces, how many times the photograph is enlarged.
        estimated: where the degradation is estimated from each photograph, returns the inversion
            that its recipe is chosen by; `degradation` and `inversion` are then of a clean
            photograph.
    """

    task: str
    inversion: Inversion
    degradation: Degradation
    restarts: int = 1
    blend: bool = False
    frame: Frame | Literal["auto"] | None = None
    trajectory: str | None = None
    simulate: bool = False
    batch_size: int = 8
    checkpoint_every: int = 250
    memory_limit: float | None = None
    note: Mapping[str, Any] | None = None
    masks: MaskFolder | None = None
    reading: Reading = Reading()
    webp: int | None = None
    save_array: bool = False
    start: Codes | None = None
    save_latents: bool = False
    faces: str | int | None = None
    scale: int = 1
    estimated: Callable[[Degradation], Inversion] | None = None

    @property
    def samples(self) -> int:
        """Restorations of each image."""
        return self.inversion.recipe.samples

    @property
    def resolution(self) -> int:
        """Height and width of the restored images in pixels."""
        return self.inversion.image_shape[0]

    def inversion_of(self, item: "Loaded") -> Inversion:
        """Returns how an input is restored."""
        degradation, frame = item.degradation, item.frame
        if self.estimated is not None:
            own = self.estimated(posed(unresized(degradation), self.resolution))
            own = own.executed(self.inversion.execution)
            recipe = replace(own.recipe, samples=self.samples)
            return replace(own, degradation=degradation, recipe=recipe)
        if not self.one_by_one:
            return self.inversion
        seen = degradation if frame is None else compose(frame, degradation)
        return replace(self.inversion, degradation=seen)

    @property
    def one_by_one(self) -> bool:
        """Whether each input has a degradation or a frame of its own."""
        own = self.masks is not None or self.estimated is not None or self.frame == AUTO
        return own or self.faces is not None

    @property
    def has_truth(self) -> bool:
        """Whether the input is the image that the restoration should be."""
        return self.simulate or self.task == "invert"


class Loaded(NamedTuple):
    """An input that has been read.

    Attributes:
        input: which.
        observation: what is restored.
        truth: the clean image, if there is one.
        degradation: what made the observation.
        notes: what a user may want to know about the file, without its name.
        frame: where in it the generator's image lies; None for all over it.
    """

    input: Input
    observation: np.ndarray
    truth: np.ndarray | None
    degradation: Degradation
    notes: tuple[str, ...] = ()
    frame: Frame | None = None


def check(job: Job) -> None:
    """Raises SettingError for settings that cannot work, before a folder is claimed for them."""
    if job.batch_size < 1:
        raise SettingError(f"batch size: {job.batch_size}, at least 1 is needed")
    if job.checkpoint_every < 0:
        raise SettingError(f"checkpoint every: {job.checkpoint_every} steps, at least 0 are needed")
    if job.webp is not None and not 1 <= job.webp <= image_files.LOSSLESS:
        raise SettingError(f"webp: quality {job.webp}, 1 to 100 is possible")
    check_starts(job.samples, job.restarts)
    check_frame(Frame(1) if job.frame == AUTO else job.frame, job.degradation)
    check_faces(job)
    if job.simulate and job.degradation.blind:
        raise SettingError(f"simulate: how much noise {job.degradation} adds is not known")
    if job.blend and not isinstance(job.degradation, Mask):
        raise SettingError("blend: only the holes of a mask can be blended in")
    if job.save_latents:
        # Raises where two functions are no generator with latent codes.
        _ = job.inversion.split.generator
        if job.inversion.method.enter is not MULTI_CODE.enter:
            raise SettingError(f"save latents: method {job.inversion.method.name} has none")
    height, width, _ = shape = job.inversion.image_shape
    if height != width:
        raise SettingError(
            f"{job.inversion.split.name}: its images are {height} x {width}, files are for square "
            "ones"
        )
    observed = job.degradation.observation_shape(shape)
    if not job.has_truth and (len(observed) != 3 or observed[2] not in (1, 3)):
        raise SettingError(
            f"{job.degradation}: the observation has the shape {'x'.join(map(str, observed))}, "
            "which no image file can hold; --simulate degrades clean images"
        )


def check_faces(job: Job) -> None:
    """Raises SettingError for settings that do not go with faces, or only with them."""
    if job.scale < 1:
        raise SettingError(f"scale: {job.scale}, at least 1 is needed")
    if job.faces is None:
        if job.scale > 1:
            raise SettingError("scale: only a photograph with faces is enlarged; see --faces")
        return
    choose((), job.faces)
    require_carried(job.degradation)
    for name in ("simulate", "frame", "blend", "start", "save_latents"):
        if getattr(job, name):
            words = name.replace("_", " ")
            raise SettingError(f"{words}: is for one square image; it goes with --faces none")


def load(job: Job, entry: Input) -> Loaded:
    """Reads an input: the observation itself, or with `simulate` a clean image to degrade.

    Raises:
        ImageError: it is not readable or has not the size of an observation.
    """
    item = load_observation(job, entry)
    notes = (*item.notes, *notes_on_noise([item]))
    item = item._replace(notes=notes)
    if job.frame != AUTO:
        return item._replace(frame=job.frame)
    frame = find_frame(job.inversion, item.observation, item.degradation)
    return item._replace(frame=frame, notes=(*item.notes, f"found {frame}"))


@single_precision
def load_observation(job: Job, entry: Input) -> Loaded:
    """Reads an input, see `load`."""
    if job.estimated is not None:
        return load_estimated(job, entry)
    resolution, shape = job.resolution, job.inversion.image_shape
    degradation = job.degradation
    if job.masks is not None:
        degradation = job.masks.mask_of(entry.path, resolution)
    observed = degradation.observation_shape(shape)
    mask, notes = mask_of(degradation), notes_on(degradation)
    if mask is not None and mask.picture is not None:
        size = image_files.upright_size(entry.path, job.reading)
        mask.picture.require_fitting(size, len(mask.known))
    if job.has_truth or observed[:2] == shape[:2]:
        channels = shape[2] if job.has_truth else observed[2]
        # Clean photographs have no holes.
        holes = None if job.has_truth else visible_holes(degradation)
        image, more = image_files.read_photograph(
            entry.path, resolution, channels, job.reading, holes
        )
        notes += more
    else:
        image = image_files.read_observation(entry.path, observed, job.reading)
    if not job.has_truth:
        return Loaded(entry, image, None, degradation, notes)
    # Apart from the keys of the starts, which fold in an index and a small number.
    key = jax.random.fold_in(seeded_key(job.inversion.seed), entry.number)
    key = jax.random.fold_in(key, 2**31 - 1)
    seen = degradation.simulate(jnp.asarray(image), key)
    return Loaded(entry, np.asarray(seen), image, degradation, notes)


def load_estimated(job: Job, entry: Input) -> Loaded:
    """Reads the central square of a photograph, and estimates what has made it.

    Raises:
        ImageError: it is not readable.
    """
    channels, reading = job.inversion.image_shape[2], job.reading
    image, notes = image_files.read_photograph(entry.path, None, channels, reading)
    steps = image_files.quantisation(entry.path, reading)
    seen = explained(central_square(image), job.resolution, steps)
    notes = (*notes, f"estimated: {in_words(seen.estimate, seen.degradation)}")
    return Loaded(entry, seen.observation, None, seen.degradation, notes)


def notes_on_noise(items: Sequence[Loaded]) -> tuple[str, ...]:
    """Says what sigma the observations of a file tell, where nothing else does.

    Raises:
        ImageError: they show too little.
    """
    try:
        found = [
            f"{estimated_sigma(item.degradation, item.observation):.3f}"
            for item in items
            if item.degradation.blind
        ]
    except SettingError as error:
        raise ImageError(f"{items[0].input.path}: {error}") from None
    return (f"estimated: noise of sigma {', '.join(found)}",) if found else ()


def check_mask(job: Job, entries: Sequence[Input]) -> None:
    """Raises an ImageError if the mask of a file fits none of the inputs that can be read."""
    mask = mask_of(job.degradation)
    if mask is not None and mask.picture is not None and job.masks is None:
        require_fitting(mask.picture, entries, len(mask.known), job.reading)


def require_fitting(
    picture: MaskPicture, entries: Sequence[Input], resolution: int, reading: Reading
) -> None:
    """Raises an ImageError if a mask fits none of the inputs that can be read."""
    problem = None
    for entry in entries:
        try:
            size = image_files.upright_size(entry.path, reading)
        except ImageError:
            continue
        try:
            return picture.require_fitting(size, resolution)
        except ImageError as error:
            problem = error
    if problem is not None:
        raise problem


def mask_of(degradation: Degradation) -> Mask | None:
    """Returns the mask among the operators of a degradation, the last if there are several."""
    masks = [item for item in operators_of(degradation) if isinstance(item, Mask)]
    return masks[-1] if masks else None


def visible_holes(degradation: Degradation) -> MaskPicture | None:
    """Returns the mask of a file whose holes are those of the observation, if there is one.

    Behind an operator that mixes pixels an observation has no holes any more.
    """
    for operator in reversed(operators_of(degradation)):
        if isinstance(operator, Mask) or not operator.pixelwise:
            return operator.picture if isinstance(operator, Mask) else None
    return None


def notes_on(degradation: Degradation) -> tuple[str, ...]:
    """Says so where a file's mask leaves little of a photograph."""
    mask = mask_of(degradation)
    if mask is None or mask.picture is None or mask.missing <= MUCH_MISSING:
        return ()
    return (
        f"{mask.missing:.0%} of it is missing in {mask.picture.path}; if that is the wrong part, "
        "--invert-mask turns the mask round",
    )
