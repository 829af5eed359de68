"""Finds the generator's state dict inside what a checkpoint file holds.

Training runs save much more than one network. What is beside the state dict is kept by name: a few
entries are settings that a family needs, the others are reported as ignored, with the reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mgp_jax.errors import CheckpointError

from .tensors import Leaf
from .unpickler import Record

# In order of preference: an averaged generator comes before the one that was being trained.
WRAPPERS = (
    "models",  # genforce, training run
    "g_ema",  # rosinality
    "g",
    "generator_smooth",  # genforce
    "generator",
    "G_ema",  # stylegan2-ada-pytorch
    "avgG",  # pytorch_GAN_zoo
    "netG",
    "netG_state_dict",  # PyTorch tutorial
    "state_dict",
    "params",  # Flax
)

BESIDE = {
    "g": "the generator before averaging",
    "generator": "the generator before averaging",
    "G": "the generator before averaging",
    "netG": "the generator before averaging",
    "d": "discriminator",
    "D": "discriminator",
    "netD": "discriminator",
    "discriminator": "discriminator",
    "netD_state_dict": "discriminator",
    "g_optim": "optimiser state",
    "d_optim": "optimiser state",
    "optimizers": "optimiser state",
    "learning_rates": "optimiser state",
    "config": "settings of the training run",
    "args": "settings of the training run",
    "training_set_kwargs": "settings of the training run",
    "running_metadata": "settings of the training run",
    "ada_aug_p": "augmentation state",
    "augment_pipe": "augmentation state",
    "latent_avg": "not part of the state dict; the mean style of StyleGAN2 is made of it",
}

# A hostile file may nest dictionaries endlessly or share them so that a walk takes for ever.
MAX_DEPTH = 32
MAX_VISITS = 20_000


@dataclass(frozen=True)
class StateDict:
    """The tensors of one network.

    Attributes:
        tensors: arrays by their dotted name; views of the file, read-only.
        route: keys that led to the state dict, outermost first.
        beside: everything beside the state dict on that route by name; tensors as arrays.
        attributes: instance attributes of the network, if it was stored as an object.
    """

    tensors: Mapping[str, np.ndarray]
    route: tuple[str, ...] = ()
    beside: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every tensor."""
        return {key: value.shape for key, value in self.tensors.items()}

    @property
    def ignored(self) -> dict[str, str]:
        """Why each entry beside the state dict is not converted."""
        return {key: BESIDE.get(key, "beside the state dict") for key in self.beside}


def unwrap(tree: Any) -> StateDict:
    """Goes down to the generator and collects its tensors.

    Args:
        tree: what `read_checkpoint` returned.

    Raises:
        CheckpointError: there are no tensors where the generator should be.
    """
    route: list[str] = []
    beside: dict[str, Any] = {}
    while isinstance(tree, Mapping) and (key := _wrapped(tree)) and len(route) < MAX_DEPTH:
        beside |= {
            str(name): value.array() if isinstance(value, Leaf) else value
            for name, value in tree.items()
            if name != key
        }
        route.append(key)
        tree = tree[key]
    attributes = tree.attributes if isinstance(tree, Record) else {}
    leaves = _strip_parallel(dict(_walk(tree)))
    if not leaves:
        place = f" under {'.'.join(route)}" if route else ""
        raise CheckpointError(f"no tensors{place}: not a checkpoint of a network")
    tensors = {name: leaf.array() for name, leaf in leaves.items()}
    return StateDict(tensors, tuple(route), beside, attributes)


def _wrapped(tree: Mapping[Any, Any]) -> str | None:
    """Returns the preferred wrapper key that has something in it."""
    for key in WRAPPERS:
        value = tree.get(key)
        if isinstance(value, Record) or (isinstance(value, Mapping) and value):
            return key
    return None


def _strip_parallel(leaves: dict[str, Leaf]) -> dict[str, Leaf]:
    """Removes the prefix that DataParallel puts before every name."""
    if leaves and all(name.startswith("module.") for name in leaves):
        return {name.removeprefix("module."): leaf for name, leaf in leaves.items()}
    return leaves


def _walk(tree: Any) -> Iterator[tuple[str, Leaf]]:
    """Yields all tensors of a state dict, of nested containers, or of a stored module."""
    visits = 0

    def visit(node: Any, name: str, depth: int) -> Iterator[tuple[str, Leaf]]:
        nonlocal visits
        visits += 1
        if depth > MAX_DEPTH or visits > MAX_VISITS:
            raise CheckpointError("nested too deeply to be a network")
        if isinstance(node, Leaf):
            yield name, node
        else:
            for part, child in _children(node):
                yield from visit(child, f"{name}.{part}" if name else str(part), depth + 1)

    return visit(tree, "", 0)


def _children(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yields the named parts of a node; of a module those that its state dict would have."""
    if isinstance(node, Mapping):
        yield from node.items()
    elif isinstance(node, Sequence) and not isinstance(node, str | bytes | bytearray):
        yield from enumerate(node)
    elif isinstance(node, Record):
        attributes = node.attributes
        hidden = attributes.get("_non_persistent_buffers_set")
        hidden = hidden if isinstance(hidden, set) else set()
        for kind in ("_parameters", "_buffers", "_modules"):
            parts = attributes.get(kind)
            if isinstance(parts, Mapping):
                left_out = hidden if kind == "_buffers" else set()
                yield from ((name, part) for name, part in parts.items() if name not in left_out)
