"""A wish is the run of a command: the one that is shown makes the same image and the same codes."""

import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mgp_jax import cli
from mgp_jax.app.restoring import Restored, Step, restore
from mgp_jax.app.uploads import READING, accept
from mgp_jax.app.wishes import Wish, faces_choices, job_of, prepare
from mgp_jax.app.worker import CancelledError, Ticket, Worker
from mgp_jax.errors import MGPError, SettingError
from mgp_jax.generators import Generator, load_generator
from mgp_jax.images import read_whole


@pytest.fixture(scope="module")
def generator(weights: Path) -> Generator:
    return load_generator(weights)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


@pytest.fixture
def wish(tmp_path: Path, weights: Path) -> Wish:
    """A photograph that is no square, with a name that a shell could take amiss."""
    y, x = np.mgrid[:20, :26] / 26
    pixels = np.stack([200 * x, 250 * y, 100 + 0 * x], -1).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "upload.png")
    photograph = accept(tmp_path / "upload.png", "my $photo.png", tmp_path / "photograph")
    return Wish(str(weights), photograph.file)


Restore = Callable[..., Restored]


@pytest.fixture
def run(worker: Worker, generator: Generator, tmp_path: Path) -> Restore:
    def run(wish: Wish, told: list[Any] | None = None) -> Restored:
        folder = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        wish = replace(wish, input=Path(shutil.copy(wish.input, folder)))
        ticket = worker.submit(lambda t: restore(wish, generator, folder, READING, t), "me")
        for news in ticket.watch():
            if told is not None:
                told.append(news)
        return ticket.result()

    return run


HOLE = np.zeros((20, 26), bool)
HOLE[8:12, 10:14] = True
WISHES: dict[str, dict[str, Any]] = {
    "nothing wrong": {},
    "small": {"faults": {"small": 4}},
    "blurred, with holes": {"faults": {"blurred": 1, "jpeg": 30}, "holes": HOLE},
    "holes": {"holes": HOLE},
    "all at once": {"faults": {"gray": None, "small": 2, "noisy": 0.1}, "holes": HOLE, "seed": 3},
    "estimated": {"faults": {"auto": None}},
    "answers": {"faults": {"gray": None}, "samples": 2, "recipe": "quality"},
}


@pytest.mark.parametrize("settings", WISHES.values(), ids=list(WISHES))
def test_the_command_does_the_same(
    settings: dict[str, Any],
    wish: Wish,
    run: Restore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    restored = run(replace(wish, **settings))
    # Where the visitor has the photograph, and what was written for it.
    home = tmp_path / "home"
    home.mkdir()
    for file in (wish.input, *restored.prepared.written):
        (home / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(home)
    program, *words = shlex.split(restored.command)
    assert program == "mgp" and cli.main([*words, "--quiet"]) == cli.OK
    out = home / words[words.index("--out") + 1]
    ours, theirs = (read_whole(f / restored.record["output"])[0] for f in (restored.folder, out))
    np.testing.assert_array_equal(ours, theirs)
    assert len(restored.answers) == (settings.get("samples", 1) if "samples" in settings else 0)
    (codes,) = restored.codes
    with np.load(codes) as mine, np.load(out / restored.record["codes"]) as other:
        assert set(mine) == set(other)
        for name in mine:
            np.testing.assert_array_equal(mine[name], other[name], err_msg=name)
    assert (restored.folder / "index.html").exists()
    assert str(tmp_path) not in restored.command
    # Its pages tell nothing of the server's folders.
    for name in ("index.html", "settings.json", "results.jsonl"):
        text = (restored.folder / name).read_text()
        assert str(tmp_path) not in text.replace(wish.generator, "")


def test_known_pixels_stay_and_holes_are_filled(wish: Wish, run: Restore):
    wish = replace(wish, holes=HOLE)
    restored = run(wish)
    image = read_whole(restored.folder / restored.record["output"])[0]
    seen = read_whole(restored.folder / restored.record["observation"])[0]
    missing = read_whole(restored.folder / restored.record["mask"])[0][..., 0] > 0
    assert 9 <= missing.sum() <= 25
    np.testing.assert_array_equal(image[~missing], seen[~missing])
    assert (seen[missing] == 128).all() and (image[missing] != 128).any()


def test_a_picture_that_changes_while_it_works(wish: Wish, run: Restore):
    told: list[Step] = []
    restored = run(replace(wish, faults={"gray": None}, recipe="fast"), told)
    steps = [news for news in told if isinstance(news, Step) and news.steps]
    assert steps and steps[-1].step == steps[-1].steps == restored.record["steps"]
    assert all(news.picture.startswith("data:image/jpeg;base64,") for news in steps)
    assert all(news.seconds_left is None or news.seconds_left >= 0 for news in steps)
    assert steps[-1].seconds_left in (0, None)


def test_stopping_removes_what_was_written(
    wish: Wish, worker: Worker, generator: Generator, tmp_path: Path
):
    folder = tmp_path / "stopped"
    folder.mkdir()

    def task(ticket: Ticket) -> Restored:
        ticket.cancel()
        return restore(wish, generator, folder, READING, ticket)

    with pytest.raises(CancelledError):
        worker.submit(task, "me").result()
    worker.submit(lambda _: None, "me").result()
    assert not folder.exists() and wish.input.exists()


def test_what_cannot_be_used_is_said(
    wish: Wish, worker: Worker, generator: Generator, tmp_path: Path, run: Restore
):
    Image.new("RGB", (200, 10)).save(tmp_path / "strip.png")
    with pytest.raises(MGPError, match="too far from a square"):
        run(replace(wish, input=tmp_path / "strip.png"))
    # This generator does not say that it draws aligned faces.
    assert faces_choices(generator) == ("none",)
    prepared = prepare(wish, generator, tmp_path, READING)
    blurred = replace(wish, faults={"blurred": 1}, holes=HOLE, faces="largest")
    with pytest.raises(SettingError, match="choose the central square"):
        prepare(blurred, generator, tmp_path, READING)
    for beside in ({"faults": {"auto": None, "gray": None}}, {"holes": HOLE}):
        with pytest.raises(SettingError, match="estimated, or told"):
            told = replace(wish, **({"faults": {"auto": None}} | beside))
            prepare(told, generator, tmp_path, READING)
    for faces in ("largest", "2", "all"):
        with pytest.raises(SettingError, match="draws no faces"):
            job_of(replace(wish, faces=faces), generator, prepared, READING, "")
