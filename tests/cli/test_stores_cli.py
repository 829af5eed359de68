"""Commands whose inputs and results are at addresses."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from commands import Mgp
from PIL import Image

from mgp_jax import cli

PHOTOGRAPHS, OUT = "memory://bucket/photos", "memory://bucket/inverted"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    memory = fsspec.filesystem("memory")
    with memory.open("/bucket/photos/good.png", "wb") as file:
        Image.linear_gradient("L").convert("RGB").save(file, "PNG")
    memory.pipe("/bucket/photos/bad.png", b"Dear all")
    yield memory
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def test_a_folder_from_store_to_store(mgp: Mgp, small: Path, store: Any, tmp_path: Path):
    command = ("invert", PHOTOGRAPHS, "--out", OUT, "--generator", small, "--steps", 3)
    dry = mgp(*command, "--codes", 2, "--dry-run")
    assert f"unreadable: {PHOTOGRAPHS}/bad.png" in dry.out and not store.exists("/bucket/inverted")
    done = mgp(*command, "--codes", 2)
    assert done.status == cli.SOME_FAILED
    assert f"failed: {PHOTOGRAPHS}/bad.png: is not an image" in done.out
    assert done.out.rstrip().endswith(f"{OUT}/index.html")
    written = {name.removeprefix("/bucket/inverted/") for name in store.find("/bucket/inverted")}
    assert {"settings.json", "results.jsonl", "index.html", "contact_sheet.png"} <= written
    assert {"images/good.png", "codes/good.npz"} <= written
    # Whose pictures and curves are on the page.
    page = store.cat("/bucket/inverted/index.html").decode()
    assert re.findall(r'"missing":"[^"]*"', page) == []
    assert "data:image/png;base64" in page and '"curve":' in page
    with store.open("/bucket/inverted/contact_sheet.png") as file:
        assert len(Image.open(file).convert("RGB").getcolors(10**6)) > 50
    before = store.cat("/bucket/inverted/results.jsonl")
    assert mgp(*command, "--codes", 2).status == cli.SOME_FAILED
    assert store.cat("/bucket/inverted/results.jsonl") == before
    assert len(before.splitlines()) == 2 and json.loads(before.splitlines()[1])["status"] == "ok"
    # Everything is there, and nothing on the disk.
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("memory")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("invert", "memory://nothing", "--out", OUT, "--generator", "faces64"),
            "memory://nothing: there is no such file",
        ),
        (("invert", "paint://a", "--out", "out"), "paint://a: paint:// is no kind of address"),
        (("invert", "good.png", "--out", "abfs://a/b"), "abfs://a/b: a package for abfs:// is mis"),
        (
            ("edit", PHOTOGRAPHS, "--out", OUT, "--direction", "smile"),
            f"{OUT}: edit works in a folder of the disk",
        ),
    ],
)
def test_addresses_that_do_not_do(mgp: Mgp, arguments: tuple[str, ...], message: str):
    done = mgp(*arguments)
    assert done.status in (cli.WRONG_USAGE, cli.SOME_FAILED)
    (line,) = done.err.splitlines()
    assert re.match(re.escape(f"mgp: {message}"), line)
