"""A batch of images over several devices: one mesh axis, along which nothing is exchanged."""

import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from mgp_jax.errors import SettingError

AXIS = "images"
# What every device has the whole of, and what is split along its leading axis.
WHOLE, SPLIT = PartitionSpec(), PartitionSpec(AXIS)


def batch_mesh(devices: Any = None) -> Mesh | None:
    """Returns the mesh over which batches are split, or None if there is only one device.

    Args:
        devices: the devices; None for all of this process. Other processes have batches of their
            own.
    """
    devices = jax.local_devices() if devices is None else devices
    return Mesh(np.array(devices), (AXIS,)) if len(devices) > 1 else None


def over_images(function: Callable, mesh: Mesh | None, *specs: Any) -> Callable:
    """Lets every device run a function of batches on its part of them.

    A loop inside of the function ends on each device when the images there have stopped, and the
    compiled program holds no communication.

    Args:
        function: takes pytrees and returns pytrees of batches.
        mesh: the devices, or None to leave the function as it is.
        specs: `WHOLE` or `SPLIT` for each argument, or a prefix of it.
    """
    if mesh is None:
        return function
    return jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=SPLIT, check_vma=False)


def place(tree: Any, mesh: Mesh | None, spec: PartitionSpec) -> Any:
    """Puts arrays where `over_images` wants them, once instead of in every call.

    Raises:
        SettingError: the leading axis does not divide by the number of devices.
    """
    if mesh is None:
        return tree
    if spec == SPLIT and any(len(leaf) % mesh.size for leaf in jax.tree.leaves(tree)):
        raise SettingError(f"a batch must be a multiple of the {mesh.size} devices")
    return jax.device_put(tree, NamedSharding(mesh, spec))


def join_processes() -> None:
    """Connects this process with the others of a run, before anything else is done with JAX.

    Where they are is said by JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID, or by
    the environment of a TPU pod, Slurm, Open MPI or Kubernetes.

    Raises:
        SettingError: nothing says where they are, or they cannot be reached.
    """

    def number(name: str) -> int | None:
        value = os.environ.get(name)
        if value is not None and not value.isdecimal():
            raise SettingError(f"{name}: {value!r} is no number")
        return None if value is None else int(value)

    count, own = number("JAX_NUM_PROCESSES"), number("JAX_PROCESS_ID")
    try:
        jax.distributed.initialize(num_processes=count, process_id=own)
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise SettingError(
            f"distributed: {reason.rstrip('.')}; "
            "see JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES, JAX_PROCESS_ID in the guide on scaling"
        ) from None
