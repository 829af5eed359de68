"""Faces and the photographs that they belong into, as the records of a run tell of them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mgp_jax.batch.folder import recorded_settings
from mgp_jax.batch.records import RESULTS, read_records
from mgp_jax.faces import Face
from mgp_jax.files import path_of
from mgp_jax.images import Reading, read_whole
from mgp_jax.portraits import put_back_faces, with_channels


class Placed(NamedTuple):
    """Where faces belong.

    Attributes:
        photograph: the file.
        faces: their places in it.
    """

    photograph: Path
    faces: tuple[Face, ...]

    def put_back(
        self, images: Iterable[Sequence[np.ndarray]], reading: Reading
    ) -> Iterator[np.ndarray]:
        """Puts images of the faces into the photograph.

        Args:
            images: of every photograph that is wanted float[R, R, C] in [-1, 1] for each face.
            reading: how image files are read.

        Returns: [H, W, C], each a photograph with the faces in it.

        Raises:
            ImageError: the photograph cannot be read.
        """
        photograph, _ = read_whole(self.photograph, reading)
        return (
            put_back_faces(with_channels(photograph, squares[0].shape[-1]), self.faces, squares)
            for squares in images
        )


def placed_in_given(record: dict[str, Any]) -> Placed:
    """Returns where the faces of a record belong in the photograph that was given."""
    return Placed(path_of(record["input"]), tuple(map(face_of, record["faces"])))


def placed_in_written(codes: Path) -> Placed | None:
    """Returns where a face belongs in the photograph that its run has written.

    Args:
        codes: the file of its codes, where the run has put it.

    Returns: None where no run with faces has written it.

    Raises:
        SettingError: what the run has told of itself is damaged.
    """
    folder = codes.parent.parent
    for record in read_records(folder / RESULTS):
        for told in record.get("faces") or ():
            if told.get("codes") == f"{codes.parent.name}/{codes.name}" and record.get("output"):
                face = face_of(told).moved(recorded_settings(folder).get("scale") or 1)
                return Placed(folder / record["output"], (face,))
    return None


def face_of(told: dict[str, Any]) -> Face:
    """Returns the face that a record tells of."""
    return Face(tuple(told["box"]), tuple(map(tuple, told["points"])), told["score"])
