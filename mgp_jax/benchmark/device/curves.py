"""Quality over time, and the same steps in PyTorch."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from importlib import resources
from importlib.util import find_spec

import numpy as np

from mgp_jax.benchmark.cost import Case, measure
from mgp_jax.benchmark.device.setting import Setting, on_cpu
from mgp_jax.benchmark.device.speed import generator_named
from mgp_jax.benchmark.quality import at_time, curve_of
from mgp_jax.benchmark.reference import run_reference
from mgp_jax.degradations import Identity
from mgp_jax.doctor import Check
from mgp_jax.errors import SettingError
from mgp_jax.images import read_image
from mgp_jax.metrics import PAIR
from mgp_jax.recipes import recipe_for

PORTRAITS = ("eileen_collins_aligned", "eileen_collins", "grace_hopper")
SECONDS = (1.0, 2.0, 5.0, 10.0)


def quality(setting: Setting) -> Iterator[Check]:
    """Yields PSNR and LPIPS of the bundled portraits after 1, 2, 5 and 10 seconds an image."""
    for name in ("faces64",) if setting.quick or on_cpu() else ("faces64", "faces1024"):
        generator = generator_named(name)
        recipe = recipe_for("fast", Identity(), generator)
        portraits = PORTRAITS
        if setting.quick:
            recipe, portraits = recipe.with_(steps=4, codes=2, candidates=4), PORTRAITS[:1]
        truths = np.stack([_portrait(portrait, generator.resolution) for portrait in portraits])
        curve, compiling = curve_of(generator, truths, Identity(), recipe)
        points = {seconds: at_time(curve, seconds) for seconds in SECONDS}
        text = ", ".join(
            f"{seconds:g} s {_scores(point)}"
            for seconds, point in points.items()
            if point is not None
        )
        end = curve[-1]
        text += f"; ends after {end['seconds']:.2f} s with {_scores(end)}"
        yield Check(name, True, text, {"curve": curve, "compile_seconds": compiling})


def pytorch(setting: Setting) -> Iterator[Check]:
    """Yields seconds a step and image of the codes' phase here and in PyTorch's loops."""
    if find_spec("torch") is None:
        yield Check("PyTorch", True, "is not installed here: nothing to compare with", None)
        return
    # A device that has idled takes tenths of a second to run at its full speed.
    device, steps, repetitions = ("cpu", 10, 5) if on_cpu() else ("cuda", 100, 50)
    few = setting.quick or on_cpu()
    names, sizes = (("faces64",), (1,)) if few else (("faces64", "faces1024", "pggan:1024"), (1, 4))
    for name in names:
        batches = [batch for _, batch in setting.chosen((name, size) for size in sizes)]
        if not batches:
            continue
        case = Case(name, codes=8, rounds=3, steps=2 if setting.quick else steps)
        ours = {batch: measure(replace(case, batch=batch))["seconds"] for batch in batches}
        arguments = ["--step-only", "--generator", name, "--codes", str(case.codes)]
        arguments += ["--perceptual", "0", "--device", device, "--loop", "tuned", "compiled"]
        arguments += ["--repetitions", str(repetitions)]
        try:
            for cost in run_reference([*arguments, "--batch", *map(str, batches)], sys.executable):
                mine, theirs = ours[cost["batch"]], cost["seconds"]
                found = f"ours {1e3 * mine:.3g} ms, PyTorch {1e3 * theirs:.3g} ms a step and image"
                found += f", ratio {mine / theirs:.2f}"
                title = f"{name}, batch {cost['batch']}, {cost['loop']}"
                yield Check(title, True, found, asdict(case) | {"ours": mine, "pytorch": cost})
        except SettingError as error:
            yield Check(name, True, str(error), {"error": str(error)})


def _scores(point: Mapping[str, float]) -> str:
    return " / ".join(f"{m.number(point[m.name])} {m.unit}".rstrip() for m in PAIR)


def _portrait(name: str, size: int) -> np.ndarray:
    with resources.as_file(resources.files("mgp_jax.assets") / f"{name}.png") as path:
        return read_image(path, size)
