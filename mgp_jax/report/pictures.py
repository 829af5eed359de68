"""The images of a page: inside the page while they are few, else as files beside it."""

import base64
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import quote

from PIL import Image

from mgp_jax.files import make_folder, replacing

# Up to this size all images go into the page, which then can be sent as a single file by mail.
EMBED_BYTES = 6 * 2**20
# Headers that are read at a time: a store takes its time for each.
READERS = 16
# Larger images (longer side, pixels) get a thumbnail, so that a gallery of thousands scrolls well.
THUMBNAIL_SIDE = 384
FORMATS = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
}


class Source(NamedTuple):
    """An image of a run: the run's folder and the path within it."""

    folder: Path
    path: PurePosixPath

    @property
    def file(self) -> Path:
        """The path of the image."""
        return self.folder / self.path


@dataclass(frozen=True)
class _Found:
    """The properties of an image file that are known without decoding it."""

    size: int
    width: int
    height: int
    mime: str


def describe(
    page_folder: Path, sources: Iterable[Source]
) -> tuple[dict[Source, dict[str, Any]], bool]:
    """Decides how the page shows each image.

    Args:
        page_folder: where the page will be.
        sources: the images.

    Returns: for each source a dict for the page, either `path`, `src` (data or relative URL), `w`
        and `h` (pixels) and perhaps `thumb` (relative URL), or `path` and `missing`, the reason why
        it cannot be shown; and whether all images are inside the page.
    """
    uses = Counter(sources)
    with ThreadPoolExecutor(READERS) as pool:
        found = dict(zip(uses, pool.map(lambda source: _probe(source.file), uses), strict=True))
    present = {source: item for source, item in found.items() if isinstance(item, _Found)}
    embedded = sum(item.size * uses[source] for source, item in present.items()) <= EMBED_BYTES
    large = [
        source
        for source, item in present.items()
        if not embedded and max(item.width, item.height) > THUMBNAIL_SIDE
    ]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        thumbnails = dict(zip(large, pool.map(_thumbnail, large), strict=True))
    entries: dict[Source, dict[str, Any]] = {}
    for source, item in found.items():
        path = str(source.path)
        if isinstance(item, str):
            entries[source] = {"path": path, "missing": item}
            continue
        url = _data_url(source.file, item) if embedded else _relative_url(source.file, page_folder)
        entry = {"path": path, "src": url, "w": item.width, "h": item.height}
        if thumbnail := thumbnails.get(source):
            entry["thumb"] = _relative_url(thumbnail, page_folder)
        entries[source] = entry
    return entries, embedded


def _probe(path: Path) -> _Found | str:
    """Returns what the header of an image says, or why it cannot be shown."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file, Image.open(file, formats=list(FORMATS)) as image:
            return _Found(size, image.width, image.height, FORMATS[image.format or ""])
    except FileNotFoundError:
        return "the file is missing"
    except Exception:  # A damaged file may drive the reader into anything.
        return "the file is not a readable image"


def _thumbnail(source: Source) -> Path | None:
    """Writes a small JPEG of an image unless an up-to-date one exists; None if that fails."""
    path = source.folder / "thumbnails" / f"{source.path}.jpg"
    try:
        if path.exists() and path.stat().st_mtime >= source.file.stat().st_mtime:
            return path
        make_folder(path.parent, parents=True)
        with source.file.open("rb") as file, Image.open(file, formats=list(FORMATS)) as image:
            small = image.convert("RGB")
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
        with replacing(path) as file:
            small.save(file, "JPEG", quality=85)
    except Exception:  # The page then shows the image itself, or that it is damaged.
        return None
    return path


def _data_url(path: Path, item: _Found) -> str:
    return f"data:{item.mime};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _relative_url(path: Path, start: Path) -> str:
    relative = Path(os.path.relpath(str(path), str(start))).as_posix()
    return quote(os.fsencode(relative))
