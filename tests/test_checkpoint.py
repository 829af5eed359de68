"""Checkpoints: what is loaded is what was saved, and an inversion goes on from it bit for bit."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from networks import untrained

from mgp_jax import checkpoint
from mgp_jax.checkpoint import Checkpoints
from mgp_jax.errors import OutputError
from mgp_jax.generators import DCGANConfig
from mgp_jax.inversion import Inversion, Result, outline, resolve, run
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import Execution, Progress, Snapshot

PHASES = (Phase(5), Phase(6, moves=("residual",), tether=0.1))
RECIPE = Recipe("test", PHASES, codes=2)
ABOUT = {"images": [0, 1]}


@pytest.fixture(scope="module")
def inversion() -> Inversion:
    generator = untrained(DCGANConfig(8, (8, 4)), seed=1)
    return resolve(generator, recipe=RECIPE, execution=Execution(chunk=2))


@pytest.fixture(scope="module")
def observations() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def whole(inversion: Inversion, observations: np.ndarray) -> tuple[Result, list[Progress]]:
    """An inversion from end to end, and all that it reported."""
    seen: list[Progress] = []
    return run(inversion, observations, on_progress=seen.append), seen


@pytest.fixture(scope="module")
def shapes(inversion: Inversion) -> list[Snapshot]:
    return outline(inversion, 2)[1]


def assert_same(first: Any, second: Any) -> None:
    assert jax.tree.structure(first) == jax.tree.structure(second)
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_array_equal(a, b)


def test_the_outline_is_that_of_every_snapshot(
    whole: tuple[Result, list[Progress]], shapes: list[Snapshot]
):
    assert [progress.step for progress in whole[1]] == [2, 4, 5, 7, 9, 11]
    for progress in whole[1]:
        outlined = jax.tree.map(lambda x: (x.shape, x.dtype), shapes[progress.phase])
        found = jax.tree.map(lambda x: (np.shape(x), np.asarray(x).dtype), progress.snapshot)
        assert outlined == found


@pytest.mark.parametrize("place", range(6))
def test_an_inversion_goes_on_bit_for_bit(
    inversion: Inversion,
    observations: np.ndarray,
    whole: tuple[Result, list[Progress]],
    shapes: list[Snapshot],
    tmp_path: Path,
    place: int,
):
    """From within a phase, from its end, and with chunks of another length."""
    result, seen = whole
    Checkpoints(tmp_path / "here", 1, ABOUT).save(seen[place])
    snapshot = Checkpoints(tmp_path / "here", 1, ABOUT).load(lambda: shapes)
    assert snapshot is not None
    assert_same(snapshot, jax.tree.map(np.asarray, seen[place].snapshot))
    again = inversion.executed(Execution(chunk=2 + place))
    assert_same(run(again, observations, resume=snapshot), result)


def test_only_the_latest_is_kept_and_loaded(
    whole: tuple[Result, list[Progress]], shapes: list[Snapshot], tmp_path: Path
):
    checkpoints = Checkpoints(tmp_path / "here", 4, ABOUT)
    kept = []
    for progress in whole[1]:
        checkpoints.save(progress)
        folder = tmp_path / "here"
        kept.append([path.name for path in folder.iterdir()] if folder.exists() else [])
    assert kept == [[], ["4"], ["4"], ["4"], ["9"], ["9"]]
    # Who goes on from step 9 waits as long for the next one.
    again = Checkpoints(tmp_path / "here", 4, ABOUT)
    loaded = again.load(lambda: shapes)
    assert loaded is not None and loaded.phase == 1
    again.save(whole[1][-1])
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["9"]
    again.remove()
    assert not (tmp_path / "here").exists()


def test_what_does_not_fit_is_ignored(
    whole: tuple[Result, list[Progress]], shapes: list[Snapshot], tmp_path: Path
):
    folder = tmp_path / "here"

    def load(about: dict[str, Any] = ABOUT) -> Snapshot | None:
        return Checkpoints(folder, 1, about).load(lambda: shapes)

    assert load() is None
    Checkpoints(folder, 1, ABOUT).save(whole[1][0])
    assert load({"images": [1, 0]}) is None
    assert load() is not None
    # One that Orbax had not finished, something else, and a damaged one.
    (folder / "8.orbax-checkpoint-tmp").mkdir()
    (folder / "notes").mkdir()
    (folder / "9").mkdir()
    assert load() is not None
    for file in (folder / "2").rglob("*"):
        if file.is_file():
            file.write_bytes(b"")
    assert load() is None


def test_what_cannot_be_written_is_named(whole: tuple[Result, list[Progress]], tmp_path: Path):
    (tmp_path / "here").touch()
    with pytest.raises(OutputError) as caught:
        Checkpoints(tmp_path / "here" / "0", 1, ABOUT).save(whole[1][0])
    assert str(caught.value).startswith(f"{tmp_path}/here") and "\n" not in str(caught.value)


def test_a_full_disk_is_noticed_before_orbax_does(
    whole: tuple[Result, list[Progress]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    checkpoints = Checkpoints(tmp_path, 1, ABOUT)
    checkpoints.save(whole[1][0])
    usage = shutil.disk_usage(tmp_path)._replace(free=10_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OutputError, match=r"/4: .*: No space left on device$"):
        checkpoints.save(whole[1][1])
    # The one before stays.
    assert [path.name for path in tmp_path.iterdir()] == ["2"]


def test_the_systems_error_is_what_is_told(
    whole: tuple[Result, list[Progress]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*arguments: Any, **named: Any) -> None:
        raise ValueError(f"RESOURCE_EXHAUSTED: Error opening [os_error_code='{errno.EDQUOT}']")

    monkeypatch.setattr(checkpoint.ocp, "save", fail)
    with pytest.raises(OutputError, match=f"/2: cannot be written: {os.strerror(errno.EDQUOT)}$"):
        Checkpoints(tmp_path, 1, ABOUT).save(whole[1][0])
