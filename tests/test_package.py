"""What the wheel holds."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_file_beside_the_modules_is_packaged():
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = [
        f"{package.replace('.', '/')}/{pattern}"
        for package, found in tool["package-data"].items()
        for pattern in found
    ]
    packages = {package for package in tool["packages"] if package.startswith("mgp_jax")}
    for file in (ROOT / "mgp_jax").rglob("*"):
        if not file.is_file() or "__pycache__" in file.parts:
            continue
        path = file.relative_to(ROOT)
        if file.suffix == ".py":
            assert ".".join(path.parent.parts) in packages, path
        else:
            assert any(fnmatch(str(path), pattern) for pattern in patterns), path


def test_every_module_of_the_converter_is_packaged():
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {file.parent.relative_to(ROOT) for file in (ROOT / "convert").rglob("*.py")}
    placed = {name: Path(folder) for name, folder in tool["package-dir"].items()}
    assert set(placed.values()) == folders
    assert {name for name in tool["packages"] if name.startswith("mgp_convert")} == set(placed)


def test_it_is_typed():
    assert (ROOT / "mgp_jax" / "py.typed").read_bytes() == b""
