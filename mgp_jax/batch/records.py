"""The records of a run: one line of JSON an input, in input order when the run is done.

Until then every process writes files of its own. On the disk it appends to one; a store knows no
appending, so there it writes objects of some hundred records, the last of which grows by being
written anew. The first process makes one file of them all at the end.
"""

import contextlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mgp_jax.errors import OutputError, SettingError
from mgp_jax.files import on_disk, reaching, reason, writing

RESULTS = "results.jsonl"
# Of an object, which is written anew for every batch: 2.5 kB each.
MOST_RECORDS = 200

Record = dict[str, Any]


class Journal:
    """Where a process of a run writes its records.

    Args:
        folder: the output folder.
        process: number of the process.
    """

    def __init__(self, folder: Path, process: int):
        self._folder = folder
        # In a store no process goes on with the objects of another, or of an earlier run.
        self._name = secrets.token_hex(4) if not on_disk(folder) else str(process)
        self._full = 0
        self._lines: list[str] = []
        if on_disk(folder):
            repair(self._file)

    @property
    def _file(self) -> Path:
        if not on_disk(self._folder):
            return self._folder / f"results-{self._name}-{self._full}.jsonl"
        return self._folder / (RESULTS if self._name == "0" else f"results-{self._name}.jsonl")

    def append(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Appends records, and returns when they are kept.

        Raises:
            OutputError: they cannot be written.
        """
        if on_disk(self._folder):
            append_records(self._file, records)
            return
        if len(self._lines) >= MOST_RECORDS:
            self._full, self._lines = self._full + 1, []
        self._lines += map(line_of, records)
        with writing(self._file) as stream:
            stream.write("".join(self._lines).encode())


@reaching
def records_by_name(folder: Path) -> dict[str, Record]:
    """Reads the records of all processes, by name.

    The last line of a file may have been cut off by a crash, or is just being written: it counts
    when it is complete.

    Raises:
        SettingError: a line is damaged.
        OutputError: the store cannot be reached.
    """
    # The merged file last: while it replaces the others, one or the other has all records.
    files = [*parts(folder), folder / RESULTS]
    records = [record for file in files for record in read_records(file)]
    try:
        return {record["name"]: record for record in records}
    except KeyError:
        raise SettingError(f"{folder}: holds records without a name") from None


def read_records(file: Path) -> Iterator[Record]:
    """Reads the complete lines of a records file; a last line cut off by a crash is left out.

    Raises:
        SettingError: another line is damaged.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), 1):
        try:
            yield json.loads(line)
        except ValueError:
            raise SettingError(f"{file}: line {number} is damaged, choose another folder") from None


def repair(file: Path) -> None:
    """Drops the last line of a records file if a crash has cut it off."""
    if file.exists():
        data = file.read_bytes()
        complete = data.rfind(b"\n") + 1
        if complete < len(data):
            os.truncate(file, complete)


def write_records(file: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Writes all records of a folder anew, in one go.

    Raises:
        OutputError: they cannot be written.
    """
    with writing(file) as stream:
        stream.write("".join(map(line_of, records)).encode())


def append_records(file: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Appends records to a file of the disk, and returns when they are there.

    Raises:
        OutputError: they cannot be written.
    """
    try:
        with open(file, "ab") as stream:
            stream.write("".join(map(line_of, records)).encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise OutputError(f"{file}: cannot be written: {reason(error)}") from None


@reaching
def conclude(folder: Path, names: Sequence[str]) -> None:
    """Leaves one file with all records in input order.

    Raises:
        OutputError: it cannot be written.
    """
    file, written = folder / RESULTS, parts(folder)
    if written or [record.get("name") for record in read_records(file)] != list(names):
        records = records_by_name(folder)
        write_records(file, [records[name] for name in names])
    for part in written:
        part.unlink()


def parts(folder: Path) -> list[Path]:
    """Returns the files of records that have not been made one yet."""
    if not on_disk(folder):
        # Other hosts write there, too.
        folder.fs.invalidate_cache(folder.path)  # pyright: ignore[reportAttributeAccessIssue]
    with contextlib.suppress(FileNotFoundError):
        return sorted(folder.glob("results-*.jsonl"))
    return []


def line_of(record: Mapping[str, Any]) -> str:
    """Returns a record as a line."""
    return json.dumps(record) + "\n"
