"""Runs over photographs with faces: stopped and gone on with, what is read, what is told."""

import contextlib
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from jobs import changed, make_job
from networks import untrained
from PIL import Image
from scenes import find_marks, marked
from separate import contents

from mgp_jax import Grayscale, Mask, Phase, Recipe
from mgp_jax.batch import Event, Input, Job, LoadedPhoto, load_input, run
from mgp_jax.batch.photos import drawn
from mgp_jax.errors import ImageError
from mgp_jax.faces import Face, finding
from mgp_jax.generators import DCGANConfig
from mgp_jax.images import MaskPicture, Reading
from mgp_jax.solve import Execution

# Two faces of one size, and one of another.
GROUP = ((12, 16, 23), (55, 18, 22), (95, 20, 12))


class Stop(BaseException):
    """Ends a run from within, as an interrupt does."""


@pytest.fixture(autouse=True)
def detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "default_detector", lambda: find_marks)


@pytest.fixture(scope="module")
def job() -> Job:
    generator = untrained(DCGANConfig(8, (8, 8, 4)), seed=1, name="small")
    recipe, execution = Recipe("test", (Phase(4),), codes=2), Execution(chunk=1)
    return make_job(
        generator, recipe, task="restore", faces="all", execution=execution, checkpoint_every=1
    )


@pytest.fixture
def photo(tmp_path: Path) -> Input:
    Image.fromarray(marked(130, 60, *GROUP)).save(tmp_path / "group.png")
    return Input(7, tmp_path / "group.png", "group")


def test_a_run_that_is_stopped_anywhere_ends_as_if_it_had_not_been(
    job: Job, photo: Input, tmp_path: Path
):
    def steps_of(out: Path, most: int) -> int:
        """Runs until so many steps are done, and returns how many were."""
        done = 0

        def on_event(event: Event) -> None:
            nonlocal done
            if event.progress is not None:
                done += 1
                if done > most:
                    raise Stop

        with contextlib.suppress(Stop):
            run(job, [photo.path], out, on_event)
        return done

    # A batch of two faces and one of one, of four steps each.
    assert steps_of(tmp_path / "whole", 99) == 8
    for most in (2, 6):
        out = tmp_path / f"stopped{most}"
        assert steps_of(out, most) == most + 1
        assert not (out / "results.jsonl").exists() and steps_of(out, 99) < 8
        assert contents(out) == contents(tmp_path / "whole")


def load(job: Job, photo: Input) -> LoadedPhoto:
    loaded = load_input(job, photo)
    assert isinstance(loaded, LoadedPhoto)
    return loaded


def test_each_face_is_an_input_of_its_own(job: Job, photo: Input):
    loaded = load(job, photo)
    assert [item.input.stem for item in loaded.items] == ["group-1", "group-2", "group-3"]
    # The first has the random numbers of its photograph.
    numbers = [item.input.number for item in loaded.items]
    assert numbers[0] == 7 and len(set(numbers)) == 3
    largest = load(dataclasses.replace(job, faces="largest"), photo)
    assert len(largest.items) == 1 and len(largest.others) == 2
    assert largest.notes[0].startswith("1 of 3 faces restored, of 37 pixels")
    np.testing.assert_array_equal(largest.items[0].observation, loaded.items[0].observation)


def test_notes_say_what_stays(job: Job, photo: Input):
    generator = job.inversion.split.generator
    gray = changed(job, generator, degradation=Grayscale())
    assert "the faces have colours now, the rest stays as it was" in load(gray, photo).notes
    missing = np.zeros((60, 130), bool)
    missing[12:, :50] = True
    mask = Mask.from_array(np.eye(32), "mask", MaskPicture("mask.png", missing))
    loaded = load(changed(job, generator, degradation=mask, faces=1), photo)
    note = loaded.notes[-1]
    assert note.endswith("of what is missing lies beside the faces and stays")
    # The square of the face is 37 pixels wide and ends 45 pixels from the top.
    assert abs(int(note.partition("%")[0]) - 100 * (1 - 37 * 33 / (48 * 50))) <= 4


def test_faces_from_the_side_are_named(job: Job, photo: Input, monkeypatch: pytest.MonkeyPatch):
    def narrowed(pixels: np.ndarray, smallest: int) -> list[Face]:
        """Marks whose eyes are near to each other, of all but the largest."""
        faces = find_marks(pixels, smallest)
        return [faces[0], *(squeezed(face) for face in faces[1:])]

    def squeezed(face: Face) -> Face:
        middle = (face.box[0] + face.box[2]) / 2
        points = tuple((middle + 0.6 * (x - middle), y) for x, y in face.points)
        return dataclasses.replace(face, points=points)

    assert not any("profile" in note for note in load(job, photo).notes)
    faces = narrowed(marked(130, 60, *GROUP), 0)
    monkeypatch.setattr("mgp_jax.batch.photos.find_faces", lambda photograph: faces)
    note = "in profile, which generators of faces know little of: face 2, 3"
    assert note in load(job, photo).notes


WRONG = {
    "tiny": (((10, 10, 9),), {}, "no face of at least 16 pixels is found"),
    "nobody": ((), {}, "no face is found; --faces none takes the central square"),
    "large": (GROUP, {"scale": 9}, "enlarged 9 times it has 631800 pixels, the limit is 300000"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_restored_is_one_clear_line(job: Job, tmp_path: Path, name: str):
    places, settings, message = WRONG[name]
    path = tmp_path / "photo.png"
    Image.fromarray(marked(130, 60, *places)).save(path)
    reading = Reading(max_pixels=300_000)
    with pytest.raises(ImageError) as caught:
        load_input(dataclasses.replace(job, reading=reading, **settings), Input(0, path, "photo"))
    assert str(caught.value).startswith(f"{path}: {message}") and "\n" not in str(caught.value)


def test_a_photograph_that_is_gone_when_it_is_written_is_a_record(
    job: Job, photo: Input, tmp_path: Path
):
    def on_event(event: Event) -> None:
        photo.path.unlink(missing_ok=True)

    (record,) = run(job, [photo.path], tmp_path / "out", on_event)
    assert record["status"] == "failed"
    assert record["error"] == f"{photo.path}: there is no such file"


def test_what_was_found_is_drawn():
    pixels = marked(130, 60, *GROUP)
    faces = find_marks(pixels, 0)
    white = Image.new("RGB", (65, 30), "white")
    picture = np.asarray(drawn(white, faces[:1], faces[1:], 0.5)).astype(int)
    green = (picture[..., 1] > picture[..., 0] + 50).nonzero()
    yellow = (picture[..., 0] > picture[..., 2] + 50).nonzero()
    # Half as large as in the photograph.
    assert green[1].max() < 23 < yellow[1].min() and yellow[1].max() < 57
    assert np.asarray(white).min() == 255
