"""Help as people read it: flowing text, and defaults where they say something.

Tyro prints the text of an option with the line breaks of the source, and every default, also `None`
and `False`, which the text itself explains better.
"""

import ast
import dataclasses
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, get_args, get_type_hints

import tyro

NOTHING = ("None", "False", "")


@cache
def tidy(owner: Any) -> None:
    """Rewrites the help of all options of a command; only worth its time when help is printed."""
    for base in filter(dataclasses.is_dataclass, owner.__bases__):
        tidy(base)
    texts = documentation(owner)
    hints = get_type_hints(owner, include_extras=True)
    own = inspect.get_annotations(owner)
    for name in own.keys() & {field.name for field in dataclasses.fields(owner)}:
        settings = tyro.conf.arg(help=texts.get(name), help_behavior_hint=default_hint)
        # In front of what an option says itself, which therefore counts.
        said = getattr(hints[name], "__metadata__", ())
        kind = hints[name].__origin__ if said else hints[name]
        own[name] = Annotated[(kind, settings, *said)]
        for group in dataclasses_in(kind):
            tidy(group)
    owner.__annotations__ = own


def documentation(owner: Any) -> dict[str, str]:
    """Returns the texts under the fields of a class, each as one line."""
    texts = {}
    for field, text in pairwise(classes_of(owner.__module__)[owner.__name__].body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(ast.Constant(value=str(told))):
                texts[name] = " ".join(told.split())
    return texts


@cache
def classes_of(module: str) -> dict[str, ast.ClassDef]:
    """Returns the classes of a module's source, by name."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def default_hint(default: str) -> str:
    """Returns what is said behind an option's text."""
    return "" if default in NOTHING else f"(default: {default})"


def dataclasses_in(kind: Any) -> Iterator[Any]:
    """Finds the groups of options and the subcommands that a type holds."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        yield kind
    for part in get_args(kind):
        yield from dataclasses_in(part)
