"""The page of the public interface says what the docstrings say."""

import re

from interface import PAGE, page

import mgp_jax


def test_the_page_is_that_of_the_docstrings():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.interface`"


def test_every_public_name_is_described_once():
    names = re.findall(r"^### `(.*)`$", page(), flags=re.M)
    assert sorted(names) == sorted(mgp_jax.__all__)
