"""A pickle machine that can only build data.

A pickle is a program: Python's own unpickler imports and calls whatever the file names. This one
interprets the opcodes itself. It imports nothing, and the only functions it ever calls are those of
a table that its caller passes in. Objects of classes outside the table become inert `Record`s; a
*call* of anything outside the table is refused by name. Because memo and stack are ordinary Python
containers and every length is checked against the bytes that are there, a file cannot ask for more
memory than its own size warrants either.
"""

import pickletools
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mgp_jax.errors import CheckpointError

Calls = Mapping[str, Callable[..., Any]]

# Subclasses of dict that carry nothing we need beyond their items.
DICTIONARIES = frozenset({"collections.OrderedDict", "dnnlib.util.EasyDict"})

# The original generators of NVIDIA pickled TensorFlow networks together with their source code.
TENSORFLOW = ("dnnlib.tflib", "tfutil", "tensorflow")

# What pickletools decodes completely by itself: the opcode's argument is the value.
LITERALS = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING"),
        *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    }
)
FRESH: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}
SHORT_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class Stream(Protocol):
    """What a pickle is read from: a `BytesIO` or an `mmap`, whose reads end with the data."""

    def read(self, n: int = -1, /) -> bytes: ...  # noqa: D102
    def readline(self) -> bytes: ...  # noqa: D102
    def tell(self) -> int: ...  # noqa: D102


@dataclass(frozen=True)
class Global:
    """A name in a pickle. It is never looked up."""

    module: str
    name: str

    @property
    def path(self) -> str:
        """Dotted name in today's spelling: protocol 2 writes the names of Python 2."""
        module = IMPORT_MAPPING.get(self.module, self.module)
        module, name = NAME_MAPPING.get((self.module, self.name), (module, self.name))
        return f"{module}.{name}"

    def __str__(self) -> str:
        written = f"{self.module}.{self.name}"
        return written if written == self.path else f"{written} (that is, {self.path})"


SCALARS = (str, int, float, bytes, type(None), Global)


class Record:
    """An object of a class that is not known here: it holds what was stored and does nothing.

    Attributes:
        kind: dotted name of its class.
        arguments: what it was created with.
        attributes: its instance attributes.
        entries: its items, if the class is a kind of dictionary.
        elements: its elements, if the class is a kind of list or set.
    """

    def __init__(self, kind: str, arguments: tuple[Any, ...] = ()):
        self.kind = kind
        self.arguments = arguments
        self.attributes: dict[str, Any] = {}
        self.entries: dict[Any, Any] = {}
        self.elements: list[Any] = []

    def build(self, state: Any) -> None:
        """Takes the instance attributes; states of other forms are kept under `__state__`."""
        parts = state if isinstance(state, tuple) and len(state) == 2 else (state,)
        if all(part is None or isinstance(part, dict) for part in parts):
            for part in parts:
                self.attributes.update(part or {})
        else:
            self.attributes["__state__"] = state

    def __repr__(self) -> str:
        return f"Record({self.kind})"


def unpickle(stream: Stream, calls: Calls, persistent: Callable[[Any], Any] | None = None) -> Any:
    """Reads one pickle and leaves the stream behind it.

    Args:
        stream: where the pickle starts.
        calls: the functions that the pickle may call, by dotted name.
        persistent: what a persistent id stands for; None if there are none.

    Returns: plain Python containers and scalars, `Global`s, `Record`s, and results of `calls`.

    Raises:
        CheckpointError: the pickle calls a name that is not in `calls`, or is damaged.
    """
    machine = _Machine(calls, persistent)
    try:
        for opcode, argument, _ in pickletools.genops(stream):  # type: ignore[arg-type]
            if opcode.name == "STOP":
                return machine.stack.pop()
            machine.step(opcode.name, argument)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise CheckpointError(f"truncated or damaged pickle ({_one_line(error)})") from None
    raise CheckpointError("truncated pickle")


def describe(value: Any) -> str:
    """Returns a short text for messages.

    Only scalars and flat tuples are spelled out: the text of a nested value may be exponentially
    longer than the file.
    """
    if isinstance(value, tuple) and len(value) < 10 and not any(map(_nested, value)):
        return f"({', '.join(map(describe, value))})"
    return type(value).__name__ if _nested(value) else f"{value!s:.80}"


def plain_key(key: Any) -> Any:
    """Returns `key` if it may be a key or set element.

    Hashing runs in C and recurses without a limit, so nested keys could crash the interpreter.
    """
    if any(map(_nested, key if isinstance(key, tuple) else (key,))):
        raise CheckpointError(f"a {type(key).__name__} used as a dictionary key or set element")
    return key


def dictionary(items: Iterable[Any] = ()) -> dict[Any, Any]:
    """Stands for `OrderedDict` and `EasyDict`."""
    pairs = items.items() if isinstance(items, dict) else items
    return {plain_key(key): value for key, value in pairs}


def plain_set(elements: Iterable[Any] = ()) -> set[Any]:
    """Stands for `set` and `frozenset`."""
    return {plain_key(element) for element in elements}


def latin1_bytes(text: Any, encoding: Any = "latin1") -> bytes:
    """Stands for `_codecs.encode`, by which Python 3 writes bytes into a protocol 2 pickle."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise CheckpointError("_codecs.encode used for something else than bytes")
    return text.encode("latin1")


BASIC_CALLS: Calls = {
    "collections.OrderedDict": dictionary,
    "dnnlib.util.EasyDict": dictionary,
    "builtins.set": plain_set,
    "builtins.frozenset": plain_set,
    "builtins.bytes": lambda: b"",  # how protocol 2 spells empty bytes
    "_codecs.encode": latin1_bytes,
}


class _Machine:
    """Stack, memo, and what each opcode does to them."""

    def __init__(self, calls: Calls, persistent: Callable[[Any], Any] | None):
        self.calls = calls
        self.persistent = persistent
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Executes one opcode."""
        stack = self.stack
        if name in LITERALS:
            return stack.append(argument)
        if name in FRESH:
            return stack.append(FRESH[name]())
        if name in SHORT_TUPLES:
            return stack.append(self.pop_last(SHORT_TUPLES[name]))
        match name:
            case "BINGET" | "LONG_BINGET" | "GET":
                stack.append(self.memo[argument])
            case "BINPUT" | "LONG_BINPUT" | "PUT":
                self.memo[argument] = stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "MARK":
                self.outer.append(stack)
                self.stack = []
            case "TUPLE":
                elements = self.pop_mark()
                self.stack.append(tuple(elements))
            case "LIST":
                elements = self.pop_mark()
                self.stack.append(elements)
            case "DICT":
                items = self.pop_mark()
                self.stack.append({})
                self.set_items(items)
            case "FROZENSET":
                elements = self.pop_mark()
                self.stack.append(frozenset(plain_set(elements)))
            case "APPEND":
                self.add([stack.pop()])
            case "APPENDS" | "ADDITEMS":
                self.add(self.pop_mark())
            case "SETITEM":
                self.set_items(list(self.pop_last(2)))
            case "SETITEMS":
                self.set_items(self.pop_mark())
            case "POP":
                stack.pop()
            case "POP_MARK":
                self.pop_mark()
            case "DUP":
                stack.append(stack[-1])
            case "GLOBAL":
                stack.append(_named(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                stack.append(_named(*self.pop_last(2)))
            case "NEWOBJ":
                self.create(*self.pop_last(2))
            case "NEWOBJ_EX":
                kind, arguments, _ = self.pop_last(3)
                self.create(kind, arguments)
            case "REDUCE":
                self.call(*self.pop_last(2))
            case "OBJ":
                kind, *arguments = self.pop_mark()
                self.call(kind, tuple(arguments))
            case "INST":
                arguments = tuple(self.pop_mark())
                self.call(_named(*argument.split(" ", 1)), arguments)
            case "BUILD":
                state = stack.pop()
                self.build(stack[-1], state)
            case "BINPERSID" if self.persistent is not None:
                stack.append(self.persistent(stack.pop()))
            case "PROTO" | "FRAME":
                pass
            case _:
                raise CheckpointError(f"pickle opcode {name}, which no checkpoint uses")

    def pop_mark(self) -> list[Any]:
        """Takes everything above the topmost mark."""
        elements, self.stack = self.stack, self.outer.pop()
        return elements

    def pop_last(self, count: int) -> tuple[Any, ...]:
        """Takes the last `count` elements, which must lie above the topmost mark."""
        elements = tuple(self.stack[-count:])
        if len(elements) != count:
            raise ValueError("stack underflow")
        del self.stack[-count:]
        return elements

    def add(self, elements: list[Any]) -> None:
        """Appends to the list, or adds to the set, on top of the stack."""
        match target := self.stack[-1]:
            case list():
                target.extend(elements)
            case set():
                target.update(plain_set(elements))
            case Record():
                target.elements.extend(elements)
            case _:
                raise ValueError(f"elements for a {type(target).__name__}")

    def set_items(self, items: list[Any]) -> None:
        """Puts alternating keys and values into the dictionary on top of the stack."""
        target = self.stack[-1]
        entries = target.entries if isinstance(target, Record) else target
        if not isinstance(entries, dict):
            raise ValueError(f"items for a {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            entries[plain_key(key)] = value

    def create(self, kind: Any, arguments: Any) -> None:
        """Creates an object without running its initialiser."""
        if not isinstance(kind, Global) or not isinstance(arguments, tuple):
            raise ValueError("an object of no class")
        self.stack.append({} if kind.path in DICTIONARIES else Record(kind.path, arguments))

    def call(self, function: Any, arguments: Any) -> None:
        """Calls a function of the table."""
        if not isinstance(function, Global) or not isinstance(arguments, tuple):
            raise ValueError("a call of something that is no name")
        if function.path not in self.calls:
            raise CheckpointError(
                f"refused, because it wants to call {function}, which no checkpoint needs; "
                "the file may be hostile (nothing of it was run)"
            )
        self.stack.append(self.calls[function.path](*arguments))

    @staticmethod
    def build(target: Any, state: Any) -> None:
        """Gives state to an object; attributes of dictionaries are dropped."""
        if isinstance(target, dict):
            return
        if not hasattr(target, "build"):
            raise ValueError(f"state for a {type(target).__name__}")
        target.build(state)


def _named(module: Any, name: Any) -> Global:
    if not isinstance(module, str) or not isinstance(name, str):
        raise ValueError("a name that is no text")
    if module.startswith(TENSORFLOW):
        raise CheckpointError(
            f"a TensorFlow pickle ({module}.{name}); export it to PyTorch first, for example with "
            "legacy.py of NVIDIA's stylegan2-ada-pytorch, then convert the result"
        )
    return Global(module, name)


def _nested(value: Any) -> bool:
    return not isinstance(value, SCALARS)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
