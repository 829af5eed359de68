"""The page in headless Chromium, see `chromium.py`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import PHONE, WIDE, Browser, Page
from run_folders import failed_record, image, make_large_run, make_run

from mgp_jax.images import write_animation
from mgp_jax.report import pictures, write_demo_page, write_page

Opener = Callable[..., Page]


@pytest.fixture
def show(browser: Browser) -> Iterator[Opener]:
    """Opens a page from its file; at the end there must be no complaint on the console."""
    contexts, complaints = [], []

    def show(path: Path, size: tuple[int, int] = WIDE, **options: Any) -> Page:
        viewport: Any = {"width": size[0], "height": size[1]}
        contexts.append(browser.new_context(viewport=viewport, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        page.on(
            "console",
            lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: complaints.append(r.url) if "//" in r.url[7:] else None)
        page.goto(path.as_uri())
        return page

    show.complaints = complaints  # type: ignore[attr-defined]
    yield show
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def run_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images, the better the later; one failed, one diverged."""

    def change(records: list[dict[str, Any]]) -> None:
        records[3] = failed_record(3, "is <i>not</i> an image")
        records[5] |= {"status": "diverged", "error": "the loss became NaN"}

    return write_page(make_run(tmp_path_factory.mktemp("runs") / "run", 8, change))


@pytest.fixture(scope="module")
def large_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    patch = pytest.MonkeyPatch()
    patch.setattr(pictures, "EMBED_BYTES", 0)
    page = write_page(make_large_run(tmp_path_factory.mktemp("large") / "run", 1000))
    patch.undo()
    return page


def names(page: Page) -> list[str]:
    """The numbers of the photographs that are shown, in order."""
    # Not the inner text: it is empty until the browser has laid a new tile out.
    texts = (text.strip() for text in page.locator(".host .open").all_text_contents())
    return [text.removeprefix("photo-").removesuffix(".jpg").lstrip("0") or "0" for text in texts]


def at(page: Page, frame: str) -> float:
    """Where the divider of a comparison is, in percent."""
    value = page.locator(frame).first.evaluate("e => e.style.getPropertyValue('--at')")
    return float(value.rstrip("%"))


def no_sideways_scroll(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_slider_by_mouse(show: Opener, run_page: Path) -> None:
    page = show(run_page)
    frame = page.locator(".tile .compare").first
    frame.scroll_into_view_if_needed()
    assert at(page, ".tile .compare") == 50
    box = frame.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, middle, steps=4)
    assert at(page, ".tile .compare") == pytest.approx(25, abs=1)
    page.mouse.move(box["x"] - 300, middle + 200)  # held outside of the frame
    assert at(page, ".tile .compare") == 0
    page.mouse.up()
    page.mouse.move(box["x"] + box["width"] * 0.9, middle)
    assert at(page, ".tile .compare") == 0
    result = frame.locator("img.over")
    assert result.evaluate("e => getComputedStyle(e).clipPath") == "inset(0px 0px 0px 0%)"


def test_slider_by_keyboard(show: Opener, run_page: Path) -> None:
    page = show(run_page)
    slider = page.get_by_role("slider", name="Observation and result of photo-0000.jpg")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert at(page, ".tile .compare") == 52
    page.keyboard.press("End")
    assert at(page, ".tile .compare") == 100
    assert slider.get_attribute("aria-valuetext") == "100 % observation"
    page.keyboard.press("Home")
    assert at(page, ".tile .compare") == 0
    outline = page.locator(".tile .two").first.evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"


def test_slider_by_touch(show: Opener, run_page: Path) -> None:
    page = show(run_page, PHONE, has_touch=True, is_mobile=True)
    frame = page.locator(".tile .compare").first
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] * 0.8, box["y"] + 40)
    assert at(page, ".tile .compare") == pytest.approx(80, abs=2)
    assert frame.evaluate("e => getComputedStyle(e).touchAction") == "pan-y pinch-zoom"


def test_sorting(show: Opener, run_page: Path) -> None:
    page = show(run_page)
    assert names(page) == list("01234567")
    sort = page.get_by_label("Sort", exact=True)
    sort.select_option(label="PSNR, highest first")
    assert names(page) == list("76542103")  # what has no value comes last
    sort.select_option(label="PSNR, lowest first")
    assert names(page) == list("01245673")
    sort.select_option(label="LPIPS, lowest first")
    assert names(page) == list("76542103")
    sort.select_option(label="input order")
    assert names(page) == list("01234567")


def test_sorting_the_table(show: Opener, run_page: Path) -> None:
    page = show(run_page)
    page.get_by_label("Table", exact=True).check()
    head = page.get_by_role("columnheader", name="PSNR (dB)")
    assert head.get_attribute("aria-sort") == "none"
    head.get_by_role("button").click()
    assert names(page) == list("76542103")
    assert head.get_attribute("aria-sort") == "descending"
    page.keyboard.press("Enter")  # the focus is still there
    assert names(page) == list("01245673")
    assert head.get_attribute("aria-sort") == "ascending"
    assert page.get_by_label("Sort", exact=True).input_value() == "psnr|up"
    row = page.get_by_role("row").nth(1)
    assert [cell.strip() for cell in row.get_by_role("cell").all_inner_texts()] == [
        *("1", "20.00", "0.500", "0.400", "200", "1.5\xa0s", "ok"),
    ]


def test_filters(show: Opener, run_page: Path) -> None:
    page = show(run_page)
    page.get_by_label("Find").fill("PHOTO-0003")
    assert names(page) == ["3"]
    page.get_by_label("Find").fill("nowhere")
    assert page.get_by_text("No image fits the filter.").is_visible()
    page.get_by_label("Find").fill("")
    page.get_by_label("Status").select_option("diverged")
    assert names(page) == ["5"]
    page.get_by_label("Status").select_option("")
    low, high = page.get_by_label("Filter from"), page.get_by_label("Filter to")
    assert low.is_disabled()
    page.get_by_label("Metric to filter by").select_option("psnr")
    low.fill("20.02")
    assert names(page) == list("24567")
    high.fill("20.05")
    assert names(page) == list("245")
    assert page.locator(".note").inner_text() == "3 of 8 images"
    page.get_by_label("Metric to filter by").select_option("")
    assert len(names(page)) == 8


def test_failures_are_told(show: Opener, run_page: Path) -> None:
    page = show(run_page)
    problems = page.locator("details", has_text="Problems: 1 failed, 1 diverged")
    assert problems.get_by_text("is <i>not</i> an image").is_visible()
    tile = page.locator(".tile", has_text="photo-0003.jpg")
    assert tile.get_by_role("img", name="No result. is <i>not</i> an image").is_visible()
    assert tile.get_by_text("failed", exact=True).is_visible()
    problems.get_by_role("button", name="Show only failed").click()
    assert names(page) == ["3"]


def test_viewer_by_keyboard(show: Opener, run_page: Path) -> None:
    page = show(run_page)
    page.get_by_label("Sort", exact=True).select_option("psnr|down")
    opener = page.get_by_role("button", name="photo-0007.jpg")
    opener.focus()
    page.keyboard.press("Enter")
    viewer = page.get_by_role("dialog")
    assert viewer.get_by_role("heading").inner_text() == "photo-0007.jpg"
    assert viewer.get_by_text("1 of 8").is_visible()
    page.keyboard.press("ArrowRight")
    assert viewer.get_by_role("heading").inner_text() == "photo-0006.jpg"
    viewer.get_by_role("button", name="Next image").click()
    page.keyboard.press("ArrowRight")
    assert viewer.get_by_role("heading").inner_text() == "photo-0004.jpg"
    # In the slider the arrows move the divider and do not leave the image.
    viewer.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    assert at(page, ".viewer .compare") == 52
    assert viewer.get_by_role("heading").inner_text() == "photo-0004.jpg"
    page.keyboard.press("Escape")
    assert not viewer.is_visible()
    assert opener.evaluate("e => e === document.activeElement")


def test_viewer_shows_all_of_an_image(show: Opener, run_page: Path) -> None:
    page = show(run_page)
    page.get_by_role("button", name="photo-0001.jpg").click()
    viewer = page.get_by_role("dialog")
    captions = viewer.locator(".strip figcaption").all_inner_texts()
    assert [text.split("\n")[0] for text in captions] == [
        *("Observation", "Result", "Truth", "Uncertainty"),
    ]
    loss = viewer.get_by_role("img", name="Loss of photo-0001.jpg: 1.01 at step 1")
    psnr = viewer.get_by_role("img", name="PSNR to the observation of photo-0001.jpg")
    assert loss.locator("path").count() == psnr.locator("path").count() == 1
    viewer.get_by_label("Truth", exact=True).check()
    assert viewer.get_by_role("slider", name="Truth and result of photo-0001.jpg").is_visible()
    loaded = "es => Promise.all(es.map((e) => e.decode().then(() => e.naturalWidth)))"
    assert viewer.locator("img").evaluate_all(loaded) == [64, 64, 16, 64, 64, 64]
    rendering = "e => getComputedStyle(e).imageRendering"
    assert viewer.locator(".stage img").first.evaluate(rendering) == "pixelated"


def test_trajectories_move(show: Opener, tmp_path: Path) -> None:
    def change(records: list[dict[str, Any]]) -> None:
        (tmp_path / "trajectories").mkdir()
        write_animation(tmp_path / "trajectories" / "way.gif", [image(0), image(1)])
        records[0]["trajectory"] = "trajectories/way.gif"

    page = show(write_page(make_run(tmp_path, 1, change)))
    moving = page.get_by_role("img", name="Trajectory of photo-0000.jpg")
    assert moving.evaluate("e => e.decode().then(() => e.naturalWidth)") == 64
    assert (moving.get_attribute("src") or "").startswith("data:image/gif")


def test_curves_of_all_images(show: Opener, run_page: Path) -> None:
    page = show(run_page)
    assert page.locator("details .chart").count() == 0  # drawn when asked for
    page.get_by_text("Curves of all images").click()
    page.get_by_role("img", name="Loss of 7 images over 200 steps").wait_for()
    assert page.locator("details .chart").first.locator("path").count() == 7


def test_settings_and_copying_the_command(show: Opener, run_page: Path) -> None:
    page = show(run_page, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_text("Settings, versions and how to run this again").click()
    page.get_by_role("row", name="generator faces64").wait_for()
    assert page.get_by_role("row", name="jax 0.10.2", exact=True).is_visible()
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied").or_(page.get_by_text("Selected;")).wait_for()


def test_broken_images_show_a_placeholder(
    show: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "EMBED_BYTES", 0)

    def change(records: list[dict[str, Any]]) -> None:
        (tmp_path / "run" / records[0]["output"]).unlink()

    folder = make_run(tmp_path / "run", 4, change)
    page_path = write_page(folder)
    # Whole when the page was written, damaged later: only the browser can find that out.
    damaged = folder / "images/photo-0001.png"
    damaged.write_bytes(damaged.read_bytes()[:40])
    page = show(page_path)
    missing = "Result not shown. images/photo-0000.png: the file is missing"
    broken = "Result not shown. images/photo-0001.png: the image cannot be loaded"
    for name in (missing, broken):
        page.get_by_role("img", name=name).scroll_into_view_if_needed()
        assert page.get_by_role("img", name=name).is_visible()
    # The slider of such a pair still works, and its neighbours are whole.
    page.get_by_role("slider").first.focus()
    page.keyboard.press("End")
    assert at(page, ".tile .compare") == 100
    whole = page.get_by_role("img", name="Result of photo-0002.jpg", exact=True)
    whole.scroll_into_view_if_needed()
    assert whole.evaluate("e => e.decode().then(() => e.naturalWidth)") == 64


def test_hostile_names_stay_text(show: Opener, tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=document.title='hit'>"

    def change(records: list[dict[str, Any]]) -> None:
        records[0] |= {"input": evil, "status": "failed", "error": evil, "output": None}
        records[1] |= {"input": f"/a/{evil}", "status": evil}

    page = show(write_page(make_run(tmp_path / "run", 4, change), title=evil))
    page.get_by_label("Table", exact=True).check()
    page.locator(".open").first.click()
    assert page.title() == evil
    assert page.locator("img[src=x]").count() == 0
    assert page.get_by_role("heading", level=1).inner_text() == evil


def test_thousand_images(show: Opener, large_page: Path) -> None:
    page = show(large_page)
    tiles = page.locator(".tile")
    first = tiles.count()
    assert 60 <= first <= 180  # only what is near
    loading = "performance.getEntriesByType('navigation')[0].domComplete"
    assert page.evaluate(loading) < 10_000
    page.get_by_role("button", name="Show more").scroll_into_view_if_needed()
    tiles.nth(first).wait_for()
    page.get_by_label("Status").select_option("failed")
    assert tiles.count() == 20
    page.get_by_label("Status").select_option("")
    page.get_by_label("Small", exact=True).check()
    page.get_by_label("Sort", exact=True).select_option(label="PSNR, highest first")
    best = page.locator(".tile .numbers").first.inner_text()
    assert best == "29.60\xa0dB"
    assert tiles.count() >= 60


def test_everything_can_be_reached_by_button(show: Opener, large_page: Path) -> None:
    page = show(large_page)
    page.get_by_label("Find").fill("photo-00")  # 100 images, so two portions
    for _ in range(3):
        button = page.locator("button.more")
        if button.is_visible():
            button.press("Enter")
    assert page.locator(".tile").count() == 100
    assert not page.locator("button.more").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_and_are_readable(
    show: Opener, run_page: Path, scheme: str
) -> None:
    page = show(run_page, color_scheme=scheme)
    luminance = """e => {
      const s = getComputedStyle(e);
      let at = e, ground = 'rgba(0, 0, 0, 0)';
      while (ground === 'rgba(0, 0, 0, 0)' && at) {
        ground = getComputedStyle(at).backgroundColor;
        at = at.parentElement;
      }
      const level = (text) => {
        const parts = text.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255);
        const [r, g, b] = parts.map(
          (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      return [level(s.color), level(ground)];
    }"""
    text, ground = page.locator("body").evaluate(luminance)
    assert (text > ground) == (scheme == "dark")
    places = ("h1", ".overview", ".note", ".badge.failed", ".badge.diverged", ".open", "dt")
    for place in (*places, ".choice input:checked + span", "summary", ".reason", "select"):
        a, b = page.locator(place).first.evaluate(luminance)
        contrast = (max(a, b) + 0.05) / (min(a, b) + 0.05)
        assert contrast >= 4.5, place


@pytest.mark.parametrize("width", [320, 360, 768])
def test_narrow_pages_do_not_scroll_sideways(show: Opener, run_page: Path, width: int) -> None:
    page = show(run_page, (width, 740))
    for summary in page.locator("main > section > details > summary").all():
        if not summary.evaluate("e => e.parentElement.open"):
            summary.click()
    assert no_sideways_scroll(page)
    for view in ("Small", "Table", "Tiles"):
        page.get_by_label(view, exact=True).check()
        assert no_sideways_scroll(page)
    page.locator(".open").first.click()
    assert no_sideways_scroll(page)
    body = page.locator(".viewer .body")
    assert body.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_long_names_do_not_widen_the_page(show: Opener, tmp_path: Path) -> None:
    def change(records: list[dict[str, Any]]) -> None:
        for record in records:
            record["input"] = "/" + "directory" * 20 + "/" + "name" * 40 + ".jpg"
        records[0] |= {"status": "failed", "error": "e" * 500, "output": None}

    for count in (2, 5):
        page = show(write_page(make_run(tmp_path / str(count), count, change)), PHONE)
        assert no_sideways_scroll(page)


def test_single_image_is_shown_in_full(show: Opener, tmp_path: Path) -> None:
    page = show(write_page(make_run(tmp_path / "run", 1)))
    assert page.locator(".toolbar").count() == 0
    assert page.get_by_role("slider").count() == 1
    assert page.get_by_role("img", name="Loss of photo-0000.jpg").is_visible()
    page.get_by_label("Truth", exact=True).check()
    assert page.get_by_role("slider", name="Truth and result").is_visible()


def test_empty_run(show: Opener, tmp_path: Path) -> None:
    page = show(write_page(make_run(tmp_path / "run", 0)))
    assert page.get_by_text("This run has no results.").is_visible()
    assert page.get_by_text("mgp super-resolve /photographs").is_visible()


def test_page_of_several_runs(show: Opener, tmp_path: Path) -> None:
    runs = [(name, make_run(tmp_path / name, n)) for name, n in (("One", 1), ("Two", 5))]
    page = show(write_demo_page(tmp_path, runs), PHONE)
    assert no_sideways_scroll(page)
    assert page.get_by_role("heading", level=2).all_inner_texts() == ["One", "Two"]
    page.get_by_role("navigation").get_by_role("link", name="Two").click()
    second = page.get_by_role("region", name="Two")
    second.get_by_label("Find").fill("photo-0002")
    assert second.locator(".tile").count() == 1
    page.get_by_role("button", name="photo-0002.jpg").click()
    assert page.get_by_role("dialog").get_by_role("heading").inner_text() == "photo-0002.jpg"
