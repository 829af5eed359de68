"""Checks an installation: versions, devices, bundled files, compilation cache, one rendering."""

import hashlib
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from mgp_jax.generators import generate, load_generator

PACKAGES = ("mgp_jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "pillow")
# The average colour, in [-1, 1], that `faces64` renders the code below with, as found on a CPU.
# Other devices round otherwise; a network that is wired or read wrongly is far off.
AVERAGE = (0.029, -0.221, -0.341)
TOLERANCE = 0.02
LEAST_DISK = 2**30


class Check(NamedTuple):
    """The result of one check.

    Attributes:
        name: what was looked at.
        ok: whether it is as it should be.
        found: what it is, for people.
        facts: the same as JSON values.
    """

    name: str
    ok: bool
    found: str
    facts: Any


def examine() -> Iterator[Check]:
    """Yields all checks, each as soon as it is done; none raises."""
    for name, check in CHECKS.items():
        try:
            yield check(name)
        except Exception as error:  # Whatever is broken, the other checks still tell something.
            reason = " ".join(str(error).split()) or type(error).__name__
            yield Check(name, False, reason, {"error": reason})


def check_versions(name: str) -> Check:
    """Looks up the versions of what is installed; a checkout need not be."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    found = ", ".join(f"{package} {number}" for package, number in versions.items())
    return Check(name, True, found, versions)


def check_devices(name: str) -> Check:
    """Lists the devices that JAX computes on."""
    devices = [str(device) for device in jax.devices()]
    facts = {"backend": jax.default_backend(), "devices": devices, "cores": os.cpu_count()}
    return Check(name, True, f"{jax.default_backend()}: {', '.join(devices)}", facts)


def check_files(name: str) -> Check:
    """Compares the bundled files with their recorded checksums."""
    assets = resources.files("mgp_jax.assets")
    files = {}
    for line in (assets / "SHA256SUMS").read_text().splitlines():
        wanted, file = line.split()
        try:
            same = hashlib.sha256((assets / file).read_bytes()).hexdigest() == wanted
            files[file] = "ok" if same else "damaged"
        except OSError:
            files[file] = "missing"
    wrong = [f"{file} is {state}" for file, state in files.items() if state != "ok"]
    found = ", ".join(wrong) + "; install the package again" if wrong else ", ".join(files)
    return Check(name, not wrong, found, files)


def check_cache(name: str) -> Check:
    """Measures the folder of compiled programs."""
    place = jax.config.values["jax_compilation_cache_dir"]
    if place is None:
        return Check(name, True, "off", {"folder": None})
    folder = Path(place)
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    sizes = [file.stat().st_size for file in folder.glob("*") if file.is_file()]
    facts = {"folder": place, "programs": len(sizes), "bytes": sum(sizes)}
    if not os.access(parent, os.W_OK):
        return Check(name, False, f"{place}: cannot be written", facts)
    return Check(name, True, f"{place}: {len(sizes)} files, {sum(sizes) / 1e6:.0f} MB", facts)


def check_disk(name: str) -> Check:
    """Measures the free space where results go by default."""
    free = shutil.disk_usage(".").free
    return Check(name, free > LEAST_DISK, f"{free / 1e9:.1f} GB free here", {"free": free})


def check_memory(name: str) -> Check:
    """Measures the free memory of the machine, or of the device where JAX reports it."""
    statistics = jax.devices()[0].memory_stats() or {}
    total, used = statistics.get("bytes_limit"), statistics.get("bytes_in_use", 0)
    if total is not None:
        free = total - used
        return Check(name, True, f"{free / 1e9:.1f} GB free on the device", {"free": free})
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return Check(name, True, "unknown", {"free": None})
    return Check(name, True, f"{free / 1e9:.1f} GB free", {"free": free})


def check_rendering(name: str) -> Check:
    """Renders a fixed code with the bundled generator and compares its average colour."""
    generator = load_generator("faces64")
    code = np.cos(np.arange(generator.latent_shape[0], dtype=np.float32))
    average = np.asarray(generate(generator, code[None]))[0].mean(axis=(0, 1))
    ok = bool(np.all(np.abs(average - AVERAGE) < TOLERANCE))
    found = f"average colour {_colour(average)}"
    if not ok:
        found += f", should be {_colour(AVERAGE)}: JAX computes something else on this device"
    return Check(name, ok, found, {"average": [float(value) for value in average]})


def _colour(values: Any) -> str:
    return " ".join(f"{value:+.3f}" for value in values)


CHECKS: dict[str, Callable[[str], Check]] = {
    "versions": check_versions,
    "devices": check_devices,
    "bundled files": check_files,
    "compilation cache": check_cache,
    "disk": check_disk,
    "memory": check_memory,
    "rendering": check_rendering,
}
