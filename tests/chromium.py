"""Headless Chromium for tests of pages.

Needs the package `playwright` (of the extra `test`; its own browsers are not needed) and a Chromium
of the system. Without them the tests are skipped; where the environment says CI, they fail instead.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

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

__all__ = ["PHONE", "WIDE", "Browser", "Page", "expect", "launched"]


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
