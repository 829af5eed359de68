"""The one way through the house: the contracts of `pyproject.toml`, and what they cannot say."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

import mgp_jax

ROOT = Path(__file__).parents[1]


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Imports inside of functions and those for the type checker alone count, too."""
    return grimp.build_graph("mgp_jax", cache_dir=None)


def test_the_contracts_are_kept():
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = run(code, "--no-cache")
    assert done.returncode == 0, done.stdout
    assert "3 kept, 0 broken" in done.stdout


def test_no_module_imports_in_circles(graph: grimp.ImportGraph):
    # The `__init__` of a room collects its modules; these must not need it.
    imported = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert "mgp_jax.cli.common" in imported["mgp_jax.cli.demo"]
    assert "mgp_jax.demo" in imported["mgp_jax.cli.demo"]
    graphlib.TopologicalSorter(imported).prepare()
    assert not graph.find_modules_that_directly_import("mgp_jax")


def test_only_the_converter_imports_relatively():
    # It has another name when it is installed.
    for package, allowed in (("mgp_jax", False), ("convert", True)):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ImportFrom):
                    module = node.module or ""
                    assert not node.level or allowed, file
                    assert module.split(".")[0] not in ("convert", "mgp_convert") or node.level


PROBE = """
import sys
{code}
heavy = {{"jax", "flax", "optax", "numpy", "PIL", "matplotlib"}} & set(sys.modules)
sys.exit(f"imported {{sorted(heavy)}}" if heavy else 0)
"""


@pytest.mark.parametrize(
    "code",
    [
        "import mgp_jax, mgp_jax.cli",
        "from mgp_jax.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0",
        "from mgp_jax.cli import main\n"
        "try: main(['invert', '--help'])\n"
        "except SystemExit as end: assert end.code == 0",
        "from mgp_jax.cli import main\n"
        "try: main(['invert', '--stesp', '3'])\n"
        "except SystemExit as end: assert end.code == 2",
    ],
    ids=["import", "help", "help of a command", "wrong usage"],
)
def test_help_loads_nothing_heavy(code: str):
    done = run(PROBE.format(code=code))
    assert done.returncode == 0, done.stderr


def test_the_overview_loads_no_command():
    """What makes it slow: the commands' classes, their parsers, and a checker of types."""
    code = """
import sys
from mgp_jax.cli import COMMANDS, main
try: main(["--help"])
except SystemExit as end: assert end.code == 0
modules = {f"mgp_jax.cli.{entry.place.partition(':')[0]}" for entry in COMMANDS.values()}
slow = {*modules, "mgp_jax.cli.help_texts", "typeguard", "rich", "asyncio"} & set(sys.modules)
sys.exit(f"imported {sorted(slow)}" if slow else 0)
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_public_names():
    assert sorted(mgp_jax.__all__) == mgp_jax.__all__ == dir(mgp_jax)
    for name in mgp_jax.__all__:
        # Loaded lazily, so nothing but this notices a name that has moved; tables are plain data.
        value = getattr(mgp_jax, name)
        assert isinstance(value, dict) or value.__module__.startswith("mgp_jax."), name
    # Promised to users.
    promised = {
        *("load_generator", "Generator", "generate", "Codes", "init_codes", "render"),
        *("invert", "Result", "restore", "Recipe", "Phase", "Split", "METHODS", "Execution"),
        *("psnr", "ssim", "lpips"),
        *("Identity", "Grayscale", "Downsample", "Mask", "Blur", "Noise", "Jpeg"),
    }
    assert promised <= set(mgp_jax.__all__)
    with pytest.raises(AttributeError, match="No mgp_jax attribute paint"):
        getattr(mgp_jax, "paint")  # noqa: B009
