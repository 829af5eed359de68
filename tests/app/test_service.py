"""From a wish to a result that a visitor keeps, and what the page says of errors."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from mgp_jax.app.restoring import Restored, Step
from mgp_jax.app.service import Service
from mgp_jax.app.uploads import accept
from mgp_jax.app.visitors import UPLOAD, Visitor
from mgp_jax.app.wishes import Wish
from mgp_jax.app.worker import CancelledError
from mgp_jax.errors import MGPError, SettingError


@pytest.fixture
def visitor(service: Service, request: pytest.FixtureRequest) -> Visitor:
    return service.visitors.find(request.node.name)


@pytest.fixture
def wish(service: Service, visitor: Visitor, tmp_path: Path) -> Wish:
    Image.fromarray(np.full((20, 20, 3), 90, np.uint8)).save(tmp_path / "a.png")
    photograph = accept(tmp_path / "a.png", "photo.png", visitor.folder / UPLOAD)
    return Wish(next(iter(service.generators)), photograph.file, {"gray": None})


def test_the_photograph_may_be_replaced_meanwhile(service: Service, visitor: Visitor, wish: Wish):
    news = service.restoring(visitor, wish)
    first = next(news)
    wish.input.unlink()
    *between, last = news
    assert isinstance(last, Restored) and last.record["status"] == "ok"
    assert all(isinstance(item, int | Step) for item in (first, *between))
    assert list(visitor.runs.values()) == [last] and last.folder.is_dir()


def test_who_stops_listening_leaves_nothing(service: Service, visitor: Visitor, wish: Wish):
    news = service.restoring(visitor, wish)
    next(news)
    cast(Any, news).close()
    # Behind it in line, so that it has ended.
    service.worker.submit(lambda _: None, "somebody").result()
    assert [path.name for path in visitor.folder.iterdir()] == [UPLOAD]
    assert not visitor.runs


def test_what_cannot_be_used_leaves_nothing(service: Service, visitor: Visitor, wish: Wish):
    with pytest.raises(SettingError, match="no such generator"):
        list(service.restoring(visitor, replace(wish, generator="faces64")))
    with pytest.raises(MGPError, match=r"photo\.png"):
        wish.input.write_text("no image")
        list(service.restoring(visitor, wish))
    assert [path.name for path in visitor.folder.iterdir()] == [UPLOAD]


def test_errors_are_one_sentence_without_folders(
    service: Service, visitor: Visitor, caplog: pytest.LogCaptureFixture
):
    path = visitor.folder / "photo-2" / "photo.png"
    path.parent.mkdir(parents=True)
    told = service.said(MGPError(f"{path}: is\nwrong in {service.folder}/x"), visitor)
    assert told == "photo.png: is wrong in x"
    assert service.said(CancelledError()) == "Stopped."
    # A page has no options.
    told = service.said(MGPError("a.png: 9x9 are too many pixels; --max-pixels raises it"))
    assert told == "a.png: 9x9 are too many pixels"
    told = service.said(MGPError("a.png: no face; --faces none takes the central square"))
    assert told == "a.png: no face; choose none under Faces, which takes the central square"
    with caplog.at_level(logging.ERROR):
        told = service.said(ValueError(f"secret {path}"), visitor)
    assert "Something went wrong" in told and "secret" not in told
    assert f"secret {path}" in caplog.text
