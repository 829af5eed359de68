"""What the commands have in common: exit statuses, kinds of arguments, checks."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from mgp_jax.errors import SettingError

OK, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

Files = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT...")]
Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff]


@dataclass(frozen=True, kw_only=True)
class Command(ABC):
    """A subcommand: its fields are its arguments, its docstring is its help."""

    name: ClassVar[str]

    @abstractmethod
    def run(self, argv: Sequence[str]) -> int:
        """Carries it out and returns the exit status; `argv` is what was typed after `mgp`."""


def check_seed(seed: int) -> None:
    """Raises SettingError for a seed that JAX cannot take."""
    if not -(2**63) <= seed < 2**63:
        raise SettingError(f"seed: {seed}, at most 64 bits are possible")
