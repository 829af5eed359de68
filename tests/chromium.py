"""Headless Chromium for tests of pages.

Needs the package `playwright` (of the extra `test`; its own browsers are not needed) and a Chromium
of the system. Without them the tests are skipped; where the environment says CI, they fail instead.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

try:
    from playwright.sync_api import Browser, Page, expect, sync_playwright
except ImportError:
    if os.environ.get("CI"):
        raise
    pytest.skip("the package playwright is not installed", allow_module_level=True)

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WIDE, PHONE = (1280, 900), (360, 740)
# Milliseconds that are waited for what is looked for: machines that test are slow.
PATIENCE = 60_000

__all__ = [
    "PATIENCE",
    "PHONE",
    "WIDE",
    "Browser",
    "Opener",
    "Page",
    "expect",
    "launched",
    "watched",
]

Opener = Callable[..., Page]


@contextmanager
def launched() -> Iterator[Browser]:
    """Starts the browser, or skips the test."""
    if CHROMIUM is None:
        reason = "Chromium is not installed"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}, but CI must run the browser tests")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def watched(
    browser: Browser,
    foreign: Callable[[str], bool],
    levels: tuple[str, ...] = ("error",),
) -> Iterator[tuple[Opener, list[str]]]:
    """Gives new pages, and the list of what they complain about, which must be empty in the end.

    Args:
        browser: where.
        foreign: says of an address that pages must not ask it for anything.
        levels: messages of the console that are complaints.
    """
    contexts, complaints = [], []
    expect.set_options(timeout=PATIENCE)

    def new(size: tuple[int, int] = WIDE, **options: Any) -> Page:
        viewport: Any = {"width": size[0], "height": size[1]}
        contexts.append(browser.new_context(viewport=viewport, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda m: complaints.append(m.text) if m.type in levels else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: complaints.append(r.url) if foreign(r.url) else None)
        return page

    yield new, complaints
    for context in contexts:
        context.close()
    assert complaints == []
