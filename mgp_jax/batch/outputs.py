"""Writes the files and the record of one image."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax import code_files
from mgp_jax import images as image_files
from mgp_jax.batch.inputs import Input
from mgp_jax.batch.job import Job, Loaded, mask_of
from mgp_jax.batch.records import Record
from mgp_jax.code_files import Latents, place_of
from mgp_jax.errors import ImageError, OutputError
from mgp_jax.files import make_folder, reason, writing
from mgp_jax.metrics import calibration_points, compare, recorded
from mgp_jax.precision import single_precision
from mgp_jax.restoration import Restoration
from mgp_jax.solve import Status
from mgp_jax.solve.phase import fields_of

# The variables of a method that are worth keeping; weights are not, for their size.
SAVED = ("z", "alpha", "styles", "label")


@single_precision
def write_outputs(
    job: Job,
    item: Loaded,
    restoration: Restoration,
    position: int,
    folder: Path,
    kind: str = "images",
) -> Record:
    """Writes the files of one image, into the folder of its kind, and returns its record.

    Raises:
        OutputError: a file cannot be written.
    """
    stem = item.input.stem
    image = restoration.images[position]
    if not np.isfinite(image).all():
        reason = f"{item.input.path}: the generator's image is not finite; its weights overflow"
        return empty_record(item.input, reason)
    record = empty_record(item.input, None) | {"notes": list(item.notes)}
    result = restoration.result
    rows = slice(position * job.samples, (position + 1) * job.samples)
    diverged = np.any(result.status[rows] == Status.DIVERGED)
    if diverged:
        record |= {"status": "diverged", "error": "the objective was not finite; best iterate kept"}
    else:
        record["status"] = "ok"
    record["steps"] = int(np.max(result.steps[rows]))
    record["output"] = save_image(folder, kind, stem, image, job.webp)
    if job.save_array:
        record["array"] = save_array(folder, stem, image)
    if (mask := mask_of(item.degradation)) is not None:
        # White is missing, as in the files that masks are given as.
        record["mask"] = save_image(folder, "masks", stem, 1 - 2 * np.asarray(mask.known))
    if item.observation.ndim == 3:
        prepared = np.asarray(item.degradation.prepare(jnp.asarray(item.observation)))
        record["observation"] = save_image(folder, "observations", stem, prepared)
    if item.truth is not None:
        record["truth"] = save_image(folder, "truths", stem, item.truth)
        several = restoration.deviation[position][None] if job.samples > 1 else None
        scores = compare(image[None], item.truth[None], deviations=several)
        record |= {name: values[0] for name, values in scores.items()}
        if several is not None:
            record["calibration"] = calibration_points(image, item.truth, several[0])
    if job.samples > 1:
        for number, sample in enumerate(restoration.samples[position], 1):
            save_image(folder, "samples", f"{stem}-{number}", sample, job.webp)
        deviation = np.mean(restoration.deviation[position], axis=-1, keepdims=True)
        # Black is certain, white a deviation of half the range or more.
        record["deviation"] = save_image(folder, "deviations", stem, 4 * deviation / 2 - 1)
    record["codes"] = save_codes(folder, stem, result, rows)
    if job.save_latents:
        record["latents"] = save_latents(folder, stem, result, rows)
    return record


def write_trajectory(job: Job, item: Loaded, frames: Sequence[np.ndarray], folder: Path) -> Record:
    """Writes the animation of an image's renderings, and returns what its record says of it.

    Raises:
        OutputError: it cannot be written.
    """
    path = folder / "trajectories" / f"{item.input.stem}.{job.trajectory}"
    try:
        make_folder(path.parent)
        image_files.write_animation(path, frames)
    except (OSError, ImageError) as error:
        raise OutputError(str(error)) from None
    return {"trajectory": f"trajectories/{path.name}"}


def save_image(
    folder: Path, kind: str, stem: str, image: np.ndarray, webp: int | None = None
) -> str:
    """Writes an image and returns its path within the folder.

    Args:
        folder: the output folder.
        kind: the folder within it.
        stem: name of the file, without suffix.
        image: the image.
        webp: see `Job`; an image that is too large for WebP is written as PNG.

    Raises:
        OutputError: it cannot be written.
    """
    as_png = webp is None or max(image.shape[:2]) > image_files.WEBP_SIDE
    path = folder / kind / f"{stem}{'.png' if as_png else '.webp'}"
    try:
        make_folder(path.parent)
        image_files.write_image(path, image, webp or image_files.LOSSLESS)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {reason(error)}") from None
    except ImageError as error:
        raise OutputError(str(error)) from None
    return f"{kind}/{path.name}"


def save_array(folder: Path, stem: str, image: np.ndarray) -> str:
    """Writes an image as float32[H, W, C] in [-1, 1] and returns its path within the folder."""
    path = folder / "arrays" / f"{stem}.npy"
    try:
        make_folder(path.parent)
        image_files.write_array(path, image)
    except (OSError, ImageError) as error:
        raise OutputError(str(error)) from None
    return f"arrays/{stem}.npy"


def save_codes(folder: Path, stem: str, result: Any, rows: slice) -> str:
    """Writes codes and losses of one image; with several samples they have a leading axis."""
    pick = rows.start if rows.stop - rows.start == 1 else rows
    variables = fields_of(result.codes)
    arrays = {name: variables.get(name) for name in SAVED}
    arrays |= {"loss": result.losses, "error": result.errors}
    noise = variables.get("noise")
    if isinstance(noise, dict):
        arrays |= {f"noise_{name}": leaf for name, leaf in noise.items()}
    for number, leaf in enumerate(jax.tree.leaves(variables.get("residual"))):
        arrays[f"residual{number}"] = leaf
    kept = {name: np.asarray(a)[pick] for name, a in arrays.items() if a is not None}
    if "z" in kept:
        kept |= place_of(result.split)
    with writing(folder / "codes" / f"{stem}.npz") as file:
        np.savez(file, allow_pickle=False, **kept)
    return f"codes/{stem}.npz"


def save_latents(folder: Path, stem: str, result: Any, rows: slice) -> str:
    """Writes the latent codes of one image, see `code_files.save_latents`."""
    generator, space = result.split.generator, result.split.space
    z = np.asarray(fields_of(result.codes)["z"])[rows]
    path = folder / "latents" / f"{stem}.npy"
    latents = Latents(z.reshape(-1, *result.split.latent_shape), space)
    try:
        make_folder(path.parent)
        code_files.save_latents(path, generator, latents)
    except (OSError, ImageError) as error:
        raise OutputError(str(error)) from None
    return f"latents/{stem}.npy"


def empty_record(entry: Input, error: str | None) -> Record:
    """Returns the record of an input that failed, or one to be filled in."""
    return {
        "input": str(entry.path),
        "name": entry.stem,
        "output": None,
        "status": "failed",
        "error": error,
        "notes": [],
        **{metric.name: None for metric in recorded()},
        "steps": 0,
        "seconds": 0.0,
    }
