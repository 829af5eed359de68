"""The job of a run, its input images, and how they are read."""

import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax import images as image_files
from mgp_jax.degradations import Degradation, Frame, Grayscale, Mask
from mgp_jax.errors import SettingError
from mgp_jax.inversion import Inversion
from mgp_jax.recipes import described
from mgp_jax.restoration import check_frame, check_starts

LIBRARIES = ("mgp_jax", "jax", "jaxlib", "flax", "optax", "numpy", "pillow")
BLOCK = 1 << 20


@dataclass(frozen=True)
class Job:
    """The settings of a run, the same for every image.

    Attributes:
        task: name of the task, for the records.
        inversion: how every image is restored; with a frame, seen through it.
        degradation: what made the observations, without the frame.
        restarts: starts of each restoration.
        blend: whether what fills holes is blended in, see `restoration.blend_in`.
        frame: where in the photographs the generator's image lies; None for all over them.
        trajectory: file type of the animations of the renderings on their way, `gif` or `webp`;
            None for no animations. The running batch is not saved then.
        simulate: whether the inputs are clean images that are degraded first.
        batch_size: images that a device optimises at a time, at most.
        checkpoint_every: steps between two checkpoints of the running batch; 0 for none. Runs over
            several processes have none.
        memory_limit: bytes that the optimisation may take on a device; None for what the device
            has, as far as it says so.
        note: more settings to record, for example the command.
    """

    task: str
    inversion: Inversion
    degradation: Degradation
    restarts: int = 1
    blend: bool = False
    frame: Frame | None = None
    trajectory: str | None = None
    simulate: bool = False
    batch_size: int = 8
    checkpoint_every: int = 250
    memory_limit: float | None = None
    note: Mapping[str, Any] | None = None

    @property
    def samples(self) -> int:
        """Restorations of each image."""
        return self.inversion.recipe.samples

    @property
    def resolution(self) -> int:
        """Height and width of the restored images in pixels."""
        return self.inversion.image_shape[0]

    @property
    def has_truth(self) -> bool:
        """Whether the input is the image that the restoration should be."""
        return self.simulate or self.task == "invert"


class Input(NamedTuple):
    """One input image.

    Attributes:
        number: its place among the inputs, which seeds it.
        path: the file.
        stem: name of its outputs.
    """

    number: int
    path: Path
    stem: str


class Loaded(NamedTuple):
    """An input that has been read.

    Attributes:
        input: which.
        observation: what is restored.
        truth: the clean image, if there is one.
    """

    input: Input
    observation: np.ndarray
    truth: np.ndarray | None


def check(job: Job) -> None:
    """Raises SettingError for settings that cannot work, before a folder is claimed for them."""
    if job.batch_size < 1:
        raise SettingError(f"batch size: {job.batch_size}, at least 1 is needed")
    if job.checkpoint_every < 0:
        raise SettingError(f"checkpoint every: {job.checkpoint_every} steps, at least 0 are needed")
    check_starts(job.samples, job.restarts)
    check_frame(job.frame, job.degradation)
    if job.blend and not isinstance(job.degradation, Mask):
        raise SettingError("blend: only the holes of a mask can be blended in")
    height, width, _ = shape = job.inversion.image_shape
    if height != width:
        raise SettingError(
            f"{job.inversion.split.name}: its images are {height} x {width}, files are for square "
            "ones"
        )
    job.degradation.observation_shape(shape)


def find_inputs(inputs: Sequence[str | os.PathLike[str]]) -> list[Input]:
    """Numbers the image files among files and folders, and names their outputs.

    Raises:
        ImageError: an input does not exist, or a folder has no images.
    """
    paths = image_files.find_images(inputs)
    stems = image_files.unique_stems(paths)
    return [Input(*entry) for entry in zip(range(len(paths)), paths, stems, strict=True)]


def load(job: Job, entry: Input) -> Loaded:
    """Reads an input: the observation itself, or with `simulate` a clean image to degrade.

    Raises:
        ImageError: it is not readable or has not the size of an observation.
    """
    resolution, shape = job.resolution, job.inversion.image_shape
    if job.has_truth:
        truth = image_files.read_image(entry.path, resolution)
        # Apart from the keys of the starts, which fold in an index and a small number.
        key = jax.random.fold_in(jax.random.key(job.inversion.seed), entry.number)
        key = jax.random.fold_in(key, 2**31 - 1)
        seen = job.degradation.simulate(jnp.asarray(truth), key)
        return Loaded(entry, np.asarray(seen), truth)
    observed = job.degradation.observation_shape(shape)
    if observed == shape:
        return Loaded(entry, image_files.read_image(entry.path, resolution), None)
    if len(observed) == 3 and observed[:2] == shape[:2]:
        image = image_files.read_image(entry.path, resolution)
        return Loaded(entry, np.asarray(Grayscale()(jnp.asarray(image))), None)
    return Loaded(entry, image_files.read_observation(entry.path, observed), None)


def settings_of(job: Job, entries: Sequence[Input]) -> dict[str, Any]:
    """Returns all that determines the results, as JSON values."""
    inversion, recipe = job.inversion, job.inversion.recipe
    return {
        "task": job.task,
        "generator": inversion.split.name,
        "degradation": str(job.degradation),
        "method": inversion.method.name,
        "recipe": recipe.name,
        "steps": recipe.steps,
        "codes": recipe.codes,
        "layer": recipe.layer,
        "seed": inversion.seed,
        "target_psnr": inversion.target_psnr,
        "patience": inversion.patience,
        "samples": job.samples,
        "blend": job.blend,
        "frame": None if job.frame is None else str(job.frame),
        "trajectory": job.trajectory,
        "restarts": job.restarts,
        "simulate": job.simulate,
        "precision": inversion.execution.precision,
        "inputs": [str(entry.path) for entry in entries],
        "batch_size": job.batch_size,
        "slices": inversion.execution.slices,
        "versions": {name: version(name) for name in LIBRARIES},
        **(job.note or {}),
        "checksums": {
            "generator": checksum(inversion.split.halves.description, inversion.split.params),
            "degradation": checksum(str(job.degradation), job.degradation),
            "recipe": checksum(described(recipe)),
            "inputs": [checksum_of_file(entry.path) for entry in entries],
        },
    }


def checksum(settings: Any, arrays: Any = ()) -> str:
    """Tells apart what may have the same name: by the settings and the arrays of a pytree."""
    total = zlib.crc32(repr(settings).encode())
    for leaf in jax.tree.leaves(arrays):
        total = zlib.crc32(np.asarray(leaf).tobytes(), total)
    return f"{total:08x}"


def checksum_of_file(path: Path) -> str | None:
    """Tells apart versions of a file; None if it cannot be read."""
    total = 0
    try:
        with open(path, "rb") as file:
            while block := file.read(BLOCK):
                total = zlib.crc32(block, total)
    except OSError:
        return None
    return f"{total:08x}"
