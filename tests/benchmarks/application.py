"""Whether the application's memory stays bounded: many restorations and edits, one after another.

    python tests/benchmarks/application.py [--generator faces64] [--runs 100]

Twenty kinds of faults, each with and without holes, in random order, with few steps; every third
result is edited. Prints the memory of the process as it goes, and by how much the second half of
the runs needs more than the first. Linux alone.
"""

import argparse
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mgp_jax.app.editing import PREVIEW, Edits, levers_of
from mgp_jax.app.restoring import Restored
from mgp_jax.app.service import Service
from mgp_jax.app.uploads import accept
from mgp_jax.app.visitors import UPLOAD
from mgp_jax.app.wishes import Wish
from mgp_jax.cli.main import enable_compilation_cache
from mgp_jax.recipe_files import write_recipe
from mgp_jax.recipes import Phase, Recipe

FEW_STEPS = Recipe("few steps", (Phase(4), Phase(4, moves=("residual",))), codes=6)
FAULTS = (
    *({"blurred": radius} for radius in (1.0, 2.0)),
    *({"small": times} for times in (2.0, 4.0)),
    *({"jpeg": quality} for quality in (30.0, 60.0)),
    *({"noisy": sigma} for sigma in (0.1, 0.2)),
    {"small": 2.0, "noisy": 0.1},
    {},
)


@dataclass(frozen=True)
class Kind:
    """What is wrong with a photograph."""

    faults: dict[str, float | None]
    holes: bool


def kinds() -> list[Kind]:
    """Returns all kinds."""
    colours: tuple[dict[str, None], ...] = ({}, {"gray": None})
    return [Kind({**f, **gray}, h) for gray in colours for f in FAULTS for h in (False, True)]


def memory() -> float:
    """Returns what the process occupies, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def wish_of(kind: Kind, generator: str, photograph: Path, recipe: Path) -> Wish:
    """Returns what a visitor wants who has such a photograph."""
    holes = np.zeros((80, 90), bool)
    holes[30:40, 30:40] = True
    faults = dict(kind.faults)
    return Wish(generator, photograph, faults, holes if kind.holes else None, recipe=str(recipe))


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", default="faces64")
    parser.add_argument("--runs", type=int, default=100)
    arguments = parser.parse_args()
    enable_compilation_cache()
    all_kinds = kinds()
    places = np.resize(np.arange(len(all_kinds)), arguments.runs)
    order = [all_kinds[k] for k in np.random.default_rng(0).permutation(places)]
    service = Service([arguments.generator])
    generator, visitor = service.generator(arguments.generator), service.visitors.find("visitor")
    lever = levers_of(generator)[0].spec
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "few.json"
        write_recipe(recipe, FEW_STEPS)
        y, x = np.mgrid[:80, :90] / 90
        pixels = np.stack([200 * x, 250 * y, 100 + 0 * x], -1).astype(np.uint8)
        Image.fromarray(pixels).save(Path(folder) / "photo.png")
        given = accept(Path(folder) / "photo.png", "photo.png", visitor.folder / UPLOAD).file
        taken: list[float] = []
        for number, kind in enumerate(order, 1):
            wish = wish_of(kind, arguments.generator, given, recipe)
            *_, restored = service.restoring(visitor, wish)
            assert isinstance(restored, Restored)
            if number % 3 == 0:
                codes = restored.codes[0]

                def draw(ticket: object, codes: Path = codes) -> None:
                    face = service.faces.find(codes, generator)
                    for size in (PREVIEW, None):
                        face.edited(Edits({lever: 1.0}), size)

                service.worker.submit(draw, visitor.name, quick=True).result()
            taken.append(memory())
            if number % 10 == 0:
                seconds = time.process_time()
                print(f"{number} runs: {taken[-1]:.0f} MiB, {seconds:.0f} s of CPU", flush=True)
    service.close()
    first, second = np.split(np.array(taken), [arguments.runs // 2])
    for what, of in (("most", np.max), ("mean", np.mean)):
        before, after = of(first), of(second)
        print(f"{what}: {before:.0f} MiB, then {after:.0f} MiB: {after / before - 1:+.1%}")


if __name__ == "__main__":
    main()
