"""Programs that must run from a bare checkout, beside JAX and little more."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Runs a program while some packages seem not to be installed.
REFUSING = """
import runpy, sys
sys.modules.update(dict.fromkeys(sys.argv[1].split(",")))
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
ABSENT = "anyascii,chex,cv2,defusedxml,dm_pix,lazy_loader,matplotlib,msgspec,mtcnn,skimage,sklearn"
ABSENT += ",torch,tyro"


def run_bare(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of `tests/benchmarks`."""
    script = ROOT / "tests" / "benchmarks" / name
    command = [sys.executable, "-c", REFUSING, ABSENT, str(script), *arguments]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(command, capture_output=True, text=True, env=environment)
