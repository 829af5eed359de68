"""Runs the benchmark of robust restoration on a machine with a GPU or TPU, from a bare checkout.

Needs what `accelerator.py` needs:

    python tests/benchmarks/robust.py --out FOLDER --lpips-vgg FILE --budget 450 IMAGE...

Every record is written when it is there; the same call continues. `mgp bench robust` with the same
settings on the folder, wherever all of the package is installed, writes tables and figures. The
exit status is 0 if all went well, 1 if a method failed, 2 for wrong usage.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

# A checkout need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mgp_jax.errors import MGPError
from mgp_jax.generators import load_generator
from mgp_jax.methods.encoder_network import load_encoder
from mgp_jax.perception import load_lpips
from mgp_jax.tables.budget import parse_budget
from mgp_jax.tables.images import example_images, read_images
from mgp_jax.tables.robust import robust_tasks
from mgp_jax.tables.run import Comparison, run_tables


def main() -> int:
    """Parses arguments and runs what has no record yet."""
    parser = argparse.ArgumentParser(description="Run the benchmark of robust restoration.")
    parser.add_argument("images", nargs="*", type=Path, help="clean photographs")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--generator", default="faces1024", help="a bundled one, or a file")
    parser.add_argument("--encoder", type=Path, help="the generator's encoder")
    parser.add_argument("--lpips-vgg", type=Path, help="LPIPS with VGG16, for the method robust")
    parser.add_argument("--tasks", nargs="*", default=(), help="some of the tasks only")
    parser.add_argument("--strengths", nargs="*", type=int, default=(1, 2, 3, 4, 5))
    parser.add_argument("--methods", nargs="*", default=(), help="some of the methods only")
    parser.add_argument("--budget", default="450", help="450 steps, or 3s an image")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    try:
        generator = load_generator(chosen.generator)
        comparison = Comparison(
            generator=generator,
            images=read_images(chosen.images, generator)
            if chosen.images
            else example_images(generator),
            budget=parse_budget(chosen.budget),
            encoder=None if chosen.encoder is None else load_encoder(chosen.encoder, generator),
            tasks=tuple(robust_tasks(chosen.tasks, chosen.strengths)),
            methods=tuple(chosen.methods),
            seed=chosen.seed,
            lpips_vgg=None if chosen.lpips_vgg is None else load_lpips(chosen.lpips_vgg),
            table=robust_tasks(),
            true=True,
        )
        records = run_tables(comparison, chosen.out, show)
    except MGPError as error:
        print(f"robust: {error}", file=sys.stderr)
        return 2
    return 1 if any(record["error"] is not None for record in records) else 0


def show(record: dict[str, Any]) -> None:
    """Prints a record's means."""
    means = {
        name: round(sum(known) / len(known), 3)
        for name, values in record.get("scores", {}).items()
        if (known := [value for value in values if value is not None])
    }
    text = record["error"] or f"{record['steps']} steps, {record['seconds']} s an image, {means}"
    print(f"{record['task']}, {record['method']}: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
