"""`mgp analyse importances`: how much every channel of every code counts."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mgp_jax.cli.analysis.photographs import OfPhotographs, Subject
from mgp_jax.cli.analysis.writing import save_arrays

if TYPE_CHECKING:
    from mgp_jax.batch import Record


@dataclass(frozen=True, kw_only=True)
class Importances(OfPhotographs):
    """Heat map of the importance of every channel of every code, and how sparse they are.

    Example: mgp analyse importances photo.png --out known
    """

    name: ClassVar[str] = "importances"

    def analyse(self, subject: Subject, folder: Path) -> "Record":
        """Draws the importances of one photograph."""
        from mgp_jax.analysis import importance_spread
        from mgp_jax.report.figures import heat_map, save_figure

        spread = importance_spread(subject.codes)
        save_arrays(folder / f"{subject.stem}.npz", spread._asdict())
        title = f"{subject.stem}: sparsity {spread.whole:.2f} (0 even, 1 one alone)"
        figure = heat_map(spread.importances, "channel", "code", "importance (alpha)", title)
        save_figure(figure, folder / f"{subject.stem}.png")
        return {
            "sparsity": spread.whole,
            "sparsity_of_codes": [float(value) for value in spread.codes],
            "negative": spread.negative,
        }
