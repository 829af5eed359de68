"""Pages that are looked at in a browser, and how they are opened."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import WIDE, Browser, Opener, Page, watched
from run_folders import failed_record, make_large_run, make_run

from mgp_jax.report import pictures, write_page


@pytest.fixture
def show(browser: Browser) -> Iterator[Opener]:
    """Opens a page from its file; at the end there must be no complaint on the console."""
    # Pages are files: behind `file://` no other host may be named.
    with watched(browser, lambda url: "//" in url[7:], ("error", "warning")) as (new, _):

        def show(path: Path, size: tuple[int, int] = WIDE, **options: Any) -> Page:
            page = new(size, **options)
            page.goto(path.as_uri())
            return page

        yield show


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
