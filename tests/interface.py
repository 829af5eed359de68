"""The page of the public interface, made of docstrings; `python -m tests.interface` writes it."""

import ast
import inspect
import textwrap
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any

import mgp_jax

PACKAGE = Path(mgp_jax.__file__)
PAGE = Path(__file__).parents[1] / "notebooks" / "guides" / "interface.md"
HEAD = """# The public interface

Everything that `mgp_jax` exports, made of the docstrings. A test compares the page with them; after
a change write it again with `python -m tests.interface`.
"""


def page() -> str:
    """Returns the page: a section for each room that public names are imported from."""
    rooms: dict[str, list[str]] = {}
    for name, room in exported().items():
        rooms.setdefault(room, []).append(entry(name, getattr(mgp_jax, name)))
    sections = [f"## {room}\n\n" + "\n".join(rooms[room]) for room in sorted(rooms)]
    return "\n".join([HEAD, *sections])


def exported() -> dict[str, str]:
    """Returns the room of every public name, as the stub says."""
    stub = ast.parse(PACKAGE.with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    found = {alias.name: node.module or "" for node in imports for alias in node.names}
    return {name: found[name] for name in mgp_jax.__all__}


def entry(name: str, value: Any) -> str:
    """Returns the description of a public name, and of the public members of a class."""
    if isinstance(value, dict):
        rows = [f"- `{key}`: {row.title}" for key, row in value.items()]
        return "\n".join([f"### `{name}`\n", f"A table of {len(rows)} rows by name:\n", *rows, ""])
    parts = [f"### `{name}`\n", block(name, value)]
    for member, found in sorted(vars(value).items()) if inspect.isclass(value) else ():
        documentation = inspect.getdoc(found)
        if member.startswith("_") or not documentation:
            continue
        if isinstance(found, FunctionType | classmethod | staticmethod):
            parts.append(block(f"{name}.{member}", getattr(value, member)))
        elif isinstance(found, property | cached_property):
            parts.append(f"`{name}.{member}`: {documentation.splitlines()[0]}\n")
    return "\n".join(parts)


def block(name: str, value: Any) -> str:
    """Returns signature and docstring, as they stand in the source."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(value))).body
    if isinstance(node, ast.ClassDef):
        fields = [part for part in node.body if isinstance(part, ast.AnnAssign)]
        arguments = ", ".join(text for part in fields if (text := argument(part)))
        signature = f"({arguments})" if arguments else ""
    else:
        assert isinstance(node, ast.FunctionDef)
        signature = f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns or ast.Name('Any'))}"
    lines = textwrap.wrap(name + signature, 100, subsequent_indent="    ", break_long_words=False)
    return "\n".join(["```text", *lines, "", inspect.getdoc(value) or "", "```\n"])


def argument(field: ast.AnnAssign) -> str:
    """Returns a field of a dataclass as an argument; nothing for what is no argument."""
    text = ast.unparse(field)
    if "ClassVar" in text or text.startswith("_"):
        return ""
    if isinstance(field.value, ast.Call) and ast.unparse(field.value.func) == "field":
        defaults = [k.value for k in field.value.keywords if k.arg == "default"]
        given = "".join(f" = {ast.unparse(value)}" for value in defaults)
        return f"{ast.unparse(field.target)}: {ast.unparse(field.annotation)}{given}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
