"""The cost of a step: measured in a process of its own, and what is made of it."""

import dataclasses
from pathlib import Path

import pytest

from mgp_jax.benchmark.cost import (
    Case,
    against_floor,
    growth,
    measure_apart,
    named_generator,
    suite,
)
from mgp_jax.errors import SettingError, WeightsError
from mgp_jax.generators import Generator, save_weights


@pytest.fixture
def saved(tmp_path: Path, tiny: Generator) -> str:
    path = tmp_path / "tiny.safetensors"
    config = dataclasses.asdict(tiny.config)
    save_weights(path, "dcgan", config, tiny.params, {"source": "a test"}, "")
    return str(path)


def test_a_case_of_its_own(saved: str):
    case = Case(saved, layer="2", codes=3, batch=2, rounds=2, steps=2)
    record = against_floor(measure_apart(case), 1e9, 1e8)
    assert dataclasses.asdict(case).items() <= record.items()
    assert 0 < record["seconds"] < 5 and record["processor_seconds"] > 0
    assert record["compile_seconds"] > 0.01 and 0.05 < record["peak_gib"] < 8
    assert record["flops"] > 1e5 and 0 < record["loss"] < 4
    assert record["over_floor"] == pytest.approx(record["seconds"] / (record["flops"] / 1e9))
    assert record["traffic_seconds"] == pytest.approx(record["bytes"] / 1e8)


def test_a_case_that_fails_says_why(saved: str):
    record = against_floor(measure_apart(Case(saved, layer="9")), 1e9, 1e8)
    assert record["error"].startswith("layer 9: ") and "seconds" not in record


def test_names_of_generators(saved: str):
    assert named_generator(saved).resolution == 32
    with pytest.raises(SettingError, match="pggan:100: a resolution"):
        named_generator("pggan:100")
    with pytest.raises(WeightsError):
        named_generator("absent.safetensors")


def test_the_suite_covers_what_is_wanted():
    cases = suite()
    assert len(set(cases)) == len(cases)
    named = {"faces64", "faces1024", "stylegan2:256", "pggan:256", "pggan:1024"}
    assert named <= {case.generator for case in cases}
    assert Case("pggan:256", "8", 20, 1, rounds=2, steps=3) in cases
    assert {case.generator for case in suite(quick=True)} == {"faces64"}


def test_growth():
    plain = {"generator": "g", "layer": None, "codes": 20, "batch": 1, "perceptual": 0.0}
    records = [
        plain | {"perceptual": 0.1, "seconds": 9.0},
        plain | {"seconds": 1.0},
        plain | {"batch": 4, "seconds": 0.5},
        plain | {"codes": 5, "seconds": 0.3},
        plain | {"codes": 40, "error": "no memory"},
        plain | {"generator": "h", "seconds": 7.0},
    ]
    assert growth(records, "batch") == [(1, 1.0), (4, 2.0)]
    assert growth(records, "codes") == [(5, 0.3), (20, 1.0)]
    assert growth([], "codes") == []
