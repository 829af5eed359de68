"""The inputs of a run: those that its folder knows, in their order, and new ones behind them.

An image's random numbers follow from its place, and its outputs from its name. So whoever adds
photographs to a run, finished or not, changes neither for those that are there.
"""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mgp_jax import images as image_files
from mgp_jax.batch.folder import recorded_settings
from mgp_jax.files import on_disk, path_of

MOST_NAMES = 5


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


class Inputs(NamedTuple):
    """The inputs of a run.

    Attributes:
        entries: all, those of earlier calls first.
        given: those that are given now, in the order in which they are given.
        notes: what is left out and what is gone, one line each.
    """

    entries: list[Input]
    given: list[Input]
    notes: tuple[str, ...]


def find_inputs(
    inputs: Sequence[str | os.PathLike[str]],
    folder: Path | None = None,
    overwrite: bool = False,
) -> Inputs:
    """Numbers the image files among files and folders, and names their outputs.

    Args:
        inputs: files and folders.
        folder: the output folder, which may know inputs of earlier calls.
        overwrite: whether those do not matter.

    Raises:
        ImageError: an input does not exist, or a folder has no images.
        SettingError: the folder's settings are damaged.
    """
    found = image_files.search_images(inputs)
    before = {} if folder is None or overwrite else recorded_settings(folder)
    paths = [path_of(path) for path in before.get("inputs", ())]
    names = names_of(before)
    places = defaultdict(list)
    for place, path in enumerate(paths):
        places[identity(path)].append(place)
    here = set(found.paths)
    gone = [path.name for path in paths if path not in here and not path.exists()]
    given = []
    for path in found.paths:
        known = places[identity(path)]
        if known:
            # As it is called now: the folder one is in may be another.
            place = known.pop(0)
            paths[place] = path
        else:
            place = len(paths)
            paths.append(path)
        given.append(place)
    names += image_files.unique_stems(paths[len(names) :], names)
    entries = [Input(*item) for item in zip(range(len(paths)), paths, names, strict=True)]
    notes = [found.told()]
    if gone:
        some = ", ".join(gone[:MOST_NAMES]) + ", ..." * (len(gone) > MOST_NAMES)
        are = "files of this run are" if len(gone) > 1 else "file of this run is"
        notes.append(f"{len(gone)} {are} gone ({some}); what was restored of it stays")
    return Inputs(entries, [entries[place] for place in given], tuple(filter(None, notes)))


def identity(path: Path) -> str:
    """Returns what is the same for a file however its folder is called."""
    if not on_disk(path):
        return str(path)
    return os.path.join(os.path.realpath(path.parent), path.name)


def names_of(settings: Mapping[str, Any]) -> list[str]:
    """Returns the names of the outputs of a recorded run; version 0.1.0 did not record them."""
    return list(settings.get("names", ())) or image_files.unique_stems(settings.get("inputs", ()))
