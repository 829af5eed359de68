"""The page in headless Chromium, see `chromium.py`."""

from pathlib import Path
from typing import Any

import pytest
from browsing import at, names
from chromium import PHONE, Opener
from run_folders import image, make_run

from mgp_jax.images import write_animation
from mgp_jax.report import write_page


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
