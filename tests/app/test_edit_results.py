"""The shown command makes the same picture as the sliders; faces go back into their photograph."""

import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenes import find_marks, marked

from mgp_jax import cli
from mgp_jax.app import wishes
from mgp_jax.app.edit_results import EditResult, write_edit
from mgp_jax.app.editing import Edits
from mgp_jax.app.restoring import Restored
from mgp_jax.app.service import Service
from mgp_jax.app.uploads import accept
from mgp_jax.app.visitors import UPLOAD
from mgp_jax.app.wishes import Wish
from mgp_jax.faces import finding
from mgp_jax.images import read_whole

HALF = np.zeros((16, 16), bool)
HALF[:8] = True


@pytest.fixture(autouse=True)
def detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faces are marks, which the generator is said to draw."""
    monkeypatch.setattr(finding, "default_detector", lambda: find_marks)
    monkeypatch.setattr(wishes, "draws_aligned_faces", lambda what: True)


def restored(service: Service, tmp_path: Path, faces: str) -> Restored:
    Image.fromarray(marked(140, 140, (20, 10, 24), (90, 30, 16))).save(tmp_path / "a.png")
    visitor = service.visitors.find(str(tmp_path))
    photograph = accept(tmp_path / "a.png", "my photo.png", visitor.folder / UPLOAD)
    wish = Wish(next(iter(service.generators)), photograph.file, {"gray": None}, faces=faces)
    *_, last = service.restoring(visitor, wish)
    assert isinstance(last, Restored)
    return last


def drawn(service: Service, run: Restored, place: int, edits: Edits) -> EditResult:
    face = service.faces.find(run.codes[place], service.generator(run.wish.generator))
    return write_edit(run, place, edits, face.edited(edits))


@pytest.mark.parametrize(
    ("faces", "edits"),
    [
        ("none", Edits({"sefa:1": 0.0, "sefa:2": -1.5}, region=HALF)),
        ("all", Edits({"sefa:1": 2.0})),
    ],
)
def test_the_command_makes_the_same_picture(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faces: str, edits: Edits
):
    run = restored(service, tmp_path, faces)
    result = drawn(service, run, len(run.codes) - 1, edits)
    # What the command of the restoration leaves, and what is offered beside the picture.
    shutil.copytree(run.folder, tmp_path / run.folder.name)
    if result.region is not None:
        shutil.copy(result.region, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert result.command is not None
    program, *words = shlex.split(shlex.join(result.command))
    assert program == "mgp" and cli.main([*words, "--quiet"]) == cli.OK
    frames = sorted(Path("my photo-edited", "edits").glob("*/frames/*.png"))
    first, last = (read_whole(path)[0] for path in frames)
    ours = read_whole(result.photograph or result.face)[0]
    moved, still = (first, last) if min(edits.strengths.values()) < 0 else (last, first)
    np.testing.assert_array_equal(ours, moved)
    assert (ours != still).any() and (result.photograph is None) == (faces == "none")
    assert str(service.folder) not in " ".join(result.command)


def test_of_several_directions_there_is_no_command(service: Service, tmp_path: Path):
    run = restored(service, tmp_path, "none")
    assert drawn(service, run, 0, Edits({"sefa:1": 1.0, "sefa:2": 1.0})).command is None
    assert drawn(service, run, 0, Edits({"sefa:1": 0.0})).command is None
    layers = drawn(service, run, 0, Edits({"sefa:1": 0.1 + 0.2})).command
    assert layers is not None and "--range=0:0.3" in layers
