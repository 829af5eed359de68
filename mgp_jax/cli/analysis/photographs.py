"""The common part of analyses of inverted photographs: inverting, and one record for each."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mgp_jax.cli.inverting import Inverted, Inverting
from mgp_jax.cli.result_folder import asked_for, claim_results, finish

if TYPE_CHECKING:
    from mgp_jax.batch import Record
    from mgp_jax.codes import Codes
    from mgp_jax.generators import Split
    from mgp_jax.inversion import Inversion


class Subject(NamedTuple):
    """The inversion of one photograph, which is analysed.

    Attributes:
        split: what the codes are for.
        codes: the codes, without the residual: what it adds is no code's.
        residual: the codes with the residual.
        stem: name of the photograph's files.
    """

    split: "Split"
    codes: "Codes"
    residual: "Codes"
    stem: str


@dataclass(frozen=True, kw_only=True)
class OfPhotographs(Inverting):
    """The options that analyses of inverted photographs have in common.

    Results are written to DIR/analysis/NAME; the inversions are those of `mgp edit`.
    """

    @abstractmethod
    def analyse(self, subject: Subject, folder: Path) -> "Record":
        """Analyses one photograph, writes its files, and returns numbers for its record."""

    def run(self, argv: Sequence[str]) -> int:
        """Inverts and analyses all inputs."""
        from mgp_jax.batch.folder import require_own

        inversion = self.plan()
        self.check(inversion)
        settings, folder = asked_for(self), self.out / "analysis" / self.name
        require_own(folder, settings, self.overwrite)
        records = self.invert(inversion, argv)
        claim_results(folder, settings, self.overwrite)
        results = []
        for item in self.inverted(inversion.split, records):
            if isinstance(item, Inverted):
                bare = item.codes._replace(residual=None)
                subject = Subject(inversion.split, bare, item.codes, item.stem)
                numbers = self.analyse(subject, folder)
                about = {"status": "ok", "error": None, "picture": f"{item.stem}.png"}
                results.append({"input": item.record["input"], **about, **numbers})
            else:
                results.append(item)
        return finish(folder, results, "analyses", self.telling)

    def check(self, inversion: "Inversion") -> None:
        """Raises SettingError or ImageError for settings that cannot work, before inverting."""
