"""Masks from the field: how each is made, what is said, and whether it is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Mgp
from field import HOLE, LEVELS, SMALL_HOLE, save, stack
from odd_files import photograph, pixels
from PIL import Image

from mgp_jax import cli

# Masks: how each is made, what is said, and whether it is refused.


def palette_mask() -> None:
    picture = Image.fromarray(LEVELS // 255, "P")
    picture.putpalette([0, 0, 0, 255, 255, 255])
    picture.save("mask.png")


def smooth_mask() -> None:
    large = Image.fromarray(LEVELS.repeat(4, 0).repeat(4, 1))
    large.resize((64, 64), Image.Resampling.BICUBIC).save("mask.png")


NOTHING, ALPHA = 0 * LEVELS, LEVELS
MASKS: dict[str, tuple[Callable[[], object], str, tuple[Any, ...]]] = {
    "black and white": (save("mask.png", LEVELS), "", ()),
    "strokes in alpha": (save("mask.png", stack(NOTHING, NOTHING, NOTHING, ALPHA)), "", ()),
    "white strokes": (save("mask.png", stack(LEVELS, LEVELS, LEVELS, ALPHA)), "", ()),
    "gray with alpha": (save("mask.png", stack(NOTHING + 90, ALPHA)), "", ()),
    "opaque": (save("mask.png", stack(LEVELS, LEVELS, LEVELS, NOTHING + 255)), "", ()),
    "0 and 1": (save("mask.png", LEVELS // 255), "", ()),
    "0 and 1 in colour": (save("mask.png", stack(*[LEVELS // 255] * 3)), "", ()),
    "16 bits": (save("mask.png", LEVELS.astype(np.uint16) * 257), "", ()),
    "16 bits, 0 and 1": (save("mask.png", (LEVELS // 255).astype(np.uint16)), "", ()),
    "16 bits, 0 and 255": (save("mask.png", LEVELS.astype(np.uint16)), "", ()),
    "floating point": (save("mask.tif", HOLE.astype(np.float32)), "", ("mask.tif",)),
    "one bit": (save("mask.png", HOLE), "", ()),
    "palette": (palette_mask, "", ()),
    "JPEG": (save("mask.jpg", LEVELS, quality=60), "", ("mask.jpg",)),
    "smooth edges": (smooth_mask, "", ()),
    "inverted": (save("mask.png", 255 - LEVELS), "", ("mask.png", "--invert-mask")),
    "of the generator's size": (save("mask.png", LEVELS[::4, ::4].copy()), "", ()),
    "a multiple of it": (save("mask.png", LEVELS[::2, ::2].copy()), "", ()),
    "the wrong way round": (
        save("mask.png", 255 - LEVELS),
        "note: scratched.png: 91% of it is missing in mask.png; if that is the wrong part, "
        "--invert-mask turns the mask round",
        (),
    ),
    "colours and alpha": (save("mask.png", stack(*pixels().T, ALPHA.T).swapaxes(0, 1)), "1", ()),
    "a photograph": (save("mask.png", pixels()), "1", ()),
    "gray levels": (save("mask.png", NOTHING + 100), "1", ()),
    "labels": (save("mask.png", LEVELS // 100), "1", ()),
    "all white": (save("mask.png", NOTHING + 255), "1", ()),
    "all black": (save("mask.png", NOTHING), "1", ()),
    "another shape": (save("mask.png", LEVELS[:, :60].copy()), "1", ()),
    "text": (lambda: Path("mask.png").write_text("Dear all"), "1", ()),
    "inverted square": (lambda: None, "2", ("center:4", "--invert-mask")),
}
REFUSED = {
    "colours and alpha": "both colours and transparency vary",
    "a photograph": "gray or coloured",
    "gray levels": "gray or coloured",
    "labels": "its brightest level is 0.8% of white",
    "all white": "no pixel is known",
    "all black": "no pixel is missing",
    "another shape": "a mask of 60x64 pixels does not fit, the photograph's 64x64, 16x16 or",
    "text": "is not an image",
    "inverted square": "center:4 is no image",
}


def inpaint(mgp: Mgp, place: Path, photo: str, *mask: Any, out: str = "out"):
    own = ("--generator", place / "small.safetensors", "--recipe", place / "recipe.json")
    return mgp("inpaint", photo, "--out", out, *own, "--batch-size", 1, "--mask", *mask)


@pytest.mark.parametrize("name", MASKS)
def test_masks(mgp: Mgp, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.chdir(tmp_path)
    make, said, mask = MASKS[name]
    make()
    (tmp_path / "scratched.png").write_bytes((place / "scratched.png").read_bytes())
    done = inpaint(mgp, place, "scratched.png", *(mask or ("mask.png",)))
    if name in REFUSED:
        assert done.status == int(said) and REFUSED[name] in done.err, done.err
        assert done.err.startswith("mgp: ") and done.err.count("\n") == 1
        assert not Path("out").exists()
        return
    assert done.status == cli.OK, done.err
    assert ("note: " in done.err) == bool(said) and said in [*done.err.splitlines(), ""]
    missing = np.asarray(Image.open("out/masks/scratched.png")) == 255
    inside = ~SMALL_HOLE if said else SMALL_HOLE
    if name in ("JPEG", "smooth edges"):
        assert missing[SMALL_HOLE].all() and missing.mean() < 2 * SMALL_HOLE.mean()
    elif said:  # A pixel with any missing part is missing.
        assert missing[inside].all()
    else:
        np.testing.assert_array_equal(missing, inside)
    # Known pixels are those of the photograph before it was scratched.
    result = np.asarray(Image.open("out/images/scratched.png")).astype(int)
    clean = np.asarray(photograph().resize((16, 16), Image.Resampling.LANCZOS)).astype(int)
    if not said:
        assert np.abs(result - clean)[~missing].max() <= 3
    if name == "strokes in alpha":
        assert "masks/scratched.png" in Path("out/index.html").read_text()


def test_masks_of_the_photographs_own_shapes(
    mgp: Mgp, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A folder of masks, one for each photograph; one is upright, as its photograph is not."""
    monkeypatch.chdir(tmp_path)
    for folder in ("photos", "masks"):
        Path(folder).mkdir()
    wide = np.pad(LEVELS, [(0, 0), (20, 8)])
    Image.fromarray(pixels(92, 64)).save("photos/wide.png")
    Image.fromarray(wide).save("masks/wide.tif")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.fromarray(np.rot90(pixels(64, 80)))
    turned.save("photos/tall.jpg", quality=95, exif=exif)
    Image.fromarray(np.pad(LEVELS, [(8, 8), (0, 0)])).save("masks/tall.png")
    photograph().save("photos/alone.png")
    done = inpaint(mgp, place, "photos", "masks")
    assert done.status == cli.SOME_FAILED
    assert done.err.count("failed: ") == 1
    assert "photos/alone.png: masks must hold one mask named alone.*, there is none" in done.err
    tall, broad = (
        np.asarray(Image.open(f"out/masks/{stem}.png")) == 255 for stem in ("tall", "wide")
    )
    np.testing.assert_array_equal(tall, SMALL_HOLE)
    # Of the central square, which begins at 14, columns 22 to 45 are missing.
    np.testing.assert_array_equal(broad[6:10].all(0), (np.arange(16) >= 5) & (np.arange(16) < 12))
    assert broad.sum() == 4 * 7
    # The same again has nothing to do; another mask is another run.
    assert inpaint(mgp, place, "photos", "masks").status == cli.SOME_FAILED
    Image.fromarray(255 - wide).save("masks/wide.tif")
    done = inpaint(mgp, place, "photos", "masks")
    assert done.status == cli.WRONG_USAGE and "the mask of" in done.err
    assert "wide.png has changed" in done.err
