"""The output folder: whose run it holds, and what to remove to start anew."""

import fnmatch
import json
import shutil
import zlib
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from mgp_jax.batch.records import RESULTS, parts, read_records, records_by_name, repair
from mgp_jax.errors import SettingError
from mgp_jax.files import (
    TEMPORARY,
    make_folder,
    on_disk,
    reaching,
    reason,
    remove_empty,
    temporary_in,
    user_cache,
    writing,
)
from mgp_jax.images import unique_stems

SETTINGS, CHECKPOINTS = "settings.json", "checkpoints"
REPORTS = ("index.html", "contact_sheet.png")
PICTURES = ("images", "observations", "truths", "deviations", "masks", "faces", "found")
RESTORED = ("images", "faces", "samples")
FOLDERS = (*PICTURES, "samples", "trajectories", "codes", "arrays", "latents")
# Checksums with an entry for each input, and what they are of.
OF_INPUTS = {"inputs": "the file", "masks": "the mask of"}
LONGEST_VALUE = 100
# What may differ when a run goes on: it changes nothing but rounding.
FREE_SETTINGS = ("batch_size", "slices", "command")
# Lists with an entry for each input, task or method, which grow when more of them come.
GROWING = ("inputs", "names", "tasks", "methods")
# Mappings by these, of which what both have must agree.
ADDED = ("recipes",)


@reaching
def holds_run(folder: Path) -> bool:
    """Returns whether a folder is the output folder of a run."""
    return (folder / SETTINGS).exists()


@reaching
def recorded_settings(folder: Path) -> dict[str, Any]:
    """Returns the settings of the run that a folder holds; none if it holds no run.

    Raises:
        SettingError: they are damaged.
    """
    return _read_settings(folder / SETTINGS) if holds_run(folder) else {}


@reaching
def require_own(
    folder: Path, settings: Mapping[str, Any], overwrite: bool, brought: Sequence[str] = ()
) -> None:
    """Checks that a folder is free or holds a run to continue; changes nothing.

    Args:
        folder: the output folder; need not exist.
        settings: settings of the run, as JSON values.
        overwrite: whether a run with other settings is to be replaced.
        brought: names of files that may lie in it before there is a run.

    Raises:
        SettingError: it holds a run with other settings, or something else.
    """
    if holds_run(folder):
        if overwrite:
            return
        if difference := _difference(_read_settings(folder / SETTINGS), settings):
            raise SettingError(
                f"{folder}: holds a run with another setting: {difference}; "
                "choose another folder, or start anew with --overwrite"
            )
    elif folder.is_dir() and not all(
        path.name in brought or _is_temporary(path) for path in folder.iterdir()
    ):
        raise SettingError(f"{folder}: is not empty and holds no run to continue")


def find_records(
    folder: Path, settings: Mapping[str, Any], overwrite: bool
) -> dict[str, dict[str, Any]]:
    """Returns the records that a run would find, by name; changes nothing.

    Raises:
        SettingError: see `require_own`; or the records are damaged.
    """
    require_own(folder, settings, overwrite)
    return {} if overwrite else records_by_name(folder)


def open_folder(
    folder: Path, settings: Mapping[str, Any], brought: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Makes the output folder of a single process, or finds the records of a run to continue.

    Args:
        folder: the output folder; need not exist.
        settings: settings of the run, as JSON values.
        brought: names of files that may lie in it before there is a run.

    Raises:
        SettingError: it cannot be written, or it holds a run with other settings.
    """
    require_own(folder, settings, overwrite=False, brought=brought)
    claim(folder, settings, overwrite=False)
    repair(folder / RESULTS)
    return list(read_records(folder / RESULTS))


@reaching
def claim(folder: Path, settings: Mapping[str, Any], overwrite: bool) -> None:
    """Makes the folder ready for a run that `require_own` has accepted.

    Raises:
        SettingError: it cannot be written.
    """
    try:
        make_folder(folder, parents=True)
        if overwrite and holds_run(folder):
            clear(folder)
        if on_disk(folder):
            for place in (folder, *(folder / kind for kind in FOLDERS)):
                for left in place.glob(TEMPORARY):
                    left.unlink()
        if overwrite or _has_grown(recorded_settings(folder), settings):
            with writing(folder / SETTINGS) as file:
                file.write(json.dumps(settings, indent=1).encode())
        # Also who only continues must learn now that nothing can be written.
        probe = temporary_in(folder)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise SettingError(f"{folder}: cannot be written ({reason(error)})") from None


def clear(folder: Path) -> None:
    """Removes what a run has written, but for its settings, and nothing else.

    The settings stay until others replace them, so that a folder whose clearing was interrupted is
    still known to be a run's.
    """
    try:
        settings = _read_settings(folder / SETTINGS)
    except SettingError:
        settings = {}
    stems = settings.get("names") or unique_stems(settings.get("inputs", []))
    stems = [*stems, *_stems_of_faces(folder)]
    numbers = range(1, settings.get("samples", 1) + 1)
    samples = [f"{stem}-{number}" for stem in stems for number in numbers]

    def pictures(kind: str, stems: Sequence[str]) -> list[str]:
        """Names within the output folder; of WebP files, larger ones are PNG even so."""
        suffixes = (".png", ".webp") if settings.get("webp") and kind in RESTORED else (".png",)
        return [f"{kind}/{stem}{suffix}" for stem in stems for suffix in suffixes]

    names = [name for kind in PICTURES for name in pictures(kind, stems)]
    thumbnails = folder / "thumbnails"  # Written by the report.
    files = [folder / name for name in (*names, *pictures("samples", samples))]
    files += [thumbnails / f"{name}.jpg" for name in names]
    files += [folder / "codes" / f"{stem}.npz" for stem in stems]
    files += [folder / kind / f"{stem}.npy" for kind in ("arrays", "latents") for stem in stems]
    kind = settings.get("trajectory")
    files += [folder / "trajectories" / f"{stem}.{kind}" for stem in stems]
    files += [folder / name for name in (*REPORTS, RESULTS)] + parts(folder)
    for file in files:
        file.unlink(missing_ok=True)
    remove_checkpoints(folder)
    places = [*(folder / kind for kind in FOLDERS), *(thumbnails / kind for kind in PICTURES)]
    for place in (*places, thumbnails):
        remove_empty(place)


def checkpoints_of(folder: Path) -> Path:
    """Returns where the running batches of a run are saved: in its folder, if that is on the disk.

    Orbax does not write to every store, so those of a store's run are in the user's cache.
    """
    if on_disk(folder):
        return folder / CHECKPOINTS
    return user_cache() / CHECKPOINTS / f"{zlib.crc32(str(folder).encode()):08x}"


def remove_checkpoints(folder: Path) -> None:
    """Removes what is left of running batches."""
    shutil.rmtree(checkpoints_of(folder), ignore_errors=True)


def lasting(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings that stay the same as long as a run goes on, whatever is added."""
    checksums = {k: v for k, v in settings["checksums"].items() if k not in OF_INPUTS}
    own = {k: v for k, v in settings.items() if k not in (*FREE_SETTINGS, *GROWING)}
    return own | {"checksums": checksums}


def _stems_of_faces(folder: Path) -> list[str]:
    """Returns the names of the outputs of faces that the records tell of."""
    try:
        records = records_by_name(folder).values()
    except SettingError:
        return []
    return [
        f"{record['name']}-{number}"
        for record in records
        for number in range(1, len(record.get("faces") or ()) + 1)
    ]


def _is_temporary(path: Path) -> bool:
    return fnmatch.fnmatch(path.name, TEMPORARY)


def _read_settings(file: Path) -> dict[str, Any]:
    try:
        settings = json.loads(file.read_text())
    except (OSError, ValueError):
        settings = None
    if not isinstance(settings, dict):
        raise SettingError(f"{file}: is not readable, choose another folder")
    return settings


def _difference(
    before: Mapping[str, Any], now: Mapping[str, Any], group: str = "", added: bool = False
) -> str | None:
    """Names the first setting that differs, with both values; where some are added, of both."""
    gone = sorted(before.keys() - now.keys())
    for name in filter(before.__contains__, now) if added else (*now, *gone):
        old, new = before.get(name), now.get(name)
        if old == new or name in FREE_SETTINGS or (name in GROWING and name in now):
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            if name == "checksums":
                if changed := _changed(now, old, new):
                    return changed
                old, new = ({k: v for k, v in d.items() if k not in OF_INPUTS} for d in (old, new))
            if difference := _difference(old, new, f"{name}: ", added or name in ADDED):
                return difference
            continue
        if isinstance(old, list) and isinstance(new, list):
            # Of long lists only the beginning would be shown.
            first = next(pair for pair in zip_longest(old, new) if pair[0] != pair[1])
            was, now_is = ("missing" if item is None else _short(item) for item in first)
            counts = f"{len(old)} {name} before, {len(new)} now"
            return f"{counts}; the first that differs was {was}, is {now_is}"
        return f"{group}{name} was {_short(old)}, is {_short(new)}"
    return None


def _changed(
    settings: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]
) -> str | None:
    """Names an input, or its mask, that is not what it was; one that is gone has not changed."""
    for kind, what in OF_INPUTS.items():
        files = zip(settings["inputs"], old.get(kind, []), new.get(kind, []), strict=False)
        for file, before, now in files:
            if now is not None and before != now:
                return f"{what} {file} has changed"
    return None


def _has_grown(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether there is no run yet, or one with fewer inputs, or without some of the recipes."""
    more = any(len(before.get(name, ())) < len(now.get(name, ())) for name in GROWING)
    return not before or more or any(before.get(name) != now.get(name) for name in ADDED)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
