"""What commands have in common that first invert photographs, in the same folder."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import tyro

from mgp_jax.cli.common import Flag
from mgp_jax.cli.optimising import Optimising
from mgp_jax.errors import MGPError, SettingError
from mgp_jax.seeds import check_seed

if TYPE_CHECKING:
    import numpy as np

    from mgp_jax.batch import Placed, Record
    from mgp_jax.codes import Codes
    from mgp_jax.generators import Split
    from mgp_jax.inversion import Inversion


class Inverted(NamedTuple):
    """A photograph whose inversion could be read.

    Attributes:
        record: the record of its inversion.
        codes: its codes, those of the largest face where faces have been inverted.
        stem: name of its files.
        faces: the codes of all faces that have been inverted, the largest first.
        placed: where these belong; None without faces.
    """

    record: "Record"
    codes: "Codes"
    stem: str
    faces: "tuple[Codes, ...]" = ()
    placed: "Placed | None" = None


@dataclass(frozen=True)
class Source:
    """Where the codes that are edited come from.

    Attributes:
        split: what they are for.
        count: number of codes of each image.
        items: finds them, or records that say why there are none.
    """

    split: "Split"
    count: int
    items: "Callable[[], Iterator[Inverted | Record]]"


@dataclass(frozen=True, kw_only=True)
class Inverting(Optimising):
    """The options of all commands that first invert photographs.

    The inversion is what `mgp invert` does, in the same folder: what is there already is used.
    """

    recipe: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "edit"
    """How to invert; edit: with a prior that keeps the codes probable, so that edits stay
    meaningful; for others see `mgp invert`."""
    overwrite: Flag = False
    """Start anew if the folder holds such results with other settings: remove what they wrote,
    nothing else. The inversions stay."""

    def plan(self) -> "Inversion":
        """Returns how the photographs are inverted.

        Raises:
            SettingError: the method finds no codes.
        """
        from mgp_jax.degradations import Identity
        from mgp_jax.files import on_disk
        from mgp_jax.inversion import load
        from mgp_jax.methods import MULTI_CODE

        if not on_disk(self.out):
            raise SettingError(f"{self.out}: {self.name} works in a folder of the disk")
        check_seed(self.seed)
        inversion = self.resolve(load(self.generator, self.label), Identity())
        if inversion.method.enter is not MULTI_CODE.enter:
            raise SettingError(f"method {self.method}: its variables are no codes to go on with")
        return inversion

    def invert(
        self, inversion: "Inversion", argv: Sequence[str], faces: str | int | None = None
    ) -> "list[Record]":
        """Inverts what the output folder has no record of, and returns the inputs' records.

        Args:
            inversion: how.
            argv: what was typed.
            faces: which faces of the photographs are inverted; None for their central squares.
        """
        from mgp_jax.batch import Job, find_inputs

        if not self.inputs:
            raise SettingError("no input images are given")
        job = Job(
            task="invert",
            inversion=inversion,
            degradation=inversion.degradation,
            restarts=self.starts_of(inversion),
            batch_size=self.batch_size,
            note={"command": shlex.join(["mgp", *argv])},
            reading=self.reading,
            start=self.start_of(inversion),
            faces=faces,
        )
        # The folder may know more photographs than are asked for now.
        records = {record["name"]: record for record in self.restore(job)}
        given = find_inputs(self.inputs, self.out).given
        return [records[entry.stem] for entry in given]

    def region_of(self, path: Path, resolution: int) -> "np.ndarray":
        """Reads a region of the photographs: bool[H, W], true where the file is white.

        Raises:
            ImageError: the file cannot be used, or does not fit the photographs.
        """
        from mgp_jax.batch import find_inputs
        from mgp_jax.batch.job import require_fitting
        from mgp_jax.images import read_mask_picture

        picture = read_mask_picture(path)
        entries = find_inputs(self.inputs).entries
        require_fitting(picture, entries, resolution, self.reading)
        return picture.known(resolution)[..., 0] == 0

    def inverted(
        self, split: "Split", records: "Sequence[Record]"
    ) -> "Iterator[Inverted | Record]":
        """Yields what each input's codes are, or a record that says why there are none."""
        from mgp_jax.batch import load_codes, placed_in_given

        for record in records:
            if record.get("codes") is None:
                yield {k: record[k] for k in ("input", "status", "error")}
                continue
            faces = record.get("faces", ())
            files = [face["codes"] for face in faces] or [record["codes"]]
            try:
                codes = tuple(load_codes(self.out / file, split) for file in files)
            except MGPError as error:
                yield {"input": record["input"], "status": "failed", "error": str(error)}
                continue
            stem = record["name"] if faces else Path(record["codes"]).stem
            if faces:
                yield Inverted(record, codes[0], stem, codes, placed_in_given(record))
            else:
                yield Inverted(record, codes[0], stem)
