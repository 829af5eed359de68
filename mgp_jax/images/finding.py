"""Which files among files and folders are images, and what their outputs are called."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mgp_jax.errors import ImageError
from mgp_jax.files import path_of, reason
from mgp_jax.images.opening import check_file, reads_heic

SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg"),
    *(".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
)
HEIC_SUFFIXES = (".heic", ".heif", ".hif")
LONGEST_STEM = 200


class Found(NamedTuple):
    """What there is among files and folders.

    Attributes:
        paths: the image files, in the order of the inputs.
        skipped: number of visible files in the folders that are not taken for images, by suffix.
    """

    paths: list[Path]
    skipped: Mapping[str, int]

    def told(self) -> str:
        """Returns one line on what is skipped, or nothing if nothing is."""
        if not self.skipped:
            return ""
        count = sum(self.skipped.values())
        counts = sorted(self.skipped.items(), key=lambda item: (-item[1], item[0]))
        text = ", ".join(f"{suffix or 'without suffix'} {number}" for suffix, number in counts)
        hint = ""
        if not reads_heic() and any(suffix in HEIC_SUFFIXES for suffix in self.skipped):
            hint = "; HEIC needs pip install 'mgp_jax[heic]'"
        return f"{count} file{'s' * (count != 1)} skipped ({text}){hint}"


def find_images(inputs: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Lists the image files among files and folders; see `search_images`.

    Raises:
        ImageError: nothing is given, an input does not exist, or a folder holds no image.
    """
    return search_images(inputs).paths


def search_images(inputs: Sequence[str | os.PathLike[str]]) -> Found:
    """Lists the image files among files and folders, and counts what is left out.

    Args:
        inputs: files, taken as they are whatever their suffix, and folders, of which the visible
            files with a known suffix are taken in the order of their names, subfolders are not.

    Raises:
        ImageError: nothing is given, an input does not exist, or a folder holds no image.
    """
    if not inputs:
        raise ImageError("no input images are given")
    suffixes = SUFFIXES + HEIC_SUFFIXES * reads_heic()
    found: list[Path] = []
    skipped: Counter[str] = Counter()
    for path in map(path_of, inputs):
        try:
            if not path.is_dir():
                check_file(path)
                found.append(path)
                continue
            visible = sorted(file for file in path.iterdir() if file.name and file.name[0] != ".")
            files = [file for file in visible if file.is_file()]
        except ImageError:
            raise
        except Exception as error:  # Every store has its own.
            raise ImageError(f"{path}: cannot be read: {reason(error)}") from None
        images = [file for file in files if file.suffix.lower() in suffixes]
        left = Counter(file.suffix.lower() for file in files if file not in set(images))
        if not images:
            raise ImageError(f"{path}: {_no_images(left, len(visible) - len(files))}")
        found.extend(images)
        skipped.update(left)
    return Found(found, dict(skipped))


def _no_images(left: Mapping[str, int], subfolders: int) -> str:
    text = "there are no images in this folder"
    if left:
        text += f": {Found([], left).told()}"
    if subfolders:
        text += f"; {subfolders} subfolder{'s' * (subfolders != 1)} not searched"
    return text


def unique_stems(paths: Sequence[str | os.PathLike[str]], taken: Iterable[str] = ()) -> list[str]:
    """Names the outputs of several inputs, so that none overwrites another or leaves its folder.

    A stem is the file's name without its suffix. The first input keeps it; later ones with the same
    stem (upper and lower case are one, as on macOS and Windows) get `-2`, `-3` and so on, passing
    over names that other inputs have of themselves.

    Args:
        paths: the inputs.
        taken: names that earlier inputs have already.

    Returns: one non-empty file stem an input: no separators, no leading dot, at most about 200
        bytes.

    Example:
        >>> from mgp_jax.images import unique_stems
        >>> unique_stems(["a/face.png", "b/face.jpg", "c/Face.png"])
        ['face', 'face-2', 'Face-3']
    """
    stems = [_safe_stem(path_of(path)) for path in paths]
    seen = {name.casefold() for name in taken}
    used = seen | {stem.casefold() for stem in stems}
    names = []
    for stem in stems:
        name, count = stem, 1
        if stem.casefold() in seen:
            while name.casefold() in used:
                count += 1
                name = f"{stem}-{count}"
        seen.add(stem.casefold())
        used.add(name.casefold())
        names.append(name)
    return names


def _safe_stem(path: Path) -> str:
    """Returns the stem of a path with everything replaced that a file system might take amiss."""
    stem = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]', "_", path.stem).strip(". ")
    while len(os.fsencode(stem)) > LONGEST_STEM:
        stem = stem[:-1].rstrip(". ")
    return stem or "image"
