"""The demonstration on a generator that takes no time."""

from pathlib import Path

import numpy as np
import pytest
from networks import untrained
from PIL import Image

from mgp_jax import cli, demo
from mgp_jax.cli.common import Telling
from mgp_jax.degradations import kind_of
from mgp_jax.generators import DCGANConfig, Generator
from mgp_jax.images import read_image


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Generator:
    """Stands in for the generator of large faces; its previews are drawn at every chance."""
    generator = untrained(DCGANConfig(8, (8, 8, 4)), seed=1, name="small")
    monkeypatch.setattr(demo, "load_generator", lambda name: generator)
    monkeypatch.setattr(demo, "SECONDS_BETWEEN_PREVIEWS", 0)
    return generator


def test_parts_are_shown_as_they_come(
    small: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    previews = []
    write = demo.write_image

    def written(path: Path, image: np.ndarray) -> None:
        write(path, image)
        previews.append((path, image.shape))

    monkeypatch.setattr(demo, "write_image", written)
    out = tmp_path / "demo"
    assert cli.main(["demo", "--out", str(out)]) == cli.OK
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == str(out / "index.html")
    folders = {path.name for path in out.iterdir() if path.is_dir()} - {"thumbnails"}
    assert folders == {"colorize", "super-resolve", "inpaint"}
    assert len(list(out.glob("*/images/*.png"))) == 3
    # Something to look at while it runs, which is gone behind it.
    assert set(previews) == {(out / "preview.png", (32, 32, 3))} and len(previews) >= 3
    assert not (out / "preview.png").exists()
    page = (out / "index.html").read_text()
    assert all(name in page for name in folders)

    # What has been done is not done again, and there is more on request.
    previews.clear()
    assert cli.main(["demo", "--out", str(tmp_path / "all"), "--all", "--dry-run", "--json"]) == 0
    assert not (tmp_path / "all").exists()
    assert cli.main(["demo", "--out", str(out)]) == cli.OK
    assert not previews


def test_the_page_is_there_after_the_first_part(small: Generator, tmp_path: Path):
    steps = demo.run_demo(tmp_path, lambda label: Telling(quiet=True).reporter(label))
    command, record = next(steps)
    assert (command, record["status"]) == (demo.PARTS[0].command, "ok")
    assert demo.PARTS[0].command in (tmp_path / "index.html").read_text()


def test_degradations_fit_their_commands(small: Generator):
    kinds = {
        part.command: kind_of(demo.degradation_of(part, small)) for part in demo.PARTS + demo.REST
    }
    assert kinds == {
        "colorize": "colorization",
        "super-resolve": "super-resolution",
        "inpaint": "inpainting",
        "invert": "inversion",
        "denoise": "denoising",
        "edit": "inversion",
    }


def test_everything_ends_with_edits(small: Generator, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(demo, "DIRECTIONS", ("sefa:1", "sefa:2"))
    records = demo.run_demo(tmp_path, lambda label: Telling(quiet=True).reporter(label), True)
    assert [command for command, _ in records] == [p.command for p in demo.PARTS + demo.REST]
    strips = sorted((tmp_path / "edit" / "edits").glob("*.png"))
    assert [path.stem for path in strips] == ["sefa-1", "sefa-2"]
    with Image.open(strips[0]) as first, Image.open(strips[1]) as second:
        assert first.width > len(demo.STRENGTHS) * 32
        assert np.any(np.asarray(first) != np.asarray(second))
    page = (tmp_path / "index.html").read_text()
    assert '"directions"' in page and "sefa-2" in page


def test_the_hole_lies_over_an_eye(small: Generator):
    mask = demo.degradation_of(demo.PARTS[2], small)
    known = np.asarray(mask.known)[..., 0]  # pyright: ignore[reportAttributeAccessIssue]
    rows, columns = np.nonzero(known == 0)
    assert known.shape == (32, 32) and len(rows) == 36
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (12, 17, 9, 14)


@pytest.mark.parametrize("name", [demo.COLLINS, demo.HOPPER])
def test_the_portraits_are_cut_alike(name: str):
    path = Path(demo.__file__).parent / "assets" / name
    with Image.open(path) as picture:
        assert picture.size == (256, 256)
    assert np.std(read_image(path, 64)) > 0.1
