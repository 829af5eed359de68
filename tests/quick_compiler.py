"""Compiling quickly: nearly all of the tests' time goes into programs that run once or twice."""

import os
import subprocess
import sys

import jax

# Every kernel in one piece and by the older of XLA's two emitters: the same numbers up to rounding
# in less than half of the time.
FLAGS = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"


def compile_quickly() -> None:
    """Makes this process and those that it starts compile quickly, unless the environment says no.

    Call it before anything is compiled.
    """
    quick = os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1") == "1"
    # JAX has read its variables already, XLA reads its own when it begins.
    jax.config.update("jax_disable_most_optimizations", quick)
    given = os.environ.get("XLA_FLAGS", "")
    if quick and FLAGS not in given and _known(FLAGS):
        os.environ["XLA_FLAGS"] = f"{given} {FLAGS}".strip()


def _known(flags: str) -> bool:
    """Whether this XLA knows flags; it ends where it does not."""
    asked = [sys.executable, "-c", "import jax; jax.devices()"]
    return not subprocess.run(
        asked, env={**os.environ, "XLA_FLAGS": flags}, capture_output=True
    ).returncode
