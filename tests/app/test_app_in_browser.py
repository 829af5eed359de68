"""The application in headless Chromium: what a visitor does from the first drop to the last tab.

See `chromium.py`; needs Gradio too.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from applications import Application
from chromium import PATIENCE, PHONE, WIDE, Browser, Opener, Page, expect, watched
from odd_files import FILES, STRANGE, make_files
from PIL import Image

from mgp_jax.app.uploads import safe_name


@pytest.fixture
def visit(application: Application, browser: Browser) -> Iterator[Opener]:
    """Opens the page; in the end nothing was complained about, and nobody else was asked."""
    own = (f"{application.address}/", "data:", "blob:")
    # Of warnings nothing: Gradio's own client warns of what it does not need.
    with watched(browser, lambda url: not url.startswith(own)) as (new, complaints):

        def visit(size: tuple[int, int] = WIDE, **options: Any) -> Page:
            page = new(size, **options)
            page.on(
                "response",
                lambda r: complaints.append(f"{r.status} {r.url}") if r.status > 399 else None,
            )
            page.goto(application.address)
            page.get_by_role("button", name="Restore", exact=True).wait_for()
            return page

        yield visit


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    y, x = np.mgrid[:40, :52] / 52
    pixels = np.stack([60 + 180 * x, 200 - 150 * y, 90 + 60 * x * y], -1).astype(np.uint8)
    path = tmp_path_factory.mktemp("photographs") / "my photo.png"
    Image.fromarray(pixels).save(path)
    return path


def bring(page: Page, path: Path) -> None:
    page.locator("#photograph input[type=file]").set_input_files(path)
    page.locator("#about .notice").get_by_text("pixels").wait_for()


def paint(page: Page, name: str = "holes") -> None:
    canvas = page.locator(f"#{name}-picture canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / 8, y + box["height"] / 8, steps=4)
    page.mouse.up()
    expect(page.locator(f"#{name}-strokes :is(textarea, input)")).to_have_value(
        re.compile("^data:image/png")
    )


def restore(page: Page) -> None:
    page.locator("#run").click()
    page.locator("#view .compare").wait_for()


def at(page: Page) -> float:
    value = page.locator("#view .compare").evaluate("e => e.style.getPropertyValue('--at')")
    return float((value or "50%").rstrip("%"))


def test_from_the_photograph_to_the_files(visit: Opener, photograph: Path, tmp_path: Path):
    page = visit()
    bring(page, photograph)
    expect(page.locator("#about")).to_contain_text("my photo.png: 52 x 40 pixels")
    page.get_by_label("gray").check()
    page.get_by_label("holes").check()
    paint(page)
    restore(page)

    # The divider goes by keys and by mouse.
    page.locator("#view .compare input").focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    assert at(page) == 45
    box = page.locator("#view .compare").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    assert 75 < at(page) < 85

    files = {}
    for link in page.locator("#view .download").all():
        with page.expect_download() as started:
            link.click()
        name = started.value.suggested_filename
        started.value.save_as(tmp_path / name)
        files[name] = tmp_path / name
    assert set(files) == {"my photo.png", "my photo.npz", "my photo-holes.png"}
    with Image.open(files["my photo.png"]) as image, Image.open(files["my photo-holes.png"]) as h:
        assert image.size == (32, 32) and h.size == (52, 40) and len(h.getcolors() or ()) == 2
    with np.load(files["my photo.npz"]) as codes:
        assert "alpha" in codes
    command = page.locator("#view code").inner_text()
    assert command.startswith("mgp restore 'my photo.png' --out 'my photo-restored' ")
    assert "'gray|mask:my photo-holes.png'" in command


def test_the_picture_changes_while_it_works(visit: Opener, photograph: Path):
    page = visit()
    bring(page, photograph)
    page.evaluate(
        """() => { window.seen = new Set(); new MutationObserver(() => {
            const image = document.querySelector('#view .running img');
            if (image) window.seen.add(image.src);
        }).observe(document.querySelector('#view'), {subtree: true, childList: true,
            attributes: true}); }"""
    )
    restore(page)
    assert page.evaluate("window.seen.size") >= 3


def test_editing_exploring_and_reports(visit: Opener, photograph: Path):
    page = visit()
    page.get_by_role("tab", name="Edit").click()
    page.locator("#edited").get_by_text("Restore a face first").wait_for()
    page.get_by_role("tab", name="Restore").click()
    bring(page, photograph)
    restore(page)
    page.get_by_role("tab", name="Edit").click()
    page.locator("#edited").get_by_text("not edited yet").wait_for()
    before = page.locator("#edited img").get_attribute("src")
    page.locator("#lever-0-0 input[type=range]").focus()
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    page.locator("#edited").get_by_text("preview").wait_for()
    assert page.locator("#edited img").get_attribute("src") != before
    page.locator("#full").click()
    page.locator("#edited .compare").wait_for()
    with page.expect_download() as started:
        page.locator("#edit-result .download").click()
    assert started.value.suggested_filename == "my photo.png"

    page.get_by_role("tab", name="Explore").click()
    page.locator("#explored img").nth(2).wait_for()
    first = page.locator("#explored img").nth(1).get_attribute("src")
    page.locator("#others").click()
    expect(page.locator("#explored img").nth(1)).not_to_have_attribute("src", first or "")
    page.locator("#codes").click()
    page.locator("#contributions").get_by_text("all together").wait_for()

    page.get_by_role("tab", name="Runs").click()
    report = page.frame_locator("#report iframe")
    report.get_by_role("heading").first.wait_for()
    assert "Restoration" in report.locator("h1").inner_text()


def test_stop_frees_the_slot(visit: Opener, photograph: Path):
    page = visit()
    bring(page, photograph)
    # Long enough to be stopped, however quick the machine is.
    page.get_by_text("More", exact=True).click()
    page.get_by_text("quality: better and slower").click()
    page.locator("#samples input[type=number]").fill("4")
    page.locator("#run").click()
    # What is clicked at once can reach the server before what it is to stop.
    page.locator("#view .notice, #view .running").first.wait_for()
    page.locator("#stop").click()
    expect(page.locator("#view")).to_contain_text("Stopped.")
    restore(page)


def test_a_closed_tab_frees_the_slot_and_its_files(
    visit: Opener, photograph: Path, application: Application
):
    leaving, staying = visit(), visit()
    bring(leaving, photograph)
    visitors = next(application.folder.glob("mgp-app-*/visitors"))
    bring(staying, photograph)
    leaving.locator("#run").click()
    leaving.locator("#view .notice, #view .running").first.wait_for()
    count = len(list(visitors.iterdir()))
    leaving.close()
    restore(staying)
    # The server learns of it by and by.
    deadline = time.monotonic() + PATIENCE / 1000
    while len(list(visitors.iterdir())) > count - 1 and time.monotonic() < deadline:
        staying.wait_for_timeout(250)
    assert len(list(visitors.iterdir())) <= count - 1


def test_two_at_once_get_their_own(visit: Opener, photograph: Path, tmp_path: Path):
    Image.new("RGB", (36, 36), (200, 30, 30)).save(tmp_path / "red.png")
    one, two = visit(), visit()
    bring(one, photograph)
    bring(two, tmp_path / "red.png")
    one.locator("#run").click()
    two.locator("#run").click()
    for page, name in ((one, "'my photo.png'"), (two, "red.png")):
        page.locator("#view .compare").wait_for()
        assert f"mgp restore {name} " in page.locator("#view code").inner_text()


def test_odd_files_end_in_one_sentence(visit: Opener, tmp_path: Path):
    page = visit()
    # By their names a browser takes two for no images, and does not offer them to the page.
    unknown = ("no name", "postscript.eps")
    files = {name: case for name, case in (FILES | STRANGE).items() if name not in unknown}
    for path in sorted(make_files(tmp_path / "files", files).iterdir()):
        page.locator("#photograph input[type=file]").set_input_files(path)
        name = safe_name(path.name)
        expect(page.locator("#about")).to_contain_text(name)
        told = page.locator("#about").inner_text()
        wrong = files[path.name][1] if path.name != "wide.png" else None
        assert "/" not in told
        assert (wrong or "pixels") in told


@pytest.mark.parametrize("by", ["button", "keys"])
def test_a_pasted_picture_is_taken(visit: Opener, by: str):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(40, 30);
            canvas.getContext("2d").fillRect(0, 0, 20, 30);
            const blob = await canvas.convertToBlob({type: "image/png"});
            await navigator.clipboard.write([new ClipboardItem({"image/png": blob})]);
        }"""
    )
    if by == "button":
        page.get_by_label("Paste from clipboard").click()
    else:
        page.keyboard.press("Control+v")
    expect(page.locator("#about")).to_contain_text("40 x 30 pixels")


def test_a_hostile_name_is_text(visit: Opener, tmp_path: Path):
    path = tmp_path / "<img src=x onerror=alert(1)>${1+1}{{value}}.png"
    Image.new("RGB", (32, 32), "blue").save(path)
    page = visit()
    page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    bring(page, path)
    assert page.locator("#about img").count() == 0
    assert "${1+1}{{value}}" in page.locator("#about").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_tab_fits(visit: Opener, size: tuple[int, int], scheme: str, photograph: Path):
    page = visit(size, color_scheme=scheme)
    bring(page, photograph)
    page.get_by_label("holes").check()
    page.locator("#holes-picture canvas").wait_for()
    for name in ("Restore", "Edit", "Explore", "Runs"):
        page.get_by_role("tab", name=name).click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    lightness = sum(int(part) for part in dark.strip("rgba()").split(",")[:3])
    assert (lightness < 200) == (scheme == "dark")


def test_painting_by_keys(visit: Opener, photograph: Path):
    page = visit()
    bring(page, photograph)
    page.get_by_label("holes").check()
    page.locator("#run").click()
    expect(page.locator("#view .problem")).to_contain_text("Paint over what is missing first")
    page.locator("#holes-picture canvas").focus()
    for key in ("ArrowUp", "ArrowUp", " ", "ArrowRight", " "):
        page.keyboard.press(key)
    restore(page)
