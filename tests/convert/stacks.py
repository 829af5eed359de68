"""Stacks of layers of any names, and how their tensors are converted."""

from typing import Any

import numpy as np
from checkpoints import GOLDEN

from convert.detect import detect
from convert.layout import Converted, apply
from convert.options import Options
from convert.torch_files import read_checkpoint
from convert.wrappers import StateDict, unwrap
from mgp_jax.generators.weights import flatten

STACKS = GOLDEN / "sequential"
TUTORIAL = unwrap(read_checkpoint(STACKS / "module_in_wrap.pth"))


def convert(tensors: dict[str, Any], **options: str) -> tuple[Converted, dict[str, str]]:
    state = StateDict({key: np.asarray(value) for key, value in tensors.items()})
    plan = detect(state.shapes).plan(state, Options(options))
    return apply(plan, state), dict(plan.assumed or {})


def renamed(prefix: str, numbers: dict[int, str] | None = None) -> dict[str, np.ndarray]:
    """The tensors of the tutorial's network, with other names in front of or instead of numbers."""
    tensors = {}
    for key, value in TUTORIAL.tensors.items():
        _, number, name = key.split(".")
        module = numbers[int(number)] if numbers else number
        tensors[f"{prefix}{module}.{name}"] = value
    return tensors


def same_network(made: Converted) -> bool:
    mine, usual = flatten(made.params), flatten(convert(dict(TUTORIAL.tensors))[0].params)
    return mine.keys() == usual.keys() and all(
        np.array_equal(mine[key], usual[key]) for key in usual
    )


def ones(*shape: int) -> np.ndarray:
    return np.full(shape, 0.1, np.float32)


def layer(name: str, *shape: int, bias: int = 0) -> dict[str, np.ndarray]:
    return {f"{name}.weight": ones(*shape), **({f"{name}.bias": ones(bias)} if bias else {})}


def norm(name: str, channels: int) -> dict[str, np.ndarray]:
    tensors = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{tensor}": ones(channels) for tensor in tensors}
