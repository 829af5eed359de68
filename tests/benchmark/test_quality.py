"""Quality over time: what a curve says, and the tables and diagrams made of curves."""

import math
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from mgp_jax.benchmark import quality, tables
from mgp_jax.benchmark.quality import at_time, curve_of, mean_curve, time_to
from mgp_jax.benchmark.reference import run_reference
from mgp_jax.degradations import parse
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator
from mgp_jax.metrics import compare
from mgp_jax.recipes import Phase, Recipe, codes_only
from mgp_jax.recipes.small import FAST
from mgp_jax.restoration import restore


def curve(*points: tuple[int, float, float]) -> list[dict[str, float]]:
    return [{"step": s, "seconds": t, "psnr": p, "lpips": 1 / p} for s, t, p in points]


SLOW = curve((100, 1.5, 20.0), (200, 3.0, 24.0), (500, 7.5, 26.0), (1000, 15.0, 27.0))
QUICK = curve((10, 0.2, 19.0), (20, 0.4, 25.0), (30, 0.6, 24.0), (40, 0.8, 26.5))


def test_looking_up_a_curve():
    assert at_time(SLOW, 1.0) is None
    assert at_time(SLOW, 3.0) == SLOW[1] and at_time(SLOW, 99.0) == SLOW[3]
    assert time_to(QUICK, 24.0) == 0.4 and time_to(QUICK, 26.5) == 0.8
    assert time_to(QUICK, 26.6) is None


def test_mean_of_curves_of_single_images():
    other = curve((100, 2.5, 22.0), (300, 3.0, 24.0), (1000, 17.0, 31.0))
    mean = mean_curve([SLOW, other])
    assert [point["step"] for point in mean] == [100, 1000]
    assert mean[0]["seconds"] == 2.0 and mean[1]["psnr"] == 29.0
    assert mean_curve([]) == []


def test_when_the_reference_is_reached():
    found = tables.milestones(SLOW, {"quick": QUICK})
    assert [entry["step"] for entry in found] == [200, 500, 1000]
    quick = [entry["ours"]["quick"] for entry in found]
    assert quick[0] == {"seconds": 0.4, "ratio": pytest.approx(3.0 / 0.4)}
    assert quick[1] == {"seconds": 0.8, "ratio": pytest.approx(7.5 / 0.8)}
    assert quick[2] == {"seconds": None, "ratio": None}
    text = tables.milestone_table(found)
    assert "| 200 steps | 24 | 0.0417 | 3 | 0.40 (7.5) |" in text
    assert text.splitlines()[-1].endswith("| - |")
    ended = [*SLOW[:2], *curve((300, 4.5, 25.0))]
    assert [entry["step"] for entry in tables.milestones(ended, {"quick": QUICK})] == [200, 300]


def test_tables():
    text = tables.quality_table({"slow": [SLOW, SLOW], "quick": [QUICK]})
    rows = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in text.splitlines()[2:4]}
    assert [cell.strip() for cell in rows["slow"]] == [
        "-", "20.00 / 0.050", "24.00 / 0.042", "26.00 / 0.038",
        "27.00 / 0.037*", "27.00 / 0.037*",
    ]  # fmt: skip
    assert {cell.strip() for cell in rows["quick"]} == {"26.50 / 0.038*"}
    table = tables.markdown_table(["a", "b"], [[1, 0.123456], [None, math.nan]])
    assert table == "| a | b |\n| --- | ---: |\n| 1 | 0.123 |\n| - | - |"


def test_plot(tmp_path: Path):
    tables.plot_quality({"slow": [SLOW, SLOW], "quick": [QUICK]}, "x", tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as picture:
        assert min(picture.size) > 300
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 100


def test_costs_beside_the_reference():
    record = {
        "generator": "faces64", "layer": None, "codes": 20, "batch": 1, "perceptual": 0.001,
        "seconds": 0.04, "processor_seconds": 0.07, "flops": 8.6e9, "over_floor": 1.3,
        "bytes": 2e9, "traffic_seconds": 0.03,
        "compile_seconds": 9.0, "peak_gib": 0.5,
    }  # fmt: skip
    loops = {"tuned": 0.05, "compiled": 0.08, "published": 0.25}
    beside = record | {"reference": {name: {"seconds": loops[name]} for name in loops}}
    eager = record | {"reference": {"tuned": {"seconds": 0.05}}}
    compiled = record | {"reference": {"tuned": {"seconds": 0.5}, "compiled": {"seconds": 0.02}}}
    wrong = {**record, "error": "no memory", "codes": 40}
    lines = tables.cost_table([record, beside, eager, compiled, wrong]).splitlines()[2:]
    assert lines[0].endswith("| 0.04 | 0.07 | 8.6 | 1.3 | 2 | 0.03 | 9 | 0.5 | - | - | - | - |")
    assert lines[1].endswith("| 0.05 | 0.08 | 0.8 | 0.25 |")
    assert lines[2].endswith("| 0.05 | - | 0.8 | - |")
    assert lines[3].endswith("| 0.5 | 0.02 | 2 | - |")
    assert "| 40 | 1 | True | no memory |" in lines[4]
    assert len({line.count("|") for line in lines}) == 1


def test_codes_alone():
    assert codes_only(FAST["inversion"]).phases == FAST["inversion"].phases[:1]


def test_a_curve_ends_with_what_the_recipe_gives(
    monkeypatch: pytest.MonkeyPatch, tiny: Generator, photographs: np.ndarray
):
    degradation = parse("mask:center:8", 32)
    recipe = Recipe("x", (Phase(4), Phase(5, moves=("residual",))), codes=2, layer=2)
    # Looking at the images takes an hour, by this clock.
    hours = []
    clock = SimpleNamespace(perf_counter=lambda: time.perf_counter() + 3600 * len(hours))
    monkeypatch.setattr(quality, "time", clock)
    monkeypatch.setattr(quality, "compare", lambda *given: (hours.append(1), compare(*given))[1])
    points, compilation = curve_of(tiny, photographs, degradation, recipe, chunk=2)
    assert [point["step"] for point in points] == [2, 4, 6, 8, 9]
    seconds = [point["seconds"] for point in points]
    assert seconds == sorted(seconds) and seconds[0] > 0
    # Neither compilation nor looking counts.
    assert len(hours) == len(points) and seconds[-1] < 1000 and 0.1 < compilation < 1000
    observations = np.stack([degradation(jnp.asarray(x)) for x in photographs])
    restored = restore(tiny, observations, degradation, recipe).images
    expected = np.mean(np.array(compare(restored, photographs)["psnr"], float))
    # The iterate behind the last step counts in the end and may be the better one.
    assert points[-1]["psnr"] == pytest.approx(expected, abs=1.0)


def test_a_curve_is_that_of_what_is_put_back(tiny: Generator, photographs: np.ndarray):
    degradation = parse("gray", 32)
    recipe = Recipe("x", (Phase(2),), codes=2, layer=2, saturation=0.0)
    points, _ = curve_of(tiny, photographs, degradation, recipe, chunk=1)
    gray = np.stack([degradation(jnp.asarray(x)) for x in photographs]).repeat(3, axis=3)
    known = np.mean(np.array(compare(gray, photographs)["psnr"], float))
    assert [point["psnr"] for point in points] == pytest.approx([known, known], abs=1e-3)


SCRIPT = """
import json, sys
import mgp_jax.errors
for n in range(int(sys.argv[1])):
    print(json.dumps({"n": n}), flush=True)
if sys.argv[2] == "fail":
    import no_such_framework
"""


def test_running_a_reference(tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    assert list(run_reference(["3", "well"], sys.executable, script)) == [
        {"n": n} for n in range(3)
    ]
    records = run_reference(["1", "fail"], sys.executable, script)
    assert next(records) == {"n": 0}
    with pytest.raises(SettingError, match=r"reference script\.py: .*no_such_framework"):
        next(records)
    with pytest.raises(SettingError, match="there is no such file"):
        next(run_reference([], sys.executable, tmp_path / "absent.py"))
    with pytest.raises(SettingError, match="cannot be run"):
        next(run_reference([], os.fspath(tmp_path / "no-python"), script))
