"""The common part of all commands: exit statuses, kinds of arguments, the output of results."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import tyro

if TYPE_CHECKING:
    from rich.console import Console

    from mgp_jax.progress import Reporter

DEFAULT_GENERATOR = "faces1024"
OK, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def _read_place(texts: list[str]) -> Path:
    from mgp_jax.files import path_of

    return path_of(texts[0])


# A path of the disk, or the address of a store.
Place = Annotated[
    Path,
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="PATH",
        instance_from_str=_read_place,
        is_instance=lambda value: isinstance(value, Path),
        str_from_instance=lambda value: [str(value)],
    ),
]
Files = Annotated[
    tuple[Place, ...],
    tyro.conf.Positional,
    tyro.conf.arg(metavar="INPUT...", help_behavior_hint="(required)"),
]
OptionalFiles = Annotated[
    tuple[Place, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT...")
]
Space = Literal["z", "w", "w+"]
Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff]
# What `images.Reading` has, which help must not import.
MAX_PIXELS = 178_956_970
LabelOption = Annotated[str | None, tyro.conf.arg(metavar="K|mean")]
DryRun = Annotated[Flag, tyro.conf.arg(aliases=["-n"])]

_LOUDNESS = tyro.conf.create_mutex_group(required=False)


@dataclass(frozen=True, kw_only=True)
class Telling:
    """Options of the output: results go to standard output, everything else to standard error."""

    json: Flag = False
    """Print the results as JSON."""
    quiet: Annotated[Flag, tyro.conf.arg(aliases=["-q"]), _LOUDNESS] = False
    """Print errors only."""
    verbose: Annotated[Flag, tyro.conf.arg(aliases=["-v"]), _LOUDNESS] = False
    """Also print every phase, losses, devices and the time taken."""

    def say(self, text: str) -> None:
        """Prints what only people read."""
        if not self.json and not self.quiet:
            print(text, flush=True)

    def answer(self, value: Any, text: str) -> None:
        """Prints the result.

        Args:
            value: what `--json` prints, JSON values only.
            text: what people read.
        """
        if self.json:
            print(json.dumps(value, indent=1))
        self.say(text)

    def note(self, text: str) -> None:
        """Prints, on the standard error, what a user may want to know."""
        self.console().print(f"note: {text}", markup=False)

    def console(self) -> "Console":
        """Returns where progress is written: the standard error, or nowhere."""
        from rich.console import Console

        return Console(stderr=True, quiet=self.quiet, highlight=False, soft_wrap=True)

    def reporter(self, label: str) -> "Reporter":
        """Returns what shows the progress of a run."""
        from rich.console import Console

        from mgp_jax.progress import Reporter

        return Reporter(Console(stderr=True), label, quiet=self.quiet, verbose=self.verbose)


@dataclass(frozen=True, kw_only=True)
class Command(ABC):
    """A subcommand: its fields are its arguments, its docstring is its help."""

    name: ClassVar[str]

    # Without a name its options have no prefix, and help lists them behind a command's own.
    telling: Annotated[Telling, tyro.conf.arg(name="")] = Telling()

    def chosen(self) -> "Command":
        """Returns the command itself; a group returns the member that was asked for."""
        return self

    @abstractmethod
    def run(self, argv: Sequence[str]) -> int:
        """Carries it out and returns the exit status; `argv` is what was typed after `mgp`."""
