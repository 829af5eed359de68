"""`mgp analyse codes` and `mgp analyse dimension`: what every code adds to the whole."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mgp_jax.cli.analysis.photographs import OfPhotographs, Subject
from mgp_jax.cli.analysis.writing import save_arrays

if TYPE_CHECKING:
    from mgp_jax.batch import Record


@dataclass(frozen=True, kw_only=True)
class CodesAlone(OfPhotographs):
    """Images of every code alone and of the sum without it.

    Example: mgp analyse codes photo.png --out known
    """

    name: ClassVar[str] = "codes"

    def analyse(self, subject: Subject, folder: Path) -> "Record":
        """Renders the codes of one photograph."""
        from mgp_jax.analysis import code_images
        from mgp_jax.report.figures import image_rows, save_figure

        split, codes, _, stem = subject
        images = code_images(split, codes)
        save_arrays(folder / f"{stem}.npz", images._asdict())
        rows = {
            "alone": images.alone,
            "alone,\nscaled": images.scaled,
            "all but\nthis code": images.without,
        }
        titles = [f"code {number}" for number in range(len(images.alone))]
        figure = image_rows(
            rows, titles, f"{stem}: what the codes contribute, cut {split.cut_name}"
        )
        save_figure(figure, folder / f"{stem}.png")
        return {}


@dataclass(frozen=True, kw_only=True)
class DimensionOfFeatures(OfPhotographs):
    """Of how many independent maps the composed feature map is made.

    Example: mgp analyse dimension photo.png --out known
    """

    name: ClassVar[str] = "dimension"

    def analyse(self, subject: Subject, folder: Path) -> "Record":
        """Measures the parts of one photograph, and of as many random codes to compare with."""
        import numpy as np

        from mgp_jax.analysis import effective_dimension
        from mgp_jax.codes import init_codes
        from mgp_jax.report.figures import lines, save_figure
        from mgp_jax.seeds import seeded_key

        split, codes, _, stem = subject
        found = effective_dimension(split, codes)
        random = init_codes(split, seeded_key(self.seed), len(codes.z))
        baseline = effective_dimension(split, random)
        arrays = {f"random_{name}": value for name, value in baseline._asdict().items()}
        save_arrays(folder / f"{stem}.npz", found._asdict() | arrays)
        axes = np.arange(1, len(codes.z) + 1)
        series = {
            f"{name}, dimension {item.whole:.1f}": (axes, np.cumsum(item.spectrum))
            for name, item in (("optimised codes", found), ("random codes", baseline))
        }
        title = f"{stem}: parts of {len(codes.z)} codes, cut {split.cut_name}"
        figure = lines(series, "principal axes", "share of the energy (cumulated)", title)
        save_figure(figure, folder / f"{stem}.png")
        return {
            "dimension": found.whole,
            "dimension_of_channels": float(found.channels.mean()),
            "random_dimension": baseline.whole,
            "random_dimension_of_channels": float(baseline.channels.mean()),
        }
