"""Tables that say which foreign tensor becomes which parameter, and the machine that applies them.

A family writes its layout as rows: parameter, foreign tensors with their expected shapes, and the
arithmetic between them. Sizes in shapes may be names, which get their values from the file: the
widths of a network are read, not assumed. Every missing, unexpected and mis-shaped tensor is
reported in one go.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from mgp_jax.errors import CheckpointError

from .options import TABLE, Option, Options
from .transforms import Transform
from .wrappers import StateDict

# A size is a number, a name, or a multiple of a named size: (16, "c0") is 16 times c0.
Size = int | str | tuple[int, str]
Shape = tuple[Size, ...]
Shapes = Mapping[str, tuple[int, ...]]
Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Row:
    """One parameter of ours.

    Attributes:
        target: dotted name of the parameter.
        sources: the foreign tensors it is made of, with their shapes.
        transform: takes the foreign tensors in float64 and returns the parameter.
    """

    target: str
    sources: Mapping[str, Shape]
    transform: Transform


@dataclass(frozen=True)
class Plan:
    """How to convert one checkpoint.

    Attributes:
        rows: the parameters.
        configure: makes the configuration from the named sizes.
        ignored: reasons to ignore tensors, by name or pattern (`*`, `?`); the first match counts.
        assumed: what the file does not show and nobody said, by the option that sets it; None for
            what the table of options says.
        family: the family of the result, where it is not the layout's.
        noted: what else is taken because the file lacks it.
    """

    rows: tuple[Row, ...]
    configure: Callable[[Sizes], dict[str, Any]]
    ignored: Mapping[str, str] = field(default_factory=dict)
    assumed: Mapping[str, str] | None = None
    family: str | None = None
    noted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """One way in which somebody's code names and arranges the tensors of a family.

    Attributes:
        family: the family of networks in `mgp_jax`.
        name: whose layout it is.
        matches: tells from the names and shapes whether a checkpoint has this layout.
        plan: makes the conversion plan for a checkpoint.
    """

    family: str
    name: str
    matches: Callable[[Shapes], bool]
    plan: Callable[[StateDict, Options], Plan]

    @property
    def options(self) -> Mapping[str, Option]:
        """What the layout lets the user set."""
        return TABLE[self.family][self.name]

    def __str__(self) -> str:
        return f"{self.family} ({self.name})"


@dataclass(frozen=True)
class Move:
    """What became of one foreign tensor.

    Attributes:
        key: its name.
        shape: its shape; None for what is not a tensor.
        targets: name and shape of the parameters made from it.
        ignored: why nothing was made from it, or an empty text.
    """

    key: str
    shape: tuple[int, ...] | None
    targets: tuple[tuple[str, tuple[int, ...]], ...] = ()
    ignored: str = ""


@dataclass(frozen=True)
class Converted:
    """A network in our terms: configuration, nested parameters, and what went where."""

    config: dict[str, Any]
    params: dict[str, Any]
    moves: tuple[Move, ...]


def count(keys: Iterable[str], pattern: str) -> int:
    """Returns one more than the highest number in the keys that match, at most 999."""
    numbers = [int(match[1]) for key in keys if (match := re.match(pattern, key))]
    return max(numbers, default=-1) + 1


def apply(plan: Plan, state: StateDict) -> Converted:
    """Converts a state dict.

    Raises:
        CheckpointError: tensors are missing, unexpected, mis-shaped or not finite; all are named,
            one a line.
    """
    expected = {key: shape for row in plan.rows for key, shape in row.sources.items()}
    sizes = _solve(expected, state.shapes)
    ignored = {key: _reason(plan.ignored, key) for key in state.tensors if key not in expected}
    problems = [f"missing: {key}" for key in expected if key not in state.tensors]
    problems += [f"unexpected: {key}" for key, reason in ignored.items() if not reason]
    for key, shape in expected.items():
        if key in state.tensors and not _fits(shape, state.tensors[key].shape, sizes):
            is_shape, should = list(state.tensors[key].shape), _spell(shape, sizes)
            problems.append(f"mis-shaped: {key} is {is_shape}, should be {should}")
    if not problems:
        problems = [f"not finite: {key}" for key in expected if not _finite(state.tensors[key])]
    if problems:
        raise CheckpointError("\n  ".join(["the tensors do not fit the layout", *problems]))

    params: dict[str, Any] = {}
    targets: dict[str, list[tuple[str, tuple[int, ...]]]] = {key: [] for key in expected}
    for row in plan.rows:
        sources = (np.asarray(state.tensors[key], np.float64) for key in row.sources)
        with np.errstate(all="ignore"):
            value = np.ascontiguousarray(row.transform(*sources), np.float32)
        if not np.isfinite(value).all():
            names = ", ".join(row.sources)
            raise CheckpointError(f"{row.target} is not finite, which is made of {names}")
        _place(params, row.target, value)
        for key in row.sources:
            targets[key].append((row.target, value.shape))
    moves = [
        Move(key, array.shape, tuple(targets.get(key, ())), ignored.get(key, ""))
        for key, array in state.tensors.items()
    ]
    moves += [Move(key, None, (), reason) for key, reason in state.ignored.items()]
    return Converted(plan.configure(sizes), params, tuple(moves))


def _solve(expected: Mapping[str, Shape], shapes: Shapes) -> Sizes:
    """Gives every named size the value that most tensors agree on."""
    votes: dict[str, Counter[int]] = {}
    for key, shape in expected.items():
        actual = shapes.get(key, ())
        if len(actual) != len(shape):
            continue
        for size, value in zip(shape, actual, strict=True):
            factor, name = size if isinstance(size, tuple) else (1, size)
            if isinstance(name, str) and value % factor == 0:
                votes.setdefault(name, Counter())[value // factor] += 1
    return {name: counter.most_common(1)[0][0] for name, counter in votes.items()}


def _value(size: Size, sizes: Sizes) -> int | str:
    factor, name = size if isinstance(size, tuple) else (1, size)
    known = sizes.get(name, name) if isinstance(name, str) else name
    if isinstance(known, int):
        return factor * known
    return known if factor == 1 else f"{factor}*{known}"


def _fits(shape: Shape, actual: tuple[int, ...], sizes: Sizes) -> bool:
    return tuple(_value(size, sizes) for size in shape) == actual


def _spell(shape: Shape, sizes: Sizes) -> str:
    return f"[{', '.join(str(_value(size, sizes)) for size in shape)}]"


def _reason(ignored: Mapping[str, str], key: str) -> str:
    return next((why for pattern, why in ignored.items() if fnmatchcase(key, pattern)), "")


def _finite(array: np.ndarray) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(array.astype(np.float32)).all())


def _place(params: dict[str, Any], target: str, value: np.ndarray) -> None:
    *parents, last = target.split(".")
    for parent in parents:
        params = params.setdefault(parent, {})
    params[last] = value
