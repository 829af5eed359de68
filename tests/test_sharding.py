"""Batches over several devices: the same numbers, and no communication."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mgp_jax.errors import SettingError
from mgp_jax.sharding import batch_mesh, join_processes, over_images

HERE = Path(__file__).parent

PROBE = """
import json
import jax
import numpy as np
from networks import untrained
from runs import solved
from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig
from mgp_jax.inversion import draw, outline, pose, resolve, run
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.sharding import batch_mesh
from mgp_jax.solve import Execution, advance

generator = untrained(DCGANConfig(8, (8, 4)), seed=1)
phases = (Phase(4), Phase(4, moves=("residual",), tether=0.1))
recipe = Recipe("test", phases, codes=2, candidates=16)
mesh = batch_mesh()
observations = np.random.default_rng(0).uniform(-1, 1, (8, 16, 16, 3)).astype(np.float32)
observations[3] = np.nan  # Stops at once; the other devices go on.
results = []
for execution in (Execution(), Execution(mesh=mesh)):
    inversion = resolve(generator, recipe=recipe, execution=execution)
    solution = solved(inversion, observations)
    given = pose(inversion, observations).given
    results.append((solution, draw(given, solution.variables, inversion.phases[-1])))
differences = jax.tree.map(
    lambda a, b: float(np.nanmax(np.abs(np.asarray(a) - np.asarray(b)))), *results
)
problem, snapshots = outline(inversion, 8)
texts = [
    advance.lower(problem, snapshot.state, 1, phase).compile().as_text()
    for phase, snapshot in zip(inversion.phases, snapshots)
]
words = ("all-reduce", "all-gather", "all-to-all", "collective", "reduce-scatter", "send", "recv")
try:
    run(inversion, np.zeros((7, 16, 16, 3)))
except SettingError as error:
    refused = str(error)
print(json.dumps({
    "devices": mesh.size,
    "differences": max(jax.tree.leaves(differences)),
    "steps": [solution.steps.tolist() for solution, _ in results],
    "partitions": ["num_partitions=8" in text for text in texts],
    "communication": [word for word in words for text in texts if f" {word}" in text],
    "refused": refused,
}))
"""


def test_eight_devices():
    environment = os.environ | {
        "JAX_NUM_CPU_DEVICES": "8",
        "PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parent))),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROBE],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["devices"] == 8
    assert found["differences"] < 1e-4
    assert found["steps"] == [[8, 8, 8, 1, 8, 8, 8, 8]] * 2
    assert found["partitions"] == [True, True] and found["communication"] == []
    assert found["refused"] == "a batch must be a multiple of the 8 devices"


def test_one_device_needs_no_mesh():
    assert batch_mesh(["the only one"]) is None
    assert over_images(np.sum, None) is np.sum


def test_processes_that_nothing_tells_of(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in os.environ if name.startswith(("SLURM", "OMPI", "KUBERNETES"))]:
        monkeypatch.delenv(name)
    with pytest.raises(SettingError) as caught:
        join_processes()
    assert str(caught.value).startswith("distributed: ") and "\n" not in str(caught.value)
    monkeypatch.setenv("JAX_NUM_PROCESSES", "two")
    with pytest.raises(SettingError, match="JAX_NUM_PROCESSES: 'two' is no number"):
        join_processes()
