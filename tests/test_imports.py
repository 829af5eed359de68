"""The one way through the house: which module may import which, read from the sources."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mgp_jax

ROOT = Path(__file__).parents[1]

# From the bottom to the top. A room imports from itself and from what stands before it. Rooms of
# one line know nothing of each other. Names that do not exist yet are those of the design.
ORDER: tuple[tuple[str, ...], ...] = (
    ("errors", "files"),
    ("arrays", "precision", "seeds"),
    ("images", "sharding"),
    ("generators",),
    ("perception", "codes", "degradations"),
    ("recipes",),
    ("recipe_files",),
    ("objective",),
    ("inversion",),
    ("restoration", "metrics"),
    ("editing", "analysis", "baselines", "memory", "checkpoint"),
    ("batch",),
    ("progress", "report", "planning", "doctor"),
    ("benchmark",),
    ("tuning",),
    ("demo", "tables"),
    ("cli",),
)
LEVELS = {room: level for level, rooms in enumerate(ORDER) for room in rooms}


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources(package: str) -> dict[str, Path]:
    files = (ROOT / package).rglob("*.py")
    return {module_name(file): file for file in files if "templates" not in file.parts}


MODULES = {**sources("mgp_jax"), **sources("convert")}
OWN = [name for name in MODULES if name.startswith("mgp_jax.")]


def imports(name: str) -> Iterator[tuple[str, int]]:
    """Yields every module that a module imports, anywhere in it, and the dots in front."""
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            for alias in node.names:
                full = f"{module}.{alias.name}"
                yield (full if full in MODULES else module), node.level


def room(name: str) -> str:
    return name.split(".")[1]


def edges(name: str) -> set[str]:
    """The modules of this package that a module imports; its own package is not one of them."""
    return {module for module, _ in imports(name) if module.split(".")[0] == "mgp_jax"}


def test_the_sources_are_found():
    assert {"mgp_jax.errors", "mgp_jax.generators.base", "convert.families.dcgan"} <= set(MODULES)
    # An import inside of a function and one for the type checker alone.
    assert {"mgp_jax.demo", "mgp_jax.cli.common"} <= edges("mgp_jax.cli.demo")
    assert edges("mgp_jax.batch.running") >= {"mgp_jax.images", "mgp_jax.errors"}


def test_every_room_has_its_place():
    assert {room(name) for name in OWN} <= set(LEVELS)


@pytest.mark.parametrize("name", OWN)
def test_imports_run_one_way(name: str):
    for module in edges(name):
        assert module != "mgp_jax", "imports from the package's own root"
        assert module in MODULES, f"{module} does not exist"
        if room(module) != room(name):
            assert LEVELS[room(module)] < LEVELS[room(name)], f"imports {module}"


def test_no_room_imports_in_circles():
    # The `__init__` of a room collects its modules; these must not need it.
    graph = {name: edges(name) for name in OWN}
    tuple(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("name", MODULES)
def test_no_second_framework(name: str):
    foreign = {module.split(".")[0] for module, level in imports(name) if level == 0}
    assert not foreign & {"torch", "torchvision", "tensorflow", "convert", "mgp_convert"}


def test_only_the_converter_imports_relatively():
    # It has another name when it is installed.
    assert {level for name in OWN for _, level in imports(name)} == {0}
    assert {level for _, level in imports("convert.families.lpips")} > {0}


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
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(code=code)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_public_names():
    assert sorted(mgp_jax.__all__) == mgp_jax.__all__ == dir(mgp_jax)
    for name in mgp_jax.__all__:
        value = getattr(mgp_jax, name)
        # Loaded lazily, so nothing but this notices a name that has moved.
        assert value.__module__.startswith("mgp_jax."), name
    # Promised to users.
    promised = {
        *("load_generator", "Generator", "generate", "Codes", "init_codes", "render"),
        *("InversionConfig", "invert", "Result", "restore", "psnr", "ssim", "lpips"),
        *("Identity", "Grayscale", "Downsample", "Mask", "Blur", "Noise", "Jpeg"),
    }
    assert promised <= set(mgp_jax.__all__)
    with pytest.raises(AttributeError, match="no attribute 'paint'"):
        mgp_jax.paint  # noqa: B018


def test_type_checkers_see_the_public_names():
    """They read the imports that are never run."""
    tree = ast.parse(MODULES["mgp_jax"].read_text())
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mgp_jax")
        for alias in node.names
    }
    assert imported == set(mgp_jax.__all__)
