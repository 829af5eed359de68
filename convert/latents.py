"""Latent codes and directions in PyTorch files, of e4e or PTI for example, as array files."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mgp_jax.errors import CheckpointError
from mgp_jax.files import replacing

from .tensors import Leaf
from .torch_files import read_checkpoint


def convert_latents(
    path: str | os.PathLike[str], out: str | os.PathLike[str], inside: Sequence[str] = ()
) -> tuple[int, ...]:
    """Writes the only tensor of a file as an array (.npy).

    Args:
        path: a file that `torch.save` has written.
        out: the file to write, float32 in the tensor's shape.
        inside: keys that lead to the tensor, outermost first.

    Returns: the shape.

    Raises:
        CheckpointError: the file cannot be read, is not safe to read, or holds no such tensor.
        OSError: the array cannot be written.
    """
    tree = read_checkpoint(path)
    for key in inside:
        if not isinstance(tree, Mapping) or key not in tree:
            raise CheckpointError(f"{path}: there is nothing inside {'.'.join(inside)}")
        tree = tree[key]
    leaves = list(_leaves(tree))
    if len(leaves) != 1:
        raise CheckpointError(
            f"{path}: holds {len(leaves)} tensors, one is needed; say which with --inside KEY.KEY"
        )
    try:
        array = np.asarray(leaves[0].array(), np.float32)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    with replacing(Path(out)) as file:
        np.save(file, array, allow_pickle=False)
    return array.shape


def _leaves(tree: Any) -> Iterator[Leaf]:
    if isinstance(tree, Leaf):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from _leaves(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _leaves(value)
