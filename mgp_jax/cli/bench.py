"""The command group `mgp bench`: what is measured, one subcommand each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Union

import tyro

from mgp_jax.cli.common import Command, Telling
from mgp_jax.cli.robust import Robust
from mgp_jax.cli.speed import Cost, Speed
from mgp_jax.cli.tables import Tables

MEASUREMENTS: tuple[type[Command], ...] = (Tables, Robust, Speed, Cost)

if TYPE_CHECKING:
    Measurement = Command
else:
    Measurement = Union[
        *(Annotated[kind, tyro.conf.subcommand(kind.name)] for kind in MEASUREMENTS)
    ]


@dataclass(frozen=True, kw_only=True)
class Bench(Command):
    """Measure methods and machines.

    Example: mgp bench tables --images photos/ --out tables
    """

    name: ClassVar[str] = "bench"

    # The members have their own.
    telling: Annotated[Telling, tyro.conf.Fixed, tyro.conf.Suppress] = Telling()
    measurement: tyro.conf.OmitSubcommandPrefixes[tyro.conf.OmitArgPrefixes[Measurement]]
    """What is measured."""

    def chosen(self) -> Command:
        """Returns the measurement that was asked for."""
        return self.measurement

    def run(self, argv: Sequence[str]) -> int:
        """Runs the measurement that was asked for."""
        return self.measurement.run(argv)
