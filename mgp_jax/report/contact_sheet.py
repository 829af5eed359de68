"""Contact sheets: many small images on one picture, for a look without a browser."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from mgp_jax.errors import MGPError
from mgp_jax.files import path_of
from mgp_jax.images import to_uint8, write_image
from mgp_jax.metrics import describe, recorded
from mgp_jax.report.folder import Record, Run, read_run, spread
from mgp_jax.report.lettering import Font, drawable, font

MOST_ROWS = 48
TILE_SIDE = 192
LARGEST_TILE = 256
GAP = 6
BLOCK_GAP = 28
MARGIN = 20
LINE = 22
NARROWEST = 150
TALLEST = 1.4  # height of the sheet by its width, before rows go on beside each other
PAPER, INK, QUIET, EMPTY = (250, 249, 246), (29, 33, 38), (89, 98, 108), (225, 222, 215)
COLUMNS = {"observation": "observation", "result": "result", "truth": "truth"}


def contact_sheet(
    rows: Sequence[Sequence[np.ndarray | None]],
    captions: Sequence[str],
    scale: int | None = None,
    headings: Sequence[str] = (),
) -> np.ndarray:
    """Lays out rows of images with a caption under each row.

    Long sheets continue in a further block of columns at the right. All images of a sheet get the
    same place, given by the largest; small ones are enlarged by whole factors without smoothing.

    Args:
        rows: the images, uint8[H, W, 1 or 3] of any sizes; None leaves an empty place.
        captions: one text a row; cut where the row ends.
        scale: enlargement of the largest image; by default what makes it about 192 pixels wide.
            Images over 256 pixels are then reduced to that.
        headings: names of the columns.

    Returns: uint8[height, width, 3].

    Raises:
        ValueError: rows and captions differ in number, or the scale is below 1.
    """
    if len(rows) != len(captions):
        raise ValueError(f"{len(rows)} rows of images but {len(captions)} captions")
    if scale is not None and scale < 1:
        raise ValueError(f"scale: {scale}, at least 1 is needed")
    side = _place(rows, scale)
    columns = max([len(headings), 1, *map(len, rows)])
    width = max(columns * (side + GAP) - GAP, NARROWEST)
    height = side + LINE + GAP
    head = LINE if headings else 0
    blocks = _blocks(len(rows), width + BLOCK_GAP, height, head)
    deep = math.ceil(len(rows) / blocks)
    sheet = Image.new(
        "RGB",
        (
            2 * MARGIN + blocks * (width + BLOCK_GAP) - BLOCK_GAP,
            2 * MARGIN + head + deep * height - (GAP if deep else 0),
        ),
        PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    letters = font()
    for block in range(blocks):
        left = MARGIN + block * (width + BLOCK_GAP)
        for column, heading in enumerate(headings):
            text = _cut(heading, side, draw, letters)
            draw.text((left + column * (side + GAP), MARGIN - 2), text, QUIET, letters)
        for line in range(block * deep, min((block + 1) * deep, len(rows))):
            top = MARGIN + head + (line - block * deep) * height
            for column, image in enumerate(rows[line]):
                x = left + column * (side + GAP)
                draw.rectangle((x, top, x + side - 1, top + side - 1), EMPTY)
                if image is not None:
                    picture = _fit(image, side)
                    free = (side - picture.width) // 2, (side - picture.height) // 2
                    sheet.paste(picture, (x + free[0], top + free[1]))
            text = _cut(captions[line], width, draw, letters)
            draw.text((left, top + side + 2), text, INK, letters)
    return np.asarray(sheet)


def write_contact_sheet(folder: str | os.PathLike[str]) -> Path:
    """Writes `contact_sheet.png` about a run: observation, result and, if known, truth.

    Of more than 48 records 48 are shown, evenly spread.

    Args:
        folder: the run's output folder.

    Returns: the file's path.

    Raises:
        MGPError: it is not the folder of a run, or the file cannot be written.
    """
    folder = path_of(folder)
    run = read_run(folder)
    chosen = spread(run.records, MOST_ROWS)
    kinds = [kind for kind in COLUMNS if any(kind in record.files for record in chosen)]
    rows = [[_load(run, record, kind) for kind in kinds] for record in chosen]
    captions = [_caption(record) for record in chosen]
    if len(chosen) < len(run.records):
        captions[-1] += f" · {len(chosen)} of {len(run.records)} images are shown"
    if not chosen:
        rows, captions = [[None]], ["The run has no results."]
    path = folder / "contact_sheet.png"
    write_image(path, contact_sheet(rows, captions, headings=[COLUMNS[kind] for kind in kinds]))
    return path


def tile(images: Any, columns: int | None = None) -> np.ndarray:
    """Puts images of one size side by side, row by row, without gaps.

    Args:
        images: [N, H, W, C], float in [-1, 1] or uint8; jax arrays are fine.
        columns: images in a row; by default what makes the whole about square.

    Returns: [rows * H, columns * W, C] of the same type; what is left over is black.

    Raises:
        MGPError: there is no image or `images` has not four axes.

    Example:
        >>> import numpy as np
        >>> from mgp_jax.report import tile
        >>> tile(np.zeros((5, 8, 8, 3)), columns=3).shape
        (16, 24, 3)
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.size == 0:
        raise MGPError(f"an array of the shape {images.shape} holds no images to put together")
    count, height, width, channels = images.shape
    columns = max(1, columns or math.ceil(math.sqrt(count * height / width)))
    rows = math.ceil(count / columns)
    black = 0 if images.dtype.kind == "u" else -1
    grid = np.full((rows * columns, height, width, channels), black, images.dtype)
    grid[:count] = images
    grid = grid.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    return grid.reshape(rows * height, columns * width, channels)


def _place(rows: Sequence[Sequence[np.ndarray | None]], scale: int | None) -> int:
    """Returns the side in pixels of the square that every image gets."""
    sides = [max(image.shape[:2]) for row in rows for image in row if image is not None]
    largest = max(sides, default=TILE_SIDE)
    if scale is not None:
        return largest * scale
    return min(largest * max(1, round(TILE_SIDE / largest)), LARGEST_TILE)


def _blocks(count: int, width: int, height: int, head: int) -> int:
    """Returns into how many blocks beside each other the rows go."""
    blocks = 1
    while blocks < count and math.ceil(count / blocks) * height + head > TALLEST * blocks * width:
        blocks += 1
    return blocks


def _fit(image: np.ndarray, side: int) -> Image.Image:
    """Enlarges by a whole factor, or reduces, so that the longer side fits."""
    array = to_uint8(image)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    picture = Image.fromarray(array).convert("RGB")
    longest = max(picture.size)
    if longest > side:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        return picture
    factor = side // longest
    size = (picture.width * factor, picture.height * factor)
    return picture.resize(size, Image.Resampling.NEAREST)


def _cut(
    text: str,
    width: int,
    draw: ImageDraw.ImageDraw,
    font: Font,
) -> str:
    """Makes a text one line that is at most `width` pixels wide."""
    text = " ".join(drawable(text).split())[:400]
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(f"{text}…", font) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _load(run: Run, record: Record, kind: str) -> np.ndarray | None:
    """Reads one of the run's images, at most as large as a tile; None if it cannot be shown.

    Not `read_image`, which is for photographs and refuses the tiny observations of strong
    super-resolution.
    """
    if kind not in record.files:
        return None
    try:
        path = run.folder / record.files[kind]
        with path.open("rb") as stream, Image.open(stream, formats=["PNG"]) as file:
            picture = file.convert("RGB")
        # At once: all images of a sheet are in memory together.
        picture.thumbnail((LARGEST_TILE, LARGEST_TILE), Image.Resampling.LANCZOS)
        return np.asarray(picture)
    except Exception:  # A damaged file may drive the reader into anything.
        return None


def _caption(record: Record) -> str:
    """Returns name and metrics, or name and what went wrong."""
    parts = [record.name]
    if record.status != "ok":
        parts.append(f"{record.status}: {record.reason}" if record.reason else record.status)
    return " · ".join([*parts, *describe(record.numbers, recorded())])
