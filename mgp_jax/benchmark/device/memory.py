"""Whether the memory limit is kept, by the allocator's own statistics, and the device shared."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax

from mgp_jax.benchmark.device.behaviour import SHORT, targets
from mgp_jax.benchmark.device.networks import smallest
from mgp_jax.benchmark.device.setting import ROOT, Setting
from mgp_jax.doctor import Check
from mgp_jax.generators import load_generator
from mgp_jax.inversion import resolve, run
from mgp_jax.memory import fit, required

SECONDS = 90
# What another process does while this one holds the device.
OTHER = "from mgp_jax.doctor import check_rendering as c; r = c('it'); print(r.found, r.ok)"
FITTED = (
    "import json; from mgp_jax.benchmark.device.memory import fitted; "
    "print(json.dumps(fitted({quick})))"
)


def limit(setting: Setting) -> Iterator[Check]:
    """Yields whether a run that was fitted into a limit stays below it.

    It runs twice in processes of its own: compilers try out convolutions that take more memory than
    the one they choose, and the allocator tells only the highest peak. The second process compiles
    nothing.
    """
    if not statistics():
        yield judged(fitted(setting.quick))
        return
    with tempfile.TemporaryDirectory() as cache:
        known = {
            "JAX_COMPILATION_CACHE_DIR": cache,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
        program = FITTED.format(quick=setting.quick)
        compiled = _apart(program, setting, known)
        done = compiled if isinstance(compiled, str) else _apart(program, setting, known)
    if isinstance(done, str):
        yield Check("limit", False, done, None)
    else:
        yield judged(json.loads(done[-1]))


def fitted(quick: bool) -> dict[str, Any]:
    """Fits a run of eight images into the memory that two take, and says what it took."""
    generator = smallest("dcgan") if quick else load_generator("faces64")
    inversion = resolve(generator, recipe=SHORT)
    images, bound = 8, float(required(inversion, 2))
    count, slices = fit(inversion, images, 1, bound)
    executed = inversion.executed(replace(inversion.execution, slices=slices))
    observations = targets(generator, count)
    before = statistics()
    run(executed, observations)
    return {
        "limit": bound,
        "images": count,
        "slices": slices,
        "before": before,
        "after": statistics(),
    }


def judged(facts: dict[str, Any]) -> Check:
    """Holds what `fitted` has said against the limit."""
    bound, count, after = facts["limit"], facts["images"], facts["after"]
    text = f"{bound / 1e6:.1f} MB: {count} of 8 images at a time"
    if "peak_bytes_in_use" not in after:
        return Check("limit", count == 2, f"{text}; no statistics to hold it against", facts)
    peak = after["peak_bytes_in_use"] - facts["before"]["bytes_in_use"]
    text += f"; {peak / 1e6:.1f} MB at most were used"
    return Check("limit", count == 2 and peak <= 1.05 * bound, text, facts)


def sharing(setting: Setting) -> Iterator[Check]:
    """Yields whether a second process can render on the device that this one holds."""
    jax.block_until_ready(jax.numpy.ones(8))
    done = _apart(OTHER, setting, {})
    if isinstance(done, list):
        rendered = done[-1].endswith("True")
        yield Check("second process", rendered, "renders beside this one", {"ok": rendered})
        return
    # A TPU belongs to one process; nothing is wrong then.
    alone = jax.default_backend() == "tpu"
    yield Check("second process", alone, f"cannot: {done}", {"ok": False})


def _apart(program: str, setting: Setting, variables: dict[str, str]) -> list[str] | str:
    """Runs a program in a process beside this one; returns its lines, or why it failed."""
    environment = os.environ | variables | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    known = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(known)
    seconds = max(1.0, min(SECONDS, setting.left))
    command = [sys.executable, "-c", program]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return f"not ready after {seconds:.0f} s"
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        return lines
    return (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1][:200]


def statistics() -> dict[str, Any]:
    """Returns the allocator's statistics; nothing where the backend tells none."""
    told = jax.local_devices()[0].memory_stats() or {}
    return {name: value for name, value in told.items() if isinstance(value, int)}
