"""Runs the reference loop, a script for a Python that has PyTorch, and reads its lines."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import mgp_jax.errors
from mgp_jax.errors import SettingError

ROOT = Path(mgp_jax.errors.__file__).parents[1]
SCRIPT = ROOT / "tests" / "benchmarks" / "torch_reference.py"


def run_reference(
    arguments: Sequence[str], python: str, script: Path = SCRIPT
) -> Iterator[dict[str, Any]]:
    """Runs the reference and yields its records as they come.

    Args:
        arguments: of the script.
        python: an interpreter that has PyTorch and what this package needs.
        script: the script; that of the checkout unless given.

    Raises:
        SettingError: script, interpreter or PyTorch is missing, or the script fails.
    """
    if not script.is_file():
        raise SettingError(f"reference {script}: there is no such file; it is in a checkout only")
    known = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    # JAX only reads weights there; it would take most of a GPU's memory from PyTorch.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(known), "JAX_PLATFORMS": "cpu"}
    try:
        process = subprocess.Popen(
            [python, str(script), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
    except OSError as error:
        raise SettingError(f"python {python}: cannot be run ({error.strerror})") from None
    assert process.stdout is not None
    with process:
        try:
            for line in process.stdout:
                yield json.loads(line)
            _, complaints = process.communicate()
        finally:
            process.kill()
    if process.returncode:
        lines = complaints.strip().splitlines() or [f"status {process.returncode}"]
        raise SettingError(f"reference {script.name}: {lines[-1]}")
