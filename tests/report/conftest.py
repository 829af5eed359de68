"""Pages that are looked at in a browser, and how they are opened."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Opener
from chromium import WIDE, Browser, Page
from run_folders import failed_record, make_large_run, make_run

from mgp_jax.report import pictures, write_page


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


@pytest.fixture(scope="session")
def run_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images, the better the later; one failed, one diverged."""

    def change(records: list[dict[str, Any]]) -> None:
        records[3] = failed_record(3, "is <i>not</i> an image")
        records[5] |= {"status": "diverged", "error": "the loss became NaN"}

    return write_page(make_run(tmp_path_factory.mktemp("runs") / "run", 8, change))


@pytest.fixture(scope="session")
def large_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    patch = pytest.MonkeyPatch()
    patch.setattr(pictures, "EMBED_BYTES", 0)
    page = write_page(make_large_run(tmp_path_factory.mktemp("large") / "run", 1000))
    patch.undo()
    return page
