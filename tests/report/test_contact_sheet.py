from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from run_folders import failed_record, good_record, make_large_run, make_run, write_records

from mgp_jax.errors import MGPError
from mgp_jax.report import contact_sheet, tile, write_contact_sheet
from mgp_jax.report.contact_sheet import EMPTY, GAP, LARGEST_TILE, LINE, MARGIN


def plain(level: int, side: int = 4) -> np.ndarray:
    return np.full((side, side, 3), level, np.uint8)


def test_places_and_scale() -> None:
    checker = np.indices((4, 4)).sum(0)[..., None].astype(np.uint8) % 2 * 255
    sheet = contact_sheet([[checker, plain(50)], [plain(100), None]], ["a", "b"], scale=20)
    assert sheet.dtype == np.uint8 and sheet.shape[2] == 3
    assert sheet.shape[1] == 2 * MARGIN + 2 * 80 + GAP
    first = sheet[MARGIN : MARGIN + 80, MARGIN : MARGIN + 80]
    expected = np.kron(np.repeat(checker, 3, -1), np.ones((20, 20, 1), np.uint8))
    np.testing.assert_array_equal(first, expected)
    second = sheet[MARGIN : MARGIN + 80, MARGIN + 80 + GAP : MARGIN + 160 + GAP]
    assert (second == 50).all()
    top = MARGIN + 80 + LINE + GAP
    assert (sheet[top : top + 80, MARGIN : MARGIN + 80] == 100).all()
    assert (sheet[top : top + 80, MARGIN + 80 + GAP : MARGIN + 160 + GAP] == EMPTY).all()


def test_sizes_are_mixed() -> None:
    small, large = plain(10, 16), plain(200, 64)
    sheet = contact_sheet([[small, large]], ["x"])
    assert (sheet[MARGIN : MARGIN + 192, MARGIN : MARGIN + 192] == 10).all()  # enlarged 12 times
    left = MARGIN + 192 + GAP
    assert (sheet[MARGIN : MARGIN + 192, left : left + 192] == 200).all()


def test_large_images_are_reduced() -> None:
    sheet = contact_sheet([[plain(7, 1024)]], [""])
    assert sheet.shape[1] == 2 * MARGIN + 256
    assert (sheet[MARGIN : MARGIN + 256, MARGIN : MARGIN + 256] == 7).all()


def test_captions_are_drawn_and_cut() -> None:
    without = contact_sheet([[plain(9)]], [""], scale=50)
    short = contact_sheet([[plain(9)]], ["photo.png"], scale=50)
    long = contact_sheet([[plain(9)]], ["x" * 5000 + "\n日本\udcff"], scale=50)
    assert short.shape == without.shape == long.shape
    for sheet in (short, long):
        changed = np.argwhere((sheet != without).any(-1))
        assert len(changed) > 50 and changed[:, 0].min() >= MARGIN + 200
        assert changed[:, 1].max() < MARGIN + 200
    headed = contact_sheet([[plain(9)]], [""], scale=50, headings=["result"])
    assert headed.shape[0] == without.shape[0] + LINE


def test_long_sheets_continue_beside() -> None:
    sheet = contact_sheet([[plain(k)] for k in range(30)], ["c"] * 30, scale=40)
    assert sheet.shape[0] < 1.6 * sheet.shape[1] and sheet.shape[1] < 3 * sheet.shape[0]


@pytest.mark.parametrize("rows", [[], [[]], [[None, None]]])
def test_nothing_to_show(rows: list[list[np.ndarray | None]]) -> None:
    sheet = contact_sheet(rows, [""] * len(rows))
    assert sheet.ndim == 3 and min(sheet.shape[:2]) > 0


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="2 rows of images but 1 captions"):
        contact_sheet([[None], [None]], ["a"])
    with pytest.raises(ValueError, match="scale: 0"):
        contact_sheet([[plain(1)]], ["a"], scale=0)


def test_of_a_run(tmp_path: Path) -> None:
    def change(records: list[dict[str, Any]]) -> None:
        records[1] = failed_record(1)
        (tmp_path / "run" / records[2]["output"]).unlink()
        (tmp_path / "run" / records[3]["truth"]).write_bytes(b"no image")

    folder = make_run(tmp_path / "run", 4, change)
    path = write_contact_sheet(folder)
    assert path == folder / "contact_sheet.png"
    with Image.open(path) as sheet, Image.open(folder / "images/photo-0000.png") as result:
        assert sheet.mode == "RGB"
        left, top = MARGIN + 192 + GAP, MARGIN + LINE  # the second column of the first row
        shown = np.asarray(sheet)[top : top + 192 : 3, left : left + 192 : 3]
        np.testing.assert_array_equal(shown, np.asarray(result))


def test_of_a_large_run(tmp_path: Path) -> None:
    path = write_contact_sheet(make_large_run(tmp_path / "run", 300))
    with Image.open(path) as sheet:
        assert max(sheet.size) < 4000


def test_large_images_are_reduced_as_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    write_records(tmp_path / "run", [good_record(tmp_path / "run", 0, side=1024)])
    module, sizes = import_module("mgp_jax.report.contact_sheet"), []

    def fit(image: np.ndarray, side: int) -> Image.Image:
        sizes.append(image.shape)
        return Image.fromarray(image)

    monkeypatch.setattr(module, "_fit", fit)
    write_contact_sheet(tmp_path / "run")
    assert sizes == [(LARGEST_TILE, LARGEST_TILE, 3)] * 3


def test_of_an_empty_run(tmp_path: Path) -> None:
    assert write_contact_sheet(make_run(tmp_path / "run", 0)).exists()
    with pytest.raises(MGPError, match=r"holds no results\.jsonl"):
        write_contact_sheet(tmp_path)


def test_tile() -> None:
    images = np.arange(5, dtype=np.float32).reshape(5, 1, 1, 1) / 10 * np.ones((1, 2, 2, 3))
    grid = tile(images)
    assert grid.shape == (4, 6, 3)
    np.testing.assert_allclose(grid[::2, ::2, 0], [[0, 0.1, 0.2], [0.3, 0.4, -1]])
    np.testing.assert_array_equal(tile(images[:1]), images[0])
    assert tile(plain(9)[None].repeat(3, 0), columns=2)[-1, -1].tolist() == [0, 0, 0]
    with pytest.raises(MGPError, match="holds no images"):
        tile(images[:0])


def test_letters_that_are_not_english():
    """A font without them draws the same box for each."""
    row = [np.zeros((8, 8, 3), np.uint8)]
    sheets = [contact_sheet([row], [letter]) for letter in "üößżλя"]
    for number, sheet in enumerate(sheets):
        assert not any(np.array_equal(sheet, other) for other in sheets[:number])
