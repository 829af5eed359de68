"""The README and the guides: code runs, commands parse, links lead somewhere."""

import contextlib
import io
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from documents import GUIDES, PAGES, ROOT, blocks, commands, links
from PIL import Image
from scenes import needs_detector

import mgp_jax
from convert.cli import Arguments
from mgp_jax import cli, recipes
from mgp_jax.cli.main import parse
from mgp_jax.cli.optimising import Optimising
from mgp_jax.degradations import parsing
from mgp_jax.generators import zoo
from mgp_jax.methods import METHODS
from mgp_jax.metrics import METRICS
from mgp_jax.tasks import OF_COMMAND

GUIDE = ROOT / "notebooks" / "guides"
README, CONTRIBUTING = ROOT / "README.md", GUIDE / "contributing.md"


TABLES: tuple[dict[str, Any], ...] = (
    zoo.FAMILIES,
    recipes.RECIPES,
    parsing.BUILDERS,
    METRICS,
    METHODS,
    OF_COMMAND,
)


@pytest.fixture
def registries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the examples register is gone behind a test."""
    monkeypatch.chdir(ROOT)
    before = [dict(table) for table in TABLES]
    yield
    for table, rows in zip(TABLES, before, strict=True):
        table.clear()
        table.update(rows)


def execute(code: str) -> str:
    """Runs a block as a program of its own and returns what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "example", "exec"), {"__name__": "example"})
    return printed.getvalue()


EXAMPLES = [README, GUIDE / "recipes.md", pytest.param(GUIDE / "faces.md", marks=needs_detector)]


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.stem)
def test_what_examples_print_is_what_they_say(page: Path, registries: None):
    (code,) = blocks(page, "python")
    printed = execute(code)
    expected = re.search(r"print\(.*\)  # (\(.*?\))", code)
    assert expected and printed.strip() == expected[1]


@pytest.mark.parametrize("number", range(6))
def test_examples_of_extensions_run(number: int, registries: None):
    codes = blocks(CONTRIBUTING, "python")
    assert len(codes) == 6
    lines = [line for line in codes[number].splitlines() if line.strip()]
    assert len(lines) < 60
    execute(codes[number])


COMMANDS = [(page.name, words) for page in PAGES for words in commands(page, "mgp")]


def test_commands_are_found():
    assert sum(name == "README.md" for name, _ in COMMANDS) >= 12
    assert sum(name == "troubleshooting.md" for name, _ in COMMANDS) >= 2


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=lambda value: " ".join(value)[:60])
def test_commands_parse(page: str, words: list[str]):
    del page
    words = words[: words.index(">")] if ">" in words else words
    assert type(parse(words)) is cli.COMMANDS[words[0]].load()


@pytest.mark.parametrize(
    "words", [words for page in PAGES for words in commands(page, "mgp-convert")], ids=" ".join
)
def test_conversions_parse(words: list[str]):
    import tyro

    tyro.cli(Arguments, args=words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path):
    for link in links(page):
        address, _, heading = link.partition("#")
        if "://" in address:
            continue
        target = (page.parent / address) if address else page
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), flags=re.M)
            anchors = {re.sub(r"[^\w\- ]", "", h).lower().replace(" ", "-") for h in headings}
            assert heading in anchors, link


def test_the_readme_leads_to_every_guide_and_notebook():
    found = set(links(README))
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert notebooks and GUIDES
    for page in [*GUIDES, *notebooks]:
        assert str(page.relative_to(ROOT)) in found


def test_the_readme_names_every_room():
    """Its architecture section lists what is there, no more and no less."""
    listing = next(block for block in blocks(README, "text") if block.startswith("mgp_jax/"))
    inside = listing[: listing.index("\nconvert/")]
    named = set(re.findall(r"(?:^|[\s,])(\w+)(?:\.py|/)(?=[\s,]|$)", inside)) - {"mgp_jax"}
    package = ROOT / "mgp_jax"
    rooms = {file.stem for file in package.glob("*.py")} - {"__init__"}
    rooms |= {folder.name for folder in package.iterdir() if (folder / "__init__.py").exists()}
    assert named == rooms | {"assets"}


def test_the_test_command_is_found_once():
    """`.ci/run` takes it from here."""
    found = re.findall(r"^pip install .*pytest.*$", README.read_text(), flags=re.M)
    assert len(found) == 1


def test_the_changelog_ends_at_this_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    changelog = (GUIDE / "changelog.md").read_text()
    newest = re.findall(r"^## (\d\S*)", changelog, flags=re.M)[0]
    citation = (ROOT / "CITATION.cff").read_text()
    assert newest == project["version"] and f"version: {newest}\n" in citation


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with the files that the README's commands name."""
    monkeypatch.chdir(tmp_path)
    with Image.open(Path(mgp_jax.__file__).parent / "assets" / "eileen_collins.png") as picture:
        face = picture.convert("RGB").resize((64, 64))
    for folder in ("photos", "samples"):
        Path(folder).mkdir()
        face.save(f"{folder}/face.png")
    for name, size in (("old.png", 32), ("small.png", 16)):
        face.resize((size, size)).save(name)
    for name in ("scratched.png", "noisy.png", "soft.png", "photo.png", "first.png"):
        face.save(name)
    face.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save("second.png")
    Path("mine.py").write_text("def brightness(images):\n    return images.mean((1, 2, 3))\n")
    monkeypatch.syspath_prepend(tmp_path)
    mask = np.zeros((64, 64), np.uint8)
    mask[20:24] = 255
    Image.fromarray(mask).save("scratches.png")
    (tmp_path / "netG.pth").write_bytes((ROOT / "tests/data/golden/dcgan.pth").read_bytes())
    yield


@pytest.mark.slow
def test_the_readmes_commands_run(
    photographs: None, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """All of them, in their order and as they stand there, apart from installing.

    The default generator takes minutes an image, so the quick one stands in for it, and one of its
    directions for those that only the other has. Few steps will do: notebooks do them all.
    """
    from convert.cli import main as convert

    monkeypatch.setattr("mgp_jax.demo.GENERATOR", "faces64")
    for block in blocks(README, "bash"):
        for line in block.splitlines():
            program, *words = line.partition("#")[0].rpartition("&& ")[2].split() or [""]
            if program not in ("mgp", "mgp-convert") or words[0] in ("bench", "app"):
                continue  # Tables take twenty minutes, a page serves for ever; both have own tests.
            # The search takes all the time that it is given, training as many steps as it is told.
            words = [word.strip('"').replace("30m", "20s") for word in words]
            words = ["sefa:1" if word in ("smile", "yaw") else word for word in words]
            words = words[: words.index(">")] if ">" in words else words
            words += ["--steps", "2"] if words[0] == "train-encoder" else []
            if program == "mgp" and isinstance(parse(words).chosen(), Optimising):
                words += [] if "--generator" in words else ["--generator", "faces64"]
                words += ["--steps", "20"]
            status = convert(words) if program == "mgp-convert" else cli.main(words)
            printed = capfd.readouterr()
            assert status == cli.OK, (line, printed.err)
            assert printed.out, line
