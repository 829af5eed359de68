"""What edits of inverted faces change, and what they leave alone.

    mgp invert FOLDER --recipe edit --faces none --out RUN
    python tests/benchmarks/edits.py RUN --out OUT [--edits smile yaw ...] [--strengths -2 -1 ...]

FOLDER holds photographs of faces, cut as FFHQ is. Every edit is rendered at all strengths, and all
attributes are measured in the pictures, with face points of the detector that is installed. The
change of an attribute is the slope of its line of best fit from the lowest to the highest strength,
in standard deviations among random faces: a single measurement is as uncertain as the detector's
points are. Prints a table in Markdown, and writes it with all values and a sheet of every face.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mgp_jax import generate, load_generator, random_latents
from mgp_jax.cli.main import enable_compilation_cache
from mgp_jax.code_files import load_codes, split_of
from mgp_jax.codes import Codes
from mgp_jax.editing import default_carry, effects_on_faces, find_direction, render_edits
from mgp_jax.editing.attributes import measure
from mgp_jax.editing.making import NAMED, TRUNCATION
from mgp_jax.faces import find_faces
from mgp_jax.generators import Generator, Split
from mgp_jax.generators.sampling import with_truncation
from mgp_jax.images import to_uint8, write_image
from mgp_jax.metrics import to_unit
from mgp_jax.report import contact_sheet

Values = Mapping[str, np.ndarray]
COLUMNS = (
    *("face", "edit", "attribute", "values", "rises", "deviations", "most other", "its share"),
    *("LPIPS face", "background"),
)


def measured(images: np.ndarray) -> dict[str, np.ndarray]:
    """Measures all attributes of images in [-1, 1]; those of face points are NaN without a face."""
    found = [find_faces(to_uint8(image)) for image in images]
    points = np.array(
        [faces[0].points if faces else np.full((5, 2), np.nan) for faces in found], float
    )
    return measure(np.asarray(to_unit(images), np.float64), points / images.shape[1])


def deviations(generator: Generator, count: int, seed: int) -> dict[str, float]:
    """Returns the standard deviation of every attribute among random faces."""
    calm = with_truncation(generator, TRUNCATION)
    z = random_latents(generator, count, seed)
    values = [measured(np.asarray(generate(calm, code[None]))) for code in z]
    return {key: float(np.nanstd([value[key][0] for value in values])) for key in values[0]}


def changes(
    values: Values, strengths: Sequence[float], scale: Mapping[str, float]
) -> dict[str, float]:
    """Returns by how many deviations every attribute changes over the strengths."""
    width, found = max(strengths) - min(strengths), dict[str, float]()
    for name, row in values.items():
        seen = np.isfinite(row)
        slope = np.polyfit(np.asarray(strengths)[seen], row[seen], 1)[0]
        found[name] = float(slope * width / scale[name])
    return found


def row_of(
    edit: str,
    attribute: str,
    frames: np.ndarray,
    values: Values,
    strengths: Sequence[float],
    scale: Mapping[str, float],
) -> list[str]:
    """Returns the cells of an edit's row, from the second on."""
    changed = changes(values, strengths, scale)
    own = changed.pop(attribute)
    worst = max(changed, key=lambda name: abs(changed[name]))
    effects = effects_on_faces(frames, frames[list(strengths).index(0)])
    return [
        edit,
        attribute,
        " ".join(f"{value:.3g}" for value in values[attribute]),
        "yes" if np.all(np.diff(values[attribute]) > 0) else "NO",
        f"{own:.2f}",
        worst,
        f"{abs(changed[worst] / own):.2f}",
        f"{max(effects['lpips_face']):.3f}",
        f"{max(effects['lpips_background']):.3f}",
    ]


def listed(values: Values) -> dict[str, list[float]]:
    """Returns values as JSON has them."""
    return {name: [float(value) for value in row] for name, row in values.items()}


def edited(split: Split, codes: Codes, edit: str, strengths: Sequence[float]) -> np.ndarray:
    """Returns the pictures of an edit, float[S, H, W, C]."""
    direction = find_direction(edit, split.generator, split.cut)
    return render_edits(split, codes, direction, strengths, residual=default_carry())


def main() -> None:
    """Edits the faces of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--generator", default="faces1024")
    parser.add_argument("--edits", nargs="*")
    parser.add_argument("--strengths", nargs="*", type=float, default=(-2, -1, 0, 1, 2))
    parser.add_argument("--faces", type=int, default=64, help="random faces for the deviations")
    parser.add_argument("--seed", type=int, default=100)
    chosen = parser.parse_args()
    enable_compilation_cache()
    chosen.out.mkdir(parents=True, exist_ok=True)
    generator = load_generator(chosen.generator)
    attributes = {n.name: n.source for n in NAMED[generator.name] if ":" not in n.source}
    kept = chosen.out / "deviations.json"
    if not kept.exists():
        kept.write_text(json.dumps(deviations(generator, chosen.faces, chosen.seed)))
    scale = json.loads(kept.read_text())
    everything: list[dict[str, Any]] = []
    lines = [" | ".join(COLUMNS), " | ".join("---" for _ in COLUMNS)]
    print("\n".join(lines), flush=True)
    for file in sorted((chosen.run / "codes").glob("*.npz")):
        split = split_of(file, generator)
        if split is None:
            raise SystemExit(f"{file}: does not say which generator and cut it is for")
        codes, sheet = load_codes(file, split), []
        edits = chosen.edits or list(attributes)
        for edit in edits:
            frames = edited(split, codes, edit, chosen.strengths)
            values = measured(frames)
            cells = row_of(edit, attributes[edit], frames, values, chosen.strengths, scale)
            everything.append({"face": file.stem, "edit": edit} | listed(values))
            lines.append(" | ".join([file.stem, *cells]))
            print(lines[-1], flush=True)
            sheet.append(list(to_uint8(frames)))
        headings = [f"{strength:+g}" for strength in chosen.strengths]
        write_image(chosen.out / f"{file.stem}.png", contact_sheet(sheet, edits, headings=headings))
    (chosen.out / "values.json").write_text(json.dumps(everything))
    (chosen.out / "edits.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
