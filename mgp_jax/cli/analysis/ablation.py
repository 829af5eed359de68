"""`mgp analyse ablation` and `mgp analyse removal`: what vanishes with a code."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import tyro

from mgp_jax.cli.analysis.photographs import OfPhotographs, Subject
from mgp_jax.cli.analysis.writing import save_arrays, write_table
from mgp_jax.errors import SettingError

if TYPE_CHECKING:
    import numpy as np

    from mgp_jax.batch import Record
    from mgp_jax.codes import Codes
    from mgp_jax.generators import Split
    from mgp_jax.inversion import Inversion

# Name of the segmentation by the parts of a face.
FACE = "face"


@dataclass(frozen=True, kw_only=True)
class AblatedCodes(OfPhotographs):
    """Zero the largest importances of each code and match what changes to segments of the image.

    Example: mgp analyse ablation photo.png --out known --segments 6
    """

    name: ClassVar[str] = "ablation"

    threshold: float | None = None
    """Importances above it are set to zero (the paper's: 0.2); one that a tenth of the image's
    importances exceed, unless given."""
    segments: Annotated[str, tyro.conf.arg(metavar="COUNT|face|FILE.png")] = "6"
    """A number of segments to find in the generator's features; `face` for the parts of a face,
    which is found in what the codes draw (needs the extra `faces`); or an image file: a mask, or
    a segmentation with a gray level or colour for each segment."""
    area: float = 0.2
    """Share of the pixels, those that change most, that are compared with the segments."""

    def check(self, inversion: "Inversion") -> None:
        """Reads the segmentation, if one is given."""
        if self.segments == FACE:
            from mgp_jax.faces.finding import default_detector

            default_detector()
        elif not self.segments.isdecimal():
            from mgp_jax.analysis import read_segments

            read_segments(self.segments, inversion.image_shape[0])

    def analyse(self, subject: Subject, folder: Path) -> "Record":
        """Ablates the codes of one photograph."""
        import numpy as np

        from mgp_jax.analysis import FACE_PARTS, ablate, match_segments
        from mgp_jax.codes import render
        from mgp_jax.report.figures import image_rows, save_figure, segment_matches

        split, codes, _, stem = subject
        whole = np.asarray(render(split, codes))
        segments = self.segments_of(split, codes, whole)
        if segments is None:
            return {
                "status": "failed",
                "error": "segments: no face is found in what the codes draw",
            }
        names = FACE_PARTS if self.segments == FACE else None
        result = ablate(split, codes, self.threshold)
        matches = match_segments(result.differences, segments, self.area)
        save_arrays(
            folder / f"{stem}.npz", result._asdict() | matches._asdict() | {"segments": segments}
        )
        called = [int(label) if names is None else names[label] for label in matches.labels]
        table = [
            {
                "code": code,
                "zeroed": int(result.zeroed[code]),
                "segment": called[best] if best >= 0 else None,
                "iou": float(matches.iou[code, best]) if best >= 0 else None,
                "chance": float(matches.chance[best]) if best >= 0 else None,
            }
            for code, best in enumerate(matches.best)
        ]
        write_table(folder / f"{stem}.csv", table)
        title = f"{stem}: importances above {result.threshold:.3g} zeroed"
        figure = segment_matches(whole, segments, matches.iou, matches.chance, title, names)
        save_figure(figure, folder / f"{stem}.png")
        rows = {"ablated": result.images, "change": result.differences}
        titles = [f"code {row['code']}: {row['zeroed']}" for row in table]
        title += " (how many: above each image)"
        save_figure(image_rows(rows, titles, title), folder / f"{stem}-changes.png")
        return {"threshold": result.threshold, "table": table}

    def segments_of(
        self, split: "Split", codes: "Codes", whole: "np.ndarray"
    ) -> "np.ndarray | None":
        """Returns int[H, W], the segments of an inversion; None if no face is found for them."""
        from mgp_jax.analysis import face_segments, find_segments, read_segments
        from mgp_jax.faces import find_faces

        if self.segments == FACE:
            faces = find_faces(whole)
            return face_segments(faces[0].points, len(whole)) if faces else None
        if self.segments.isdecimal():
            return find_segments(split, codes, int(self.segments), self.seed)
        return read_segments(self.segments, len(whole))


@dataclass(frozen=True, kw_only=True)
class RemovedObject(OfPhotographs):
    """Take codes out of a region, to make what they draw there vanish.

    Example: mgp analyse removal photo.png --out known --region object.png --count 5
    """

    name: ClassVar[str] = "removal"

    region: Annotated[Path, tyro.conf.arg(metavar="MASK.png")]
    """Image with the region in white."""
    count: Annotated[int, tyro.conf.arg(metavar="K")] = 1
    """How many codes are taken out: those with the largest effect on the region."""
    removed: Annotated[tuple[int, ...], tyro.conf.arg(metavar="NUMBER...")] = ()
    """Take these codes out instead, counted from 0."""

    def check(self, inversion: "Inversion") -> None:
        """Reads the region."""
        self.read_region(inversion.image_shape[0])
        total = inversion.recipe.codes
        if not (0 < self.count < total and all(0 <= n < total for n in self.removed)):
            raise SettingError(
                f"removed codes: there are the codes 0 to {total - 1}, one must stay"
            )

    def read_region(self, resolution: int) -> "np.ndarray":
        """Returns bool[H, W]."""
        return self.region_of(self.region, resolution)

    def analyse(self, subject: Subject, folder: Path) -> "Record":
        """Takes codes out of one photograph."""
        import numpy as np

        from mgp_jax.analysis import difference, remove
        from mgp_jax.codes import render
        from mgp_jax.images import write_image
        from mgp_jax.report.figures import image_rows, save_figure

        split, _, codes, stem = subject
        region = self.read_region(split.image_shape[0])
        chosen = list(self.removed) or None
        result = remove(split, codes, region, chosen, self.count)
        whole = np.asarray(render(split, codes))
        write_image(folder / f"{stem}-removed.png", result.image)
        save_arrays(folder / f"{stem}.npz", result._asdict())
        change = difference(result.image, whole)
        marked = np.where(region[..., None], whole, whole * 0.3 - 0.7)
        figure = image_rows(
            {"": [whole, marked, result.image], "change": [0 * change, 0 * change, change]},
            ["inversion", "region", f"without {', '.join(map(str, result.codes))}"],
            stem,
        )
        save_figure(figure, folder / f"{stem}.png")
        return {
            "removed": result.codes,
            "effects": [float(value) for value in result.effects],
            "change_inside": float(change[region].mean()),
            "change_outside": float(change[~region].mean()),
        }
