"""Commands that run within the process of the test."""

from collections.abc import Callable
from typing import NamedTuple


class Done(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


Mgp = Callable[..., Done]
