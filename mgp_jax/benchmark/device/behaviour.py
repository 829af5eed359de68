"""Whether inversions on the device behave: they fall, repeat, resume, and keep images apart."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np

from mgp_jax.benchmark.device.networks import smallest
from mgp_jax.benchmark.device.parity import difference, the_cpu
from mgp_jax.benchmark.device.setting import Setting, on_cpu
from mgp_jax.checkpoint import Checkpoints
from mgp_jax.degradations import Identity
from mgp_jax.doctor import Check
from mgp_jax.generators import Generator
from mgp_jax.inversion import Inversion, Result, image_keys, outline, resolve, run
from mgp_jax.recipes import RECIPES, Phase, Recipe, recipe_for
from mgp_jax.sharding import batch_mesh
from mgp_jax.solve import Execution, Progress

# Codes, then the composed map.
SHORT = Recipe("short", (Phase(12), Phase(8, moves=("residual",), tether=0.01)), codes=4)
IMAGES = 4
# In units of the loss: rounding, which Adam amplifies where a gradient is small; bfloat16's.
ROUNDING, DRIFT = 0.01, 0.1


class Stopped(Exception):  # noqa: N818  # it is none
    """Ends a run in the middle."""


def recipes(setting: Setting) -> Iterator[Check]:
    """Yields one inversion of every recipe: does the loss fall, and does it begin as on a CPU."""
    generator = smallest("mobile_stylegan")
    for name in list(RECIPES)[:1] if setting.quick else RECIPES:
        recipe = _short(recipe_for(name, Identity(), generator), generator)
        inversion = resolve(generator, recipe=recipe)
        losses = run(inversion, targets(generator, 2)).losses
        ok = bool(np.all(np.isfinite(losses)) and np.all(losses.min(axis=1) < losses[:, 0]))
        text = f"loss {losses[:, 0].mean():.3g} to {losses.min(axis=1).mean():.3g}"
        facts = {"first": float(losses[:, 0].mean()), "least": float(losses.min(axis=1).mean())}
        if not on_cpu():
            with jax.default_device(the_cpu()):
                reference = run(inversion, targets(generator, 2)).losses
            facts["difference"] = difference(losses[:, 0], reference[:, 0])
            ok = ok and facts["difference"] < DRIFT
            text += f", the first {facts['difference']:.1e} from the CPU's"
        yield Check(f"recipe {name}", ok, text, facts)


def repetition(setting: Setting) -> Iterator[Check]:
    """Yields whether a run again gives the same bits, and what resuming and batches change."""
    del setting
    generator = smallest("dcgan")
    inversion, images = resolve(generator, recipe=SHORT), targets(generator, IMAGES)
    whole = run(inversion, images)
    yield _equal("again", whole, run(inversion, images))
    yield _equal("resumed in the middle", whole, _resumed(inversion, images))
    keys = image_keys(inversion.seed, np.arange(IMAGES))
    alone = run(inversion, images[:1], keys=keys[:1])
    yield _near("alone instead of among four", alone, whole.rows(slice(0, 1)), ROUNDING)
    mesh = batch_mesh()
    if mesh is not None:
        many = targets(generator, mesh.size)
        split = run(inversion.executed(Execution(mesh=mesh)), many)
        yield _near(f"on {mesh.size} devices", split, run(inversion, many), ROUNDING)
    low = inversion.executed(replace(inversion.execution, precision="bfloat16"))
    yield _near("in bfloat16", run(low, images), whole, DRIFT)


def targets(generator: Generator, count: int) -> np.ndarray:
    """Returns smooth images float32[count, H, W, C] in [-1, 1]."""
    height, width, channels = generator.image_shape
    y, x = np.mgrid[:height, :width] / height
    planes = [np.sin(k + 3 * x) * np.cos(k - 2 * y) for k in range(count * channels)]
    images = np.stack(planes).reshape(count, channels, height, width).transpose(0, 2, 3, 1)
    return images.astype(np.float32)


def _short(recipe: Recipe, generator: Generator) -> Recipe:
    """A recipe of few steps, codes and candidates, cut where a small network has a layer."""
    layer = recipe.layer
    if isinstance(layer, int):
        layer = min(layer, generator.default_cut())
    codes, candidates = min(recipe.codes, 4), min(recipe.candidates, 8)
    return recipe.with_(steps=6, codes=codes, candidates=candidates, layer=layer)


def _resumed(inversion: Inversion, images: np.ndarray) -> Result:
    """Stops in the middle of the first phase, goes through a checkpoint, and runs on."""
    inversion = inversion.executed(replace(inversion.execution, chunk=5))

    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder) / "checkpoints", 0, {})

        def stop(progress: Progress) -> None:
            checkpoints.save(progress)
            raise Stopped

        with contextlib.suppress(Stopped):
            run(inversion, images, on_progress=stop)
        snapshot = checkpoints.load(lambda: outline(inversion, len(images))[1])
    assert snapshot is not None and int(np.max(snapshot.state.step)) == 5
    return run(inversion, images, resume=snapshot)


def _equal(name: str, one: Result, other: Result) -> Check:
    pairs = [(a, b) for a, b in zip(_leaves(one), _leaves(other), strict=True)]
    ok = all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
    off = difference(other.losses, one.losses)
    found = "the same bits" if ok else f"other bits, losses {off:.1e} apart"
    return Check(name, ok, found, {"equal": ok, "losses": off})


def _near(name: str, one: Result, other: Result, limit: float) -> Check:
    # The first losses: later ones say how Adam amplifies it.
    first, last = (difference(one.losses[:, k], other.losses[:, k]) for k in (0, -1))
    found = f"losses {first:.1e} apart at first, {last:.1e} at last"
    return Check(name, first < limit, found, {"first": first, "last": last})


def _leaves(result: Result) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves((result.images, result.codes))]
