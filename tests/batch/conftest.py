"""A run over a folder of which some files are broken."""

import shutil
from pathlib import Path

import pytest
from folder_runs import RECIPE, picture
from jobs import make_job
from networks import untrained

from mgp_jax.batch import Job, run
from mgp_jax.generators import DCGANConfig, Generator


@pytest.fixture(scope="module")
def generator() -> Generator:
    """16 pixels: no LPIPS, which would take most of the time."""
    return untrained(DCGANConfig(8, (8, 4)), seed=1, name="small")


@pytest.fixture(scope="module")
def job(generator: Generator) -> Job:
    return make_job(generator, RECIPE, batch_size=2)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six files in the order of their names, of which b, d and e are broken."""
    folder = tmp_path_factory.mktemp("inputs")
    picture(20, 0).save(folder / "a.png")
    (folder / "b.png").write_text("This is a letter, not a photograph.")
    picture(16, 1).save(folder / "c.png")
    picture(300, 2).save(folder / "d.png")
    whole = (folder / "d.png").read_bytes()
    (folder / "d.png").write_bytes(whole[: len(whole) // 2])
    picture(1, 3).save(folder / "e.png")
    picture(33, 4).save(folder / "f.png")
    return folder


@pytest.fixture(scope="module")
def first(job: Job, inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a complete run."""
    out = tmp_path_factory.mktemp("first")
    run(job, [inputs], out)
    return out


@pytest.fixture
def copy(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "copy"))
