"""How much nearer to the truth faces come when a scene of them is restored and enlarged.

    python tests/benchmarks/portraits.py FOLDER --out OUT [--pixels 64 96 150] [--scale 4]

FOLDER holds square photographs of faces, cut as FFHQ is. For every number of pixels they are shrunk
to it, set side by side on a gray wall, found, restored and put back, and the scene is enlarged. Of
every face it prints LPIPS (AlexNet) against the photograph at the enlarged size, ours and that of
Lanczos' filter: within the box that the detector gives, and of the whole square. Writes the scenes.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mgp_jax import restore_photo
from mgp_jax.cli.main import enable_compilation_cache
from mgp_jax.faces import find_faces
from mgp_jax.faces.alignment import signed
from mgp_jax.images import read_image, to_uint8, write_image
from mgp_jax.perception import LPIPS
from mgp_jax.perception.lpips import bundled_lpips
from mgp_jax.portraits import enlarged

Box = tuple[float, float, float, float]


def scene_of(faces: Sequence[np.ndarray], side: int, gap: int) -> tuple[np.ndarray, list[Box]]:
    """Returns faces on a wall, uint8[H, W, 3], and their squares: left, top, right, bottom."""
    wall = np.full((side + 2 * gap, gap + (side + gap) * len(faces), 3), 128, np.uint8)
    squares = []
    for face in faces:
        left = gap + len(squares) * (side + gap)
        wall[gap : gap + side, left : left + side] = shrunk(face, side)
        squares.append((left, gap, left + side, gap + side))
    return wall, squares


def shrunk(image: np.ndarray, side: int) -> np.ndarray:
    """Returns a photograph in [-1, 1] with so many pixels a side, uint8."""
    return np.asarray(
        Image.fromarray(to_uint8(image)).resize((side, side), Image.Resampling.LANCZOS)
    )


def distance(metric: LPIPS, image: np.ndarray, truth: np.ndarray) -> float:
    """Returns LPIPS of two images, uint8."""
    return float(metric(signed(image)[None], signed(truth)[None])[0])


def cut(image: np.ndarray, box: Box, scale: int) -> np.ndarray:
    """Returns what lies within a box, in pixels of the scene that was enlarged."""
    left, top, right, bottom = (max(0, round(place * scale)) for place in box)
    return image[top:bottom, left:right]


def main() -> None:
    """Restores a scene of every size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--generator", default="faces1024")
    parser.add_argument("--pixels", nargs="*", type=int, default=(64, 96, 150))
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--batch-size", type=int, default=1)
    chosen = parser.parse_args()
    enable_compilation_cache()
    chosen.out.mkdir(parents=True, exist_ok=True)
    names = sorted(path.name for path in chosen.folder.iterdir())
    truths = [read_image(chosen.folder / name, 1024) for name in names]
    metric = bundled_lpips()
    for side in chosen.pixels:
        gap, scale = side // 4, chosen.scale
        wall, squares = scene_of(truths, side, gap)
        truth, _ = scene_of(truths, side * scale, gap * scale)
        began, found = time.process_time(), find_faces(wall)
        print(f"{side} pixels: {len(found)} of {len(truths)} faces are found", flush=True)
        restored = restore_photo(
            chosen.generator,
            wall,
            recipe=chosen.recipe,
            faces="all",
            scale=scale,
            batch_size=chosen.batch_size,
        ).image
        plain = enlarged(wall, scale)
        write_image(chosen.out / f"{side}-restored.png", restored)
        write_image(chosen.out / f"{side}-lanczos.png", plain)
        each = (time.process_time() - began) / len(truths)
        print(f"  {each:.0f} processor seconds a face")
        for name, square in zip(names, squares, strict=True):
            boxes = [face.box for face in found if square[0] < face.box[0] < square[2]]
            for part, box in [*(("box", box) for box in boxes), ("square", square)]:
                images = [cut(image, box, scale) for image in (truth, restored, plain)]
                ours, lanczos = (distance(metric, image, images[0]) for image in images[1:])
                print(f"  {name} {part}: {ours:.3f}, Lanczos {lanczos:.3f}: {ours / lanczos:.0%}")
        print(flush=True)


if __name__ == "__main__":
    main()
