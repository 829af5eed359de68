"""Folders of edits and analyses beside a run: whose they are, and what is written into them."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgp_jax.cli.common import OK, SOME_FAILED, Command, Telling

if TYPE_CHECKING:
    import numpy as np

    from mgp_jax.batch import Record

# What changes nothing in the results, or is told apart by the names of their files.
FREE = ("telling", "inputs", "out", "overwrite", "batch_size")


def asked_for(command: Command, free: Sequence[str] = FREE) -> "dict[str, Any]":
    """Returns what a command was asked for, as JSON values; files with their checksums."""
    from mgp_jax.batch.settings import checksum_of_file

    settings: dict[str, Any] = {"task": command.name}
    checksums = {}
    for field in dataclasses.fields(command):
        if field.name in free:
            continue
        value = getattr(command, field.name)
        values = value if isinstance(value, tuple) else (value,)
        texts = [str(item) if isinstance(item, Path) else item for item in values]
        settings[field.name] = texts if isinstance(value, tuple) else texts[0]
        for text in texts:
            if isinstance(text, str) and text and Path(text).is_file():
                checksums[text] = checksum_of_file(Path(text))
    return json.loads(json.dumps(settings | {"checksums": checksums}))


def claim_results(folder: Path, settings: "dict[str, Any]", overwrite: bool) -> None:
    """Makes a folder for results, or takes the one of the same settings.

    Args:
        folder: the folder.
        settings: what was asked for.
        overwrite: whether results of other settings give way: what they wrote is removed, nothing
            else.

    Raises:
        SettingError: it holds results of other settings or something else, or cannot be written.
    """
    from mgp_jax.batch.folder import SETTINGS, holds_run, require_own
    from mgp_jax.errors import SettingError
    from mgp_jax.files import on_disk, writing

    if not on_disk(folder):
        raise SettingError(f"{folder}: a folder of the disk is needed")
    require_own(folder, settings, overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if overwrite and holds_run(folder):
            remove_results(folder)
        with writing(folder / SETTINGS) as file:
            file.write(json.dumps(settings, indent=1).encode())
    except OSError as error:
        raise SettingError(f"{folder}: cannot be written ({error.strerror})") from None


def remove_results(folder: Path) -> None:
    """Removes the files that the records of a folder name, and the records."""
    from mgp_jax.batch.records import RESULTS, read_records

    for record in read_records(folder / RESULTS):
        frames = record.get("frames")
        names = [record.get("picture"), record.get("animation")]
        for name in [*names, *(frames if isinstance(frames, list) else ())]:
            # Records may have been edited: nothing outside of the folder is touched.
            if isinstance(name, str) and (folder / name).resolve().is_relative_to(folder.resolve()):
                (folder / name).unlink(missing_ok=True)
    (folder / RESULTS).unlink(missing_ok=True)


def write_frames(
    folder: Path,
    stem: str,
    frames: "Iterable[np.ndarray]",
    captions: Sequence[str],
    animation: str,
) -> "Record":
    """Writes frames one by one, as a strip and as an animation there and back.

    Large photographs are smaller in those two.

    Args:
        folder: where.
        stem: name of the files.
        frames: [H, W, C] each, bytes or float in [-1, 1], of one size; held one at a time.
        captions: what each shows.
        animation: kind of the animation's file.

    Returns: the files by kind, relative to the folder.
    """
    import numpy as np

    from mgp_jax.batch.photos import PREVIEW, preview
    from mgp_jax.images import to_uint8, write_animation, write_image
    from mgp_jax.report import contact_sheet

    (folder / "frames").mkdir(exist_ok=True)
    names, small = [], []
    for number, frame in enumerate(map(to_uint8, frames)):
        names.append(f"frames/{stem}-{number:02}.png")
        write_image(folder / names[-1], frame)
        small.append(frame if max(frame.shape) <= PREVIEW else np.asarray(preview(frame)))
    write_image(folder / f"{stem}.png", contact_sheet([small], [stem], headings=captions))
    images = np.stack(small)
    # Small images would be hard to see.
    factor = max(1, 256 // images.shape[1])
    large = np.repeat(np.repeat(images, factor, axis=1), factor, axis=2)
    path = f"{stem}.{animation}"
    write_animation(folder / path, [*large, *large[-2:0:-1]])
    return {"picture": f"{stem}.png", "animation": path, "frames": names}


def finish(folder: Path, records: "Sequence[Record]", kind: str, telling: Telling) -> int:
    """Writes records, tells which pictures there are, and returns the exit status.

    Records of other photographs that the folder holds stay.
    """
    from mgp_jax.batch.records import RESULTS, read_records, write_records

    kept = {record.get("input"): record for record in read_records(folder / RESULTS)}
    kept |= {record["input"]: record for record in records}
    write_records(folder / RESULTS, kept.values())
    good = [record for record in records if record["status"] == "ok"]
    text = "".join(f"{folder / record['picture']}\n" for record in good)
    text += f"{len(records)} {kind}: {len(good)} ok, {len(records) - len(good)} failed"
    telling.answer({"folder": str(folder), "records": records}, text)
    return OK if len(good) == len(records) else SOME_FAILED
