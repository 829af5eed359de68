"""The command group `mgp analyse`: one subcommand for each analysis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import tyro

from mgp_jax.cli.analysis.ablation import AblatedCodes, RemovedObject
from mgp_jax.cli.analysis.contributions import CodesAlone, DimensionOfFeatures
from mgp_jax.cli.analysis.importances import Importances
from mgp_jax.cli.analysis.quality import Domains, Layers
from mgp_jax.cli.common import Command, Telling


@dataclass(frozen=True, kw_only=True)
class Analyse(Command):
    """See what codes, channels and layers know.

    Example: mgp analyse codes photo.png --out known
    """

    name: ClassVar[str] = "analyse"

    # Each analysis has its own.
    telling: Annotated[Telling, tyro.conf.Fixed, tyro.conf.Suppress] = Telling()
    what: tyro.conf.OmitSubcommandPrefixes[
        tyro.conf.OmitArgPrefixes[
            Annotated[CodesAlone, tyro.conf.subcommand("codes")]
            | Annotated[AblatedCodes, tyro.conf.subcommand("ablation")]
            | Annotated[Importances, tyro.conf.subcommand("importances")]
            | Annotated[RemovedObject, tyro.conf.subcommand("removal")]
            | Annotated[DimensionOfFeatures, tyro.conf.subcommand("dimension")]
            | Annotated[Layers, tyro.conf.subcommand("layers")]
            | Annotated[Domains, tyro.conf.subcommand("domains")]
        ]
    ]

    def chosen(self) -> Command:
        """Returns the analysis that was asked for."""
        return self.what

    def run(self, argv: Sequence[str]) -> int:
        """Runs the analysis."""
        return self.what.run(argv)
