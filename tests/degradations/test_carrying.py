"""Degradations of photographs, for the faces in them."""

import numpy as np
import pytest
from operators import apply, images

from mgp_jax import parse
from mgp_jax.degradations import Downsample, Mask, Resize, carried
from mgp_jax.errors import SettingError
from mgp_jax.images import MaskPicture

REDUCED = "resize:20:bicubic-antialias"
CASES = {
    "identity": REDUCED,
    "gray": f"{REDUCED}|gray",
    "down:4": REDUCED,
    "gray|down:2:bilinear|noise:0.05": f"gray|{REDUCED}|noise:0.05",
    "blur:gaussian:1|jpeg:30": f"{REDUCED}|blur:gaussian:1|jpeg:30",
    "resize:9|down:3": REDUCED,
}


@pytest.mark.parametrize("spec", CASES)
def test_the_faces_own_size_decides(spec: str):
    degradation = parse(spec, 36)
    assert str(carried(degradation, 20, 32)) == CASES[spec]
    whole = "|".join(part for part in CASES[spec].split("|") if not part.startswith("resize"))
    assert str(carried(degradation, 32, 32)) == (whole or "identity")


@pytest.mark.parametrize("spec", ["mask:center:8", "gray|mask:random:0.5", "impulse:0.1", "cs:0.2"])
def test_what_belongs_to_one_square_is_refused(spec: str):
    with pytest.raises(SettingError, match="--faces none"):
        carried(parse(spec, 32), 20, 32)


def test_the_holes_are_those_of_the_square():
    missing = np.zeros((20, 20), bool)
    missing[3:5] = True
    picture = MaskPicture("scratches.png", np.eye(50, dtype=bool))
    mask = Mask.from_array(np.eye(32), "mask:scratches.png", picture)
    own = carried(mask, 20, 32, missing)
    np.testing.assert_array_equal(own.support[..., 0], ~missing)
    assert str(own) == f"{REDUCED}|mask:scratches.png"
    assert str(carried(mask, 20, 32, np.zeros((20, 20), bool))) == REDUCED


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("method", ["area", "bilinear", "bicubic-antialias"])
def test_resizing_by_a_whole_factor_is_downsampling(factor: int, method: str):
    (image,) = images()
    expected = apply(Downsample(factor, method), image)
    np.testing.assert_allclose(apply(Resize(32 // factor, method), image), expected, atol=1e-5)


@pytest.mark.parametrize("size", [1, 5, 13, 31, 32])
def test_the_mean_stays(size: int):
    (image,) = images()
    mean = np.asarray(apply(Resize(size), image)).mean((0, 1))
    np.testing.assert_allclose(mean, image.mean((0, 1)), atol=1e-5)
