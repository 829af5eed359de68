"""Photographs of which the faces are restored: what is read, and what is written.

A photograph is not kept while its faces are optimised, but decoded again: large ones would fill the
memory.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from mgp_jax import images as image_files
from mgp_jax.batch.inputs import Input
from mgp_jax.batch.job import Job, Loaded, load, notes_on_noise
from mgp_jax.batch.outputs import Record, empty_record, save_image, write_outputs, write_trajectory
from mgp_jax.degradations import Degradation, Grayscale, in_words, operators_of, unresized
from mgp_jax.errors import ImageError, SettingError
from mgp_jax.faces import Face, choose, find_faces, settled, square_of
from mgp_jax.images import quantisation, to_uint8
from mgp_jax.portraits import (
    SMALLEST_SQUARE,
    holes_of,
    portraits_of,
    put_back_faces,
    seed_index,
    with_channels,
)
from mgp_jax.restoration import Restoration

# The longer side of the pictures for the page.
PREVIEW = 1024
FOUND, CHOSEN = (255, 200, 0), (0, 220, 120)
# More pixels than the generator draws, by so much, are said to become coarser.
COARSER = 1.2
# Faces whose eyes are so near to each other are seen from the side, see `Face.aspect`.
PROFILE = 0.7


class LoadedPhoto(NamedTuple):
    """A photograph whose faces have been found.

    Attributes:
        input: which.
        items: its faces that are restored, each an input of its own.
        faces: where these are.
        others: where the others are.
        degradation: what made the photograph, besides its resolution.
        notes: what a user may want to know.
    """

    input: Input
    items: tuple[Loaded, ...]
    faces: tuple[Face, ...]
    others: tuple[Face, ...]
    degradation: Degradation
    notes: tuple[str, ...]


class Done(NamedTuple):
    """A face that has been restored: its place in a batch, and the batch.

    Attributes:
        restoration: that of the batch.
        row: the place.
        frames: renderings on the way, uint8[R, R, C] each.
    """

    restoration: Restoration
    row: int
    frames: Sequence[np.ndarray]


def load_input(job: Job, entry: Input) -> Loaded | LoadedPhoto:
    """Reads an input: an observation, or with faces a whole photograph.

    Raises:
        ImageError: see `load` and `load_photo`.
    """
    return load(job, entry) if job.faces is None else load_photo(job, entry)


def load_photo(job: Job, entry: Input) -> LoadedPhoto:
    """Reads a photograph and finds its faces.

    Raises:
        ImageError: it is not readable, or there is no face in it that can be restored.
    """
    photograph, notes = read(job, entry)
    degradation = degradation_of(job, entry)
    found = find_faces(photograph)
    large = [face for face in found if square_of(face).side >= SMALLEST_SQUARE]
    if not large:
        what = f"no face of at least {SMALLEST_SQUARE} pixels" if found else "no face"
        raise ImageError(f"{entry.path}: {what} is found; --faces none takes the central square")
    assert job.faces is not None
    height, width = photograph.shape[:2]
    chosen = choose(large, job.faces)
    faces = [settled(face, width, height) for face in chosen]
    made, steps = degradation, None
    if job.estimated is not None:
        made, steps = None, quantisation(entry.path, job.reading)
    try:
        portraits = portraits_of(photograph, faces, made, job.inversion.image_shape, steps)
    except SettingError as error:
        raise ImageError(f"{entry.path}: {error}") from None
    items = tuple(
        Loaded(
            Input(seed_index(entry.number, k), entry.path, f"{entry.stem}-{k + 1}"),
            portrait.observation,
            None,
            portrait.degradation,
        )
        for k, portrait in enumerate(portraits)
    )
    if job.estimated is not None:
        degradation = unresized(portraits[0].degradation)
        found_out = "; ".join(
            f"face {number}: {in_words(portrait.estimate, portrait.degradation)}"
            for number, portrait in enumerate(portraits, 1)
            if portrait.estimate is not None
        )
        notes = (*notes, f"estimated: {found_out}")
    others = tuple(face for face in found if face not in chosen)
    notes = (*notes, *notes_on_noise(items), *said(job, photograph, faces, others, degradation))
    return LoadedPhoto(entry, items, tuple(faces), others, degradation, notes)


def read(job: Job, entry: Input) -> tuple[np.ndarray, tuple[str, ...]]:
    """Decodes a photograph: returns [H, W, C], bytes or float in [-1, 1], and notes on the file.

    Raises:
        ImageError: it is not readable, or too large when it is enlarged.
    """
    photograph, notes = image_files.read_whole(entry.path, job.reading)
    pixels = photograph.shape[0] * photograph.shape[1] * job.scale**2
    if pixels > job.reading.max_pixels:
        raise ImageError(
            f"{entry.path}: enlarged {job.scale} times it has {pixels} pixels, the limit is "
            f"{job.reading.max_pixels}; --max-pixels raises it"
        )
    return with_channels(photograph, job.inversion.image_shape[2]), notes


def degradation_of(job: Job, entry: Input) -> Degradation:
    """Returns what made a photograph; where each has a mask of its own, that.

    Raises:
        ImageError: the mask cannot be used.
    """
    if job.masks is None:
        return job.degradation
    return job.masks.mask_of(entry.path, job.resolution)


def said(
    job: Job,
    photograph: np.ndarray,
    faces: Sequence[Face],
    others: Sequence[Face],
    degradation: Degradation,
) -> list[str]:
    """Returns notes on what is restored of a photograph and what is not."""
    sides = [square_of(face).side for face in faces]
    pixels = ", ".join(f"{side:.0f}" for side in sides)
    notes = [f"{len(faces)} of {len(faces) + len(others)} faces restored, of {pixels} pixels"]
    if job.scale > 1:
        notes.append(f"around the faces it is enlarged {job.scale} times by Lanczos' filter")
    if max(sides) * job.scale > COARSER * job.resolution:
        name = job.inversion.split.name
        notes.append(f"{name} draws {job.resolution} pixels a side, so larger faces become coarser")
    aside = [str(number) for number, face in enumerate(faces, 1) if face.aspect < PROFILE]
    if aside:
        notes.append(
            f"in profile, which generators of faces know little of: face {', '.join(aside)}"
        )
    alone = max(sides) > max(photograph.shape[:2]) - 1
    gray = any(isinstance(operator, Grayscale) for operator in operators_of(degradation))
    if gray and not alone:
        notes.append("the faces have colours now, the rest stays as it was")
    missing = holes_of(degradation, photograph)
    if missing is not None:
        rest = missing.copy()
        for face in faces:
            rest &= ~covered(square_of(face).corners, missing.shape)
        if rest.any():
            share = rest.sum() / missing.sum()
            notes.append(f"{share:.0%} of what is missing lies beside the faces and stays")
    return notes


def covered(corners: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Returns bool[H, W], the pixels within a polygon of x and y."""
    picture = Image.new("1", (shape[1], shape[0]))
    ImageDraw.Draw(picture).polygon([tuple(corner) for corner in corners.tolist()], fill=1)
    return np.asarray(picture)


def write_photo(job: Job, photo: LoadedPhoto, done: Sequence[Done], folder: Path) -> Record:
    """Writes the files of a photograph and of its faces, and returns its record.

    Raises:
        OutputError: a file cannot be written.
    """
    records = []
    for item, (restoration, row, frames) in zip(photo.items, done, strict=True):
        record = write_outputs(job, item, restoration, row, folder, "faces")
        if record["status"] == "failed":
            return empty_record(photo.input, record["error"])
        if frames:
            record |= write_trajectory(job, item, frames, folder)
        records.append(record)
    try:
        photograph, _ = read(job, photo.input)
    except ImageError as error:  # It was there when its faces were found.
        return empty_record(photo.input, str(error))
    squares = [restoration.images[row] for restoration, row, _ in done]
    stem = photo.input.stem
    record = empty_record(photo.input, None) | {
        "status": max((face["status"] for face in records), key=("ok", "diverged").index),
        "error": next((face["error"] for face in records if face["error"]), None),
        "notes": list(photo.notes),
        "steps": max(face["steps"] for face in records),
        "codes": records[0]["codes"],
        "faces": [told(face, one) for face, one in zip(photo.faces, records, strict=True)],
    }
    small = preview(photograph)
    scale = small.width / photograph.shape[1]
    record["observation"] = save_image(folder, "observations", stem, np.asarray(small))
    marked = drawn(small, photo.faces, photo.others, scale)
    record["found"] = save_image(folder, "found", stem, np.asarray(marked))
    image = put_back_faces(photograph, photo.faces, squares, photo.degradation, job.scale)
    record["output"] = save_image(folder, "images", stem, image, job.webp)
    return record


def told(face: Face, record: Record) -> Record:
    """Returns what the record of a photograph says of one face, as JSON values."""
    return {
        "output": record["output"],
        "box": [round(float(edge), 2) for edge in face.box],
        "points": [[round(float(x), 2), round(float(y), 2)] for x, y in face.points],
        "score": round(face.score, 4),
        "pixels": round(square_of(face).side, 1),
        **{k: record[k] for k in ("status", "steps", "codes", "observation") if k in record},
    }


def preview(photograph: np.ndarray) -> Image.Image:
    """Returns a photograph for the page, reduced if it is large."""
    pixels = to_uint8(photograph)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
    picture.thumbnail((PREVIEW, PREVIEW), Image.Resampling.LANCZOS)
    return picture


def drawn(
    picture: Image.Image, chosen: Sequence[Face], others: Sequence[Face], scale: float
) -> Image.Image:
    """Draws boxes, points and squares of faces over a photograph that is reduced by a scale."""
    picture = picture.copy()
    draw = ImageDraw.Draw(picture)
    width = max(1, round(max(picture.size) / 400))
    for number, face in enumerate((*chosen, *others)):
        restored = number < len(chosen)
        colour = CHOSEN if restored else FOUND
        small = face.moved(scale)
        draw.rectangle(small.box, outline=colour, width=width)
        for x, y in small.points:
            draw.ellipse((x - width, y - width, x + width, y + width), fill=colour)
        if restored:
            corners: Any = [tuple(corner) for corner in square_of(small).corners.tolist()]
            draw.line([*corners, corners[0]], fill=colour, width=width)
            draw.text((small.box[0] + 2 * width, small.box[1] + width), str(number + 1), colour)
    return picture
