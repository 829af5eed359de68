"""How pages look in headless Chromium: broken and many images, colours, narrow screens."""

from pathlib import Path
from typing import Any

import pytest
from browsing import at, no_sideways_scroll
from chromium import PHONE, Opener
from run_folders import make_run

from mgp_jax.report import pictures, write_demo_page, write_page


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
    # Not the inner text: it is empty until the browser has laid a new tile out.
    best = page.locator(".tile .numbers").first.text_content()
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
