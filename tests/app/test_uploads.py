"""What visitors bring: images by content, limits, harmless names, no path of the server."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from odd_files import FILES, STRANGE, make_files
from PIL import Image

from mgp_jax.app import uploads
from mgp_jax.app.uploads import accept, enlarged_to, painted, safe_name
from mgp_jax.errors import ImageError

# Of one its central square is refused where that is taken, not here.
ALL = {name: case for name, case in (FILES | STRANGE).items() if name != "wide.png"}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pillow_heif")
    return make_files(tmp_path_factory.mktemp("odd") / "files", ALL)


@pytest.mark.parametrize("name", ALL)
def test_odd_files_are_taken_or_refused_in_one_sentence(odd: Path, tmp_path: Path, name: str):
    wrong = ALL[name][1]
    if wrong is None:
        taken = accept(odd / name, name, tmp_path / "photograph")
        assert taken.shown.shape == (taken.height, taken.width, 3)
        assert taken.file.read_bytes() == (odd / name).read_bytes()
        return
    with pytest.raises(ImageError, match=wrong) as caught:
        accept(odd / name, name, tmp_path / "photograph")
    told = str(caught.value)
    assert told.startswith(f"{name}: ") and str(odd) not in told and "\n" not in told


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("holiday.JPG", "holiday.jpg"),
        ("../../etc/passwd", "passwd.png"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("<img src=x onerror=alert(1)>.png", "_img src=x onerror=alert(1)_.png"),
        ("-rf.png", "rf.png"),
        ("a|b:c.png", "a_b_c.png"),
        (".hidden", "hidden.png"),
        ("", "image.png"),
        ("x." + "y" * 50, "x.png"),
        ("n" * 400 + ".png", "n" * 200 + ".png"),
        ("line\nbreak\0.png", "line_break_.png"),
    ],
)
def test_names_are_harmless(given: str, kept: str):
    assert safe_name(given) == kept


def test_what_is_shown_of_a_large_photograph_is_reduced(tmp_path: Path):
    Image.new("RGB", (3000, 1500), "red").save(tmp_path / "large.png")
    taken = accept(tmp_path / "large.png", "large.png", tmp_path / "photograph")
    assert (taken.width, taken.height, taken.shown.shape) == (3000, 1500, (512, 1024, 3))


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "bomb.png"
    Image.new("1", (8000, 7000)).save(path)
    assert path.stat().st_size < 100_000
    with pytest.raises(ImageError, match="too many pixels"):
        accept(path, "bomb.png", tmp_path / "photograph")
    monkeypatch.setattr(uploads, "MOST_BYTES", 2**20)
    path.write_bytes(b"0" * (2**20 + 1))
    with pytest.raises(ImageError, match=r"bomb\.png: has more than 1 MiB"):
        accept(path, "bomb.png", tmp_path / "photograph")


def test_links_are_no_uploads(tmp_path: Path):
    Image.new("RGB", (64, 64)).save(tmp_path / "secret.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(ImageError, match="not a file"):
        accept(tmp_path / "link.png", "link.png", tmp_path / "photograph")


def canvas(alpha: np.ndarray, kind: str = "PNG") -> str:
    file = io.BytesIO()
    Image.fromarray(np.stack([alpha] * 4, -1).astype(np.uint8)).save(file, kind)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def test_strokes():
    alpha = np.zeros((8, 6))
    alpha[2:4, 1] = 255
    alpha[5, 5] = 100
    found = painted(canvas(alpha))
    assert found is not None and np.argwhere(found).tolist() == [[2, 1], [3, 1]]
    assert painted("") is None and painted(None) is None and painted(canvas(0 * alpha)) is None
    large = enlarged_to(found, 12, 16)
    assert large is not None and large.shape == (16, 12) and large.sum() == 8
    assert np.argwhere(large).min(0).tolist() == [4, 2]


@pytest.mark.parametrize(
    "strokes",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "data:image/png;base64,%%%",
        "data:image/svg+xml;base64,PHN2Zz4=",
        canvas(np.ones((4, 4)), "GIF"),
        canvas(np.zeros((4, 2000))),
    ],
)
def test_other_strokes_are_refused(strokes: str):
    with pytest.raises(ImageError, match=r"^what is painted"):
        painted(strokes)
