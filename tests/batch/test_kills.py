"""Runs that are killed at random moments end as if they had not been."""

import json
import random
import time
from pathlib import Path

import pytest
from separate import contents, finish, make_inputs, start
from separate_run import BATCH, EVERY, STEPS


def kill_often(
    generator: str, inputs: Path, folder: Path, kills: int, seconds: float, seed: int = 0
) -> tuple[int, int]:
    """Compares a run that is killed at random moments with one that is not.

    Args:
        generator: `small`, or a bundled one.
        inputs: folder of images.
        folder: for the results of both.
        kills: how often.
        seconds: how long a process lives at most, counted from its first step.
        seed: of the moments.

    Returns: how often a process was killed, and how many steps of a batch were done twice.
    """
    moments, cache = random.Random(seed), folder / "cache"
    whole, log = folder / "whole", folder / "whole.log"
    finish(start(generator, inputs, whole, log, cache))
    pieces, log = folder / "pieces", folder / "pieces.log"
    killed, kept = 0, b""
    while killed < kills:
        log.touch()
        process, before = start(generator, inputs, pieces, log, cache), log.stat().st_size
        # Some at any moment of its start, which takes longer than all the rest.
        if moments.random() < 0.8:
            while process.poll() is None and log.stat().st_size == before:
                time.sleep(0.01)
        time.sleep(moments.uniform(0, seconds))
        if process.poll() is not None:
            finish(process)
            break
        process.kill()
        process.communicate()
        killed += 1
        # Nothing that was there is lost.
        file = pieces / "results.jsonl"
        now = file.read_bytes() if file.exists() else b""
        assert now.startswith(kept)
        kept = now[: now.rfind(b"\n") + 1]
    finish(start(generator, inputs, pieces, log, cache))
    assert contents(pieces) == contents(whole)
    steps = [tuple(line.split()[1:]) for line in log.read_text().splitlines() if line.count(" ")]
    return killed, len(steps) - len(set(steps))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("generator", "count", "kills", "seconds"), [("small", 60, 6, 0.5), ("faces64", 48, 4, 0.8)]
)
def test_killed_runs_end_as_others_do(
    tmp_path: Path, generator: str, count: int, kills: int, seconds: float
):
    inputs = make_inputs(tmp_path / "inputs", count)
    killed, twice = kill_often(generator, inputs, tmp_path, kills, seconds)
    assert killed >= 3
    # Of the running batch, of the one that is being written, and the step in between.
    assert twice <= killed * (2 * EVERY + 1)
    records = [json.loads(s) for s in (tmp_path / "pieces/results.jsonl").read_text().splitlines()]
    assert [record["name"] for record in records] == [f"{number:03}" for number in range(count)]
    broken = [number for number in range(count) if records[number]["status"] == "failed"]
    assert broken == list(range(3, count, 10))
    lines = (tmp_path / "whole.log").read_text().splitlines()
    assert len(lines) == -(-count // BATCH) * sum(STEPS)
