"""What the device is, how much memory it has, and what it does at best."""

import os
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp

from mgp_jax.benchmark.arithmetic import copy_rate, matrix_product_rate
from mgp_jax.benchmark.device.setting import Setting, on_cpu
from mgp_jax.doctor import Check, check_devices, check_memory, check_rendering, check_versions

PREALLOCATION = (
    "XLA_PYTHON_CLIENT_PREALLOCATE",
    "XLA_PYTHON_CLIENT_MEM_FRACTION",
    "XLA_PYTHON_CLIENT_ALLOCATOR",
)


class Peak(NamedTuple):
    """What a device does at best.

    Attributes:
        flops: operations a second of float32 matrix products in the default precision.
        bytes: bytes a second to and from its memory.
    """

    flops: float
    bytes: float


# By a part of `device_kind`, from the makers' data sheets, without sparsity: operations of the
# default precision, TF32 on NVIDIA from Ampere on, bfloat16 on TPU.
DATA_SHEETS = {
    "H200": Peak(494e12, 4.8e12),
    "H100": Peak(494e12, 3.35e12),
    "A100": Peak(156e12, 2.04e12),
    "V100": Peak(15.7e12, 0.9e12),
    "L4": Peak(60e12, 0.3e12),
    "T4": Peak(8.1e12, 0.32e12),
    "TPU v4": Peak(275e12, 1.23e12),
    "TPU v5 lite": Peak(197e12, 0.82e12),
    "TPU v5": Peak(459e12, 2.76e12),
    "TPU v6 lite": Peak(918e12, 1.64e12),
}


def facts(setting: Setting) -> Iterator[Check]:
    """Yields versions, devices, memory, what is set of its allocation, and one rendering."""
    del setting
    yield check_versions("versions")
    yield check_devices("devices")
    kind = jax.devices()[0].device_kind
    yield Check("kind", True, kind, {"kind": kind})
    yield check_memory("free memory")
    told = jax.devices()[0].memory_stats()
    found = "this backend tells no statistics" if told is None else _sizes(told)
    yield Check("allocator", True, found, told)
    given = {name: os.environ[name] for name in PREALLOCATION if name in os.environ}
    text = ", ".join(f"{name}={value}" for name, value in given.items())
    yield Check("preallocation", True, text or "as JAX does by default", given)
    yield check_rendering("rendering")


def peaks(setting: Setting) -> Iterator[Check]:
    """Yields what matrix products and copies reach here, beside the data sheet where known."""
    peak = measured_peak(setting)
    short = matrix_product_rate(_side(setting), 3, jnp.bfloat16)
    with jax.default_matmul_precision("highest"):
        exact = matrix_product_rate(_side(setting), 3)
    rates = {"default": peak.flops, "highest": exact, "bfloat16": short}
    found = ", ".join(f"{name} {rate / 1e12:.3g} TFLOP/s" for name, rate in rates.items())
    yield Check("matrix products", True, found, rates)
    yield Check("copies", True, f"{peak.bytes / 1e9:.4g} GB/s", {"bytes": peak.bytes})
    kind = jax.devices()[0].device_kind
    sheet = next((peak for part, peak in DATA_SHEETS.items() if part in kind), None)
    if sheet is not None:
        found = f"{sheet.flops / 1e12:.4g} TFLOP/s, {sheet.bytes / 1e9:.4g} GB/s"
        yield Check("data sheet", True, found, sheet._asdict())


def measured_peak(setting: Setting) -> Peak:
    """Measures what the device does at best in the default precision."""
    size = 2**22 if setting.quick else 2**25 if on_cpu() else 2**28
    return Peak(matrix_product_rate(_side(setting), 3), copy_rate(size, 3))


def _side(setting: Setting) -> int:
    return 256 if setting.quick else 2048 if on_cpu() else 8192


def _sizes(told: dict[str, int]) -> str:
    names = ("bytes_limit", "bytes_in_use", "peak_bytes_in_use")
    return ", ".join(f"{name} {told[name] / 1e6:.0f} MB" for name in names if name in told)
