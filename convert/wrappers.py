"""Finds the generator's state dict inside what a checkpoint file holds.

Training runs save much more than one network. What is beside the state dict is kept by name: a few
entries are settings that a family needs, the others are reported as ignored, with the reason.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mgp_jax.errors import CheckpointError

from .tensors import Leaf
from .unpickler import Record

# Names of what holds a generator, in order of preference; an averaged generator comes before the
# one that was being trained. They are compared without case, `_` and what `SUFFIX` takes away.
NAMES: tuple[tuple[str, str], ...] = (
    ("models", "container"),
    ("networks", "container"),
    ("gan", "container"),
    *(
        (name, "averaged")
        for name in (
            *("gema", "generatorsmooth", "generatorema", "genema", "netgema", "emagenerator"),
            *(
                "avgg",
                "gavg",
                "gsmooth",
                "gaverage",
                "emag",
                "emagen",
                "generatoravg",
                "gensmooth",
                "shadowgenerator",
                "ge",
            ),
            *("paramsema", "modelema", "emamodel", "ema", "shadow"),
        )
    ),
    *(
        (name, "generator")
        for name in (
            *("g", "generator", "gen", "netg", "gnet", "modelg", "gmodel", "onlinemodel"),
            *("decoder", "dec"),
        )
    ),
    *((name, "network") for name in ("", "model", "net", "network", "params", "weights")),
    ("module", "parallel"),
    ("origmod", "parallel"),
)
RANKS = {name: (rank, kind) for rank, (name, kind) in enumerate(NAMES)}
SUFFIX = re.compile(r"(statedict|state|weights|dict)$")

PROGRESS = "progress of the training run"
BESIDE: tuple[tuple[str, str], ...] = (
    (
        r"(net)?d|discriminator\w*|disc\w*|critic\w*|netd\w*|d_?(ema|model|net|state|aug|cl)\w*",
        "discriminator",
    ),
    (r"encoder\w*|enc|nete|fc_?(mu|var|logvar|mean|std|log_var)\w*", "encoder"),
    (
        r"\w*optim\w*|opt|opt_?\w|\w_?opt|learning_rates|\w*scheduler\w*|\w*scaler\w*",
        "optimiser state",
    ),
    (r"\w*loss\w*|criterion\w*|\w*metric\w*|fid\w*|inception\w*", "a loss or metric"),
    (
        r"conf|config|args|opts?|options|hyper_?param\w*|hparams\w*|\w*_kwargs|running_metadata",
        "settings of the training run",
    ),
    (r"ada_aug_p|augment_pipe", "augmentation state"),
    (
        r"epoch\w*|iter\w*|\w*step\w*|version|callbacks|loops|pytorch-lightning_version|initted|decay"
        r"|num_updates",
        PROGRESS,
    ),
    (r"latent_avg", "not part of the state dict; the mean style of StyleGAN2 is made of it"),
)
OTHERS = ("discriminator", "encoder", "optimiser state", "a loss or metric")
RAW = "the generator before averaging"

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
        module: the network itself, if it was stored as an object.
        averaged: whether an averaged generator was taken and the trained one is there too.
        dropped: names of tensors that belong to other networks, with what these are.
    """

    tensors: Mapping[str, np.ndarray]
    route: tuple[str, ...] = ()
    beside: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    module: Record | None = None
    averaged: bool = False
    dropped: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """What led to the tensors, and what their names begin with."""
        return (*self.route, *dict.fromkeys(key.partition(".")[0] for key in self.tensors))

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every tensor."""
        return {key: value.shape for key, value in self.tensors.items()}

    @property
    def ignored(self) -> dict[str, str]:
        """Why each entry beside the state dict is not converted."""
        return {**{key: _reason(key) for key in self.beside}, **self.dropped}


def unwrap(tree: Any, inside: Sequence[str] = ()) -> StateDict:
    """Goes down to the generator and collects its tensors.

    Args:
        tree: what `read_checkpoint` returned.
        inside: keys that lead to it or to what it is in, outermost first; the rest of the way is
            found by the names.

    Raises:
        CheckpointError: there are no tensors where the generator should be.
    """
    route: list[str] = []
    beside: dict[str, Any] = {}
    averaged = False
    wanted = list(inside)
    while isinstance(tree, Mapping) and len(route) < MAX_DEPTH:
        if {"param_groups", "state"} <= tree.keys():
            raise CheckpointError("the state of an optimiser, which holds no network")
        key = _given(tree, wanted) if wanted else _wrapped(tree)
        if key is None:
            break
        beside |= {
            str(name): value.array() if isinstance(value, Leaf) else value
            for name, value in tree.items()
            if name != key
        }
        kinds = {_kind(name)[1] for name, value in tree.items() if _holds(value)}
        averaged |= _kind(key)[1] == "averaged" and "generator" in kinds
        route.append(str(key))
        tree = tree[key]
    record = tree if isinstance(tree, Record) else None
    leaves = dict(_walk(tree))
    leaves, dropped, picked = _pick(leaves, wanted)
    if not leaves:
        raise CheckpointError(_nothing(tree, route))
    tensors = {name: leaf.array() for name, leaf in leaves.items()}
    return StateDict(
        tensors,
        tuple(route + picked),
        beside,
        record.attributes if record else {},
        record,
        averaged or RAW in dropped.values(),
        dropped,
    )


def places(tree: Any) -> list[str]:
    """Returns the parts of a checkpoint that may hold a network, as `--inside` takes them."""
    found: list[str] = []

    def visit(node: Any, name: str, depth: int) -> None:
        if isinstance(node, list):
            node = dict(enumerate(node[:8]))
        if not isinstance(node, Mapping) or depth > 3 or len(found) > 20:
            return
        heads: dict[str, None] = {}
        for key, value in node.items():
            path = f"{name}.{key}" if name else str(key)
            if isinstance(value, Record) or (isinstance(value, Mapping) and value):
                found.append(path)
                visit(value, path, depth + 1)
            elif isinstance(value, Leaf) and "." in str(key):
                head = str(key).partition(".")[0]
                heads[f"{name}.{head}" if name else head] = None
        if len(heads) > 1 and not all(head.rpartition(".")[2].isdecimal() for head in heads):
            found.extend(heads)

    visit(tree, "", 0)
    return found[:8]


def _given(tree: Mapping[Any, Any], wanted: list[str]) -> Any:
    """Takes the longest key off the path that is wanted; None if what is left is inside names."""
    for count in range(len(wanted), 0, -1):
        name = ".".join(wanted[:count])
        for key, value in tree.items():
            if str(key) == name and not isinstance(value, Leaf):
                del wanted[:count]
                return key
    return None


def _kind(name: Any) -> tuple[int, str]:
    """Returns rank and kind of a name that may hold a generator."""
    if not isinstance(name, str) or len(name) > 64:
        return len(NAMES), ""
    short = re.sub(r"[_\-\s]", "", name.lower())
    if short in RANKS:
        return RANKS[short]
    return RANKS.get(SUFFIX.sub("", SUFFIX.sub("", short)), (len(NAMES), ""))


def _reason(name: str) -> str:
    """Says what an entry beside the generator is."""
    for pattern, reason in BESIDE:
        if len(name) <= 64 and re.fullmatch(pattern, name, re.IGNORECASE):
            return reason
    stem = SUFFIX.sub("", name.lower().replace("_", ""))
    for pattern, reason in BESIDE[:3]:
        if len(stem) <= 64 and re.fullmatch(pattern, stem):
            return reason
    return RAW if _kind(name)[1] == "generator" else "beside the state dict"


def _holds(value: Any) -> bool:
    """Whether a value can hold a network."""
    return isinstance(value, Record) or (isinstance(value, Mapping) and bool(value))


def _wrapped(tree: Mapping[Any, Any]) -> Any:
    """Returns the key of the generator, or of what it is in; None for a state dict."""
    candidates = [key for key, value in tree.items() if _holds(value)]
    named = [key for key in candidates if _kind(key)[1]]
    if named:
        return min(named, key=lambda key: _kind(key)[0])
    # A single network of an unknown name beside other things.
    others = [key for key in candidates if _reason(str(key)) not in _REASONS]
    direct = any(isinstance(value, Leaf | list) for value in tree.values())
    if len(others) == 1 and not direct and isinstance(others[0], str):
        return others[0] if _has_tensors(tree[others[0]]) else None
    return None


_REASONS = {reason for _, reason in BESIDE}


def _has_tensors(value: Any) -> bool:
    """Whether a state dict, or a module, is in a value."""
    if isinstance(value, Record):
        return any(
            isinstance(value.attributes.get(k), Mapping) for k in ("_modules", "_parameters")
        )
    return isinstance(value, Mapping) and any(isinstance(v, Leaf) for v in value.values())


def _pick(
    leaves: dict[str, Leaf], wanted: Sequence[str]
) -> tuple[dict[str, Leaf], dict[str, str], list[str]]:
    """Takes the generator out of names that begin with those of several networks.

    Returns: its tensors without what stands in front of their names, the names of the others with
        what these are, and what stood in front.
    """
    dropped: dict[str, str] = {}
    picked: list[str] = []
    if wanted:
        prefix = ".".join(wanted) + "."
        if not any(name.startswith(prefix) for name in leaves):
            raise CheckpointError(f"there is nothing inside {'.'.join(wanted)}")
        dropped = {n: "not asked for" for n in leaves if not n.startswith(prefix)}
        leaves = {n.removeprefix(prefix): v for n, v in leaves.items() if n.startswith(prefix)}
        picked += wanted
    for _ in range(MAX_DEPTH):
        heads = dict.fromkeys(name.partition(".")[0] for name in leaves if "." in name)
        gone = {head: _reason(head) for head in heads if _reason(head) in OTHERS}
        kinds = {head: _kind(head)[1] for head in heads}
        if "averaged" in kinds.values():
            best = min(heads, key=lambda head: _kind(head)[0])
            rest = [head for head in heads if kinds[head] in ("averaged", "generator", "network")]
            gone |= {head: RAW for head in rest if head != best}
        if heads:
            gone |= {n: PROGRESS for n in leaves if "." not in n and _reason(n) == PROGRESS}
        if gone and not gone.keys() >= heads.keys():
            keep = {n: v for n, v in leaves.items() if n.partition(".")[0] not in gone}
            dropped |= {n: gone[n.partition(".")[0]] for n in leaves if n not in keep}
            leaves = keep
            heads = dict.fromkeys(head for head in heads if head not in gone)
        if len(heads) != 1 or not all("." in name for name in leaves):
            break
        (head,) = heads
        rest_names = [name.partition(".")[2] for name in leaves]
        # The name of a Sequential stays: it is part of the layout, and numbers alone say little.
        if not _kind(head)[1] or any(name[:1].isdecimal() for name in rest_names):
            break
        if _kind(head)[1] != "parallel":
            picked.append(head)
        leaves = {name.partition(".")[2]: leaf for name, leaf in leaves.items()}
    return leaves, dropped, picked


def _nothing(tree: Any, route: Sequence[str]) -> str:
    """Says what there is where no tensors are."""
    place = f" under {'.'.join(route)}" if route else ""
    return f"no tensors{place}: not a checkpoint of a network"


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
