"""The notebooks beside their sources: the same cells, executed, small. CI executes them again."""

import re
from pathlib import Path
from typing import Any

import jupytext
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))
LARGEST = 500_000
# The folder that an absolute path begins with: no end of a tag, no part of an address or of an
# f-string. The letters of an image may spell one.
ABSOLUTE = re.compile(r"(?<![\w.<}])/[A-Za-z]\w*/")
IMAGE = re.compile(r'"image/\w+": "[^"]*"')


def cells(notebook: Any) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source.strip()) for cell in notebook.cells]


def test_every_notebook_has_a_source():
    assert SOURCES
    assert [file.stem for file in SOURCES] == sorted(file.stem for file in FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_notebook_and_source_agree(source: Path):
    file = source.with_suffix(".ipynb")
    notebook: Any = jupytext.read(file)
    assert cells(notebook) == cells(jupytext.read(source))
    assert file.stat().st_size < LARGEST
    assert notebook.cells[0].source.startswith("# ")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    pictures = {"image/png", "image/jpeg"}
    assert any(pictures & output.get("data", {}).keys() for output in outputs)
    # What stands there must not tell where it was executed.
    assert ABSOLUTE.findall(IMAGE.sub("", file.read_text())) == []


def test_all_install_the_same_way():
    """The first code cell is for Colab, whose own JAX stays: versions that are there are pinned."""
    first = [
        next(cell.source for cell in jupytext.read(source).cells if cell.cell_type == "code")
        for source in SOURCES
    ]
    assert len(set(first)) == 1
    assert "constraints.txt" in first[0] and '"jax", "jaxlib"' in first[0]
