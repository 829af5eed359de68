"""The examples in docstrings say what is true, and public names have docstrings."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import mgp_jax

MODULES = [
    module.name
    for module in pkgutil.walk_packages(mgp_jax.__path__, "mgp_jax.")
    if not module.name.endswith("__main__")
]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def examples(module: str) -> list[doctest.DocTest]:
    found = doctest.DocTestFinder().find(importlib.import_module(module), module)
    return [test for test in found if test.examples]


EXAMPLES = [test for module in MODULES for test in examples(module)]


@pytest.mark.parametrize("test", EXAMPLES, ids=lambda test: test.name)
def test_examples(test: doctest.DocTest):
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert result.failed == 0 and result.attempted > 0, "".join(said)


def test_there_are_examples():
    assert len(EXAMPLES) >= 15


@pytest.mark.parametrize("name", mgp_jax.__all__)
def test_public_names_are_described(name: str):
    value = getattr(mgp_jax, name)
    if isinstance(value, dict):
        assert value and all(row.name == key and row.title for key, row in value.items())
        return
    documentation = inspect.getdoc(value) or ""
    # Neither empty nor what a dataclass or NamedTuple makes of its fields.
    assert documentation and not documentation.startswith(f"{value.__name__}("), name
