"""Whether the memory limit is kept, by the allocator's own statistics, and the device shared."""

import os
import subprocess
import sys
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


def limit(setting: Setting) -> Iterator[Check]:
    """Yields whether a run that was fitted into a limit stays below it."""
    generator = smallest("dcgan") if setting.quick else load_generator("faces64")
    inversion = resolve(generator, recipe=SHORT)
    images, bound = 8, float(required(inversion, 2))
    before = statistics()
    count, slices = fit(inversion, images, 1, bound)
    fitted = inversion.executed(replace(inversion.execution, slices=slices))
    run(fitted, targets(generator, count))
    after = statistics()
    facts = {"limit": bound, "images": count, "slices": slices, "before": before, "after": after}
    text = f"{bound / 1e6:.1f} MB: {count} of {images} images at a time"
    if not after or "peak_bytes_in_use" not in after:
        yield Check("limit", count < images, f"{text}; no statistics to hold it against", facts)
        return
    # The peak is that of the whole process so far.
    highest = max(before["peak_bytes_in_use"], before["bytes_in_use"] + bound)
    peak = after["peak_bytes_in_use"]
    text += f"; peak {peak / 1e6:.1f} MB, at most {highest / 1e6:.1f} MB expected"
    yield Check("limit", count < images and peak <= 1.05 * highest, text, facts)


def sharing(setting: Setting) -> Iterator[Check]:
    """Yields whether a second process can render on the device that this one holds."""
    jax.block_until_ready(jax.numpy.ones(8))
    environment = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    known = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(known)
    seconds = max(1.0, min(SECONDS, setting.left))
    try:
        done = subprocess.run(
            [sys.executable, "-c", OTHER],
            capture_output=True,
            text=True,
            env=environment,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        yield Check("second process", False, f"not ready after {seconds:.0f} s", None)
        return
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or ["?"]
    good = done.returncode == 0 and lines[-1].endswith("True")
    # A TPU belongs to one process; nothing is wrong then.
    ok = good or jax.default_backend() == "tpu"
    found = "renders beside this one" if good else f"cannot: {lines[-1][:200]}"
    yield Check("second process", ok, found, {"status": done.returncode})


def statistics() -> dict[str, Any]:
    """Returns the allocator's statistics; nothing where the backend tells none."""
    told = jax.local_devices()[0].memory_stats() or {}
    return {name: value for name, value in told.items() if isinstance(value, int)}
