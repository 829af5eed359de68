"""The modules of a stack that have tensors, in order, and how many modules lie between them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mgp_jax.errors import CheckpointError

from ..layout import Shapes

TENSORS = re.compile(
    r"(?:(?P<name>.+)\.)?(?P<tensor>weight|bias|running_mean|running_var|num_batches_tracked"
    r"|weight_orig|weight_u|weight_v|weight_g"
    r"|parametrizations\.weight\.(?:original[01]?|0\._u|0\._v))"
)
# What a weight is made of: itself, or what spectral and weight norm keep, each in an old and a new
# form. The first tensor has the weight's shape.
NEW = "parametrizations.weight."
FORMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("plain", ("weight",)),
    ("spectral", ("weight_orig", "weight_u", "weight_v")),
    ("spectral", (f"{NEW}original", f"{NEW}0._u", f"{NEW}0._v")),
    ("lengths", ("weight_v", "weight_g")),
    ("lengths", (f"{NEW}original1", f"{NEW}original0")),
)
TRACKED = ("running_mean", "running_var")
MAX_PARTS = 400  # a stack has far fewer; what follows takes time that grows with the square


@dataclass(frozen=True)
class Part:
    """A module with tensors.

    Attributes:
        name: its dotted name.
        shapes: shapes of its tensors, by their names within the module.
        form: how its weight is stored, see `FORMS`.
        sources: names of the tensors that its weight is made of, within the module.
    """

    name: str
    shapes: Mapping[str, tuple[int, ...]]
    form: str = "plain"
    sources: tuple[str, ...] = ()

    @property
    def weight(self) -> tuple[int, ...]:
        """Shape of the weight; empty where there is none."""
        return self.shapes[self.sources[0]] if self.sources else ()

    @property
    def is_norm(self) -> bool:
        """Whether it has a number for every channel and is no activation."""
        has_statistics = not self.weight and any(name in self.shapes for name in TRACKED)
        return has_statistics or (len(self.weight) == 1 and not self.is_slope)

    @property
    def is_slope(self) -> bool:
        """Whether it is a PReLU: one weight, nothing else."""
        return len(self.weight) == 1 and self.shapes.keys() == {"weight"}

    @property
    def is_tracked(self) -> bool:
        """Whether a norm has the statistics of the training."""
        return any(name in self.shapes for name in TRACKED)

    @property
    def channels(self) -> int:
        """Channels of a norm: what most of its tensors say."""
        counts = [shape[0] for shape in self.shapes.values() if len(shape) == 1]
        return max(counts, key=counts.count, default=0)

    def key(self, tensor: str) -> str:
        """Returns the name of one of its tensors in the state dict."""
        return f"{self.name}.{tensor}" if self.name else tensor


@dataclass(frozen=True)
class Gap:
    """The modules without tensors between two parts.

    Attributes:
        count: at least so many.
        exact: whether there are no more.
    """

    count: int
    exact: bool

    @property
    def is_none(self) -> bool:
        """Whether one certainly follows the other directly."""
        return self.exact and self.count == 0


def find_parts(shapes: Shapes) -> tuple[list[Part], list[str]]:
    """Groups tensors by module.

    Returns: the parts in order, and the names of tensors that belong to none.

    Raises:
        CheckpointError: there are far too many.
    """
    modules: dict[str, dict[str, tuple[int, ...]]] = {}
    others: list[str] = []
    for key, shape in shapes.items():
        match = TENSORS.fullmatch(key)
        if match:
            modules.setdefault(match["name"] or "", {})[match["tensor"]] = shape
        else:
            others.append(key)
    parts = []
    for name, tensors in modules.items():
        forms = (form for form in FORMS if tensors.keys() >= set(form[1]))
        form, sources = next(forms, ("plain", ()))
        parts.append(Part(name, tensors, form, sources))
    if len(parts) > MAX_PARTS:
        raise CheckpointError(f"a network of {len(parts)} layers, at most {MAX_PARTS} are possible")
    return _in_order(parts), others


def gap_between(one: Part, other: Part) -> Gap:
    """Tells from the numbers in two names how many modules lie between."""
    a, b = one.name.split("."), other.name.split(".")
    common = 0
    while common < min(len(a), len(b)) - 1 and a[common] == b[common]:
        common += 1
    a, b = a[common:], b[common:]
    # What comes first in the block of the second one; behind the first one, its block may go on.
    leading = sum(_number(name) or 0 for name in b[1:])
    here, there = _number(a[0]), _number(b[0])
    if here is None or there is None or there <= here:
        return Gap(leading, False)
    return Gap(there - here - 1 + leading, len(a) == 1)


def _number(name: str) -> int | None:
    return int(name) if name.isdecimal() and len(name) < 5 else None


def _in_order(parts: list[Part]) -> list[Part]:
    """Sorts by the numbers in the names; names without a number keep the order of the file."""
    seen: dict[tuple[str, ...], int] = {}

    def place(part: Part) -> list[tuple[bool, int]]:
        path = part.name.split(".")
        heads = (tuple(path[: depth + 1]) for depth in range(len(path)))
        return [
            (number is None, seen.setdefault(head, len(seen)) if number is None else number)
            for head in heads
            for number in (_number(head[-1]),)
        ]

    places = {part.name: place(part) for part in parts}
    return sorted(parts, key=lambda part: places[part.name])
