"""Proves on a machine with a GPU or TPU that all is right, and how fast it is, in ten minutes.

Runs from a bare checkout beside JAX, Flax, Optax, Orbax, safetensors, NumPy and Pillow:

    python tests/benchmarks/accelerator.py --out FOLDER

The most important parts come first; `accelerator.md` and `accelerator.json` are written after every
finding, so what is known stays whatever happens. `mgp doctor --device` runs the same. The exit
status is 0 if all is well, 1 if something is wrong, 2 for wrong usage.
"""

import argparse
import os
import sys
import threading
from pathlib import Path

# A checkout need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mgp_jax.benchmark.device.parts import PARTS, prove
from mgp_jax.benchmark.device.setting import SECONDS, Setting
from mgp_jax.errors import MGPError

# A compilation cannot be interrupted; so much longer than asked for one may take.
GRACE = 20.0


def main() -> int:
    """Parses arguments and runs the parts."""
    parser = argparse.ArgumentParser(
        description="Prove that a GPU or TPU computes rightly, and how fast."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the two files")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for all parts together")
    parser.add_argument("--quick", action="store_true", help="small networks, few steps")
    parser.add_argument("--parts", nargs="+", help="only those whose titles begin so")
    parser.add_argument("--networks", nargs="+", default=(), help="time steps of these only")
    parser.add_argument(
        "--batches", nargs="+", default=(), type=int, help="and of these batch sizes"
    )
    arguments = parser.parse_args()
    chosen = [
        part
        for part in PARTS
        if arguments.parts is None or part.title.lower().startswith(tuple(arguments.parts))
    ]
    if not chosen:
        parser.error(f"--parts: there are {', '.join(part.title.lower() for part in PARTS)}")
    status = 0
    try:
        networks, batches = tuple(arguments.networks), tuple(arguments.batches)
        setting = Setting(arguments.seconds, arguments.quick, networks, batches)
        end_after(arguments.seconds + GRACE)
        for finding in prove(setting, arguments.out, chosen):
            print(finding, flush=True)
            status = status if finding.check.ok else 1
    except MGPError as error:
        print(f"accelerator: {error}", file=sys.stderr)
        return 2
    return status


def end_after(seconds: float) -> None:
    """Ends the process then, whatever it is at; what was found by then is written."""

    def end() -> None:
        print("accelerator: time is up; what was found is written", file=sys.stderr, flush=True)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    sys.exit(main())
