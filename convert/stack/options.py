"""The options of stacks, read into numbers; None where they are not given.

A list has a value for every layer, a single value is for all.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mgp_jax.errors import SettingError
from mgp_jax.generators.sequential import LATENTS, OUTPUTS
from mgp_jax.generators.stack_pointwise import ACTIVATIONS, WITH_PARAMETER, Activation

from ..options import Options
from .elements import SAME

SLOPES = {"leaky_relu": 0.01, "elu": 1.0}  # PyTorch's own, where none is given
UPSAMPLING = ("nearest", "bilinear", "bilinear_aligned", "none")
MAX_NUMBER = 1024

T = TypeVar("T")


@dataclass(frozen=True)
class StackOptions:
    """What a user says about a stack.

    Attributes:
        values: the options as they were given or published.
    """

    values: Options

    def has(self, name: str) -> bool:
        """Whether an option is given."""
        return self.values.text(name) is not None

    @property
    def output(self) -> str:
        """What the image ends in."""
        return self.values.choice("output", OUTPUTS, "tanh")

    @property
    def latent(self) -> str:
        """Distribution of the latent code."""
        return self.values.choice("latent", LATENTS, "normal")

    def activations(self, layers: int) -> list[Activation | None] | None:
        """The activation of each of so many layers."""
        return self._list("activation", layers, read_activation)

    def upsampling(self, layers: int) -> list[str] | None:
        """What enlarges the map in front of each of so many convolutions."""
        return self._list("upsample", layers, _one_of("upsample", UPSAMPLING))

    def epsilons(self, norms: int) -> list[float] | None:
        """The epsilon of each of so many norms."""
        return self._list("epsilon", norms, _epsilon)

    def numbers(self, name: str, layers: int) -> list[int] | None:
        """Whole numbers for each of so many convolutions."""
        return self._list(name, layers, lambda text: _whole(name, text))

    def paddings(self, layers: int) -> list[int | str] | None:
        """The padding of each of so many convolutions."""
        return self._list(
            "paddings", layers, lambda text: text if text == SAME else _whole("paddings", text)
        )

    def norm(self) -> int | str | None:
        """The norm: `batch`, `none`, the number of groups (0 for instance norm); or None."""
        text = self.values.text("norm")
        if text in (None, "batch", "none"):
            return text
        if text == "instance":
            return 0
        match = re.fullmatch(r"group:([1-9]\d{0,4})", text or "")
        if not match:
            raise SettingError(f"option norm={text}: choose from batch, instance, group:G, none")
        return int(match[1])

    def is_list(self, name: str) -> bool:
        """Whether an option has several values."""
        return "," in (self.values.text(name) or "")

    def _list(self, name: str, count: int, read: Callable[[str], T]) -> list[T] | None:
        text = self.values.text(name)
        if text is None:
            return None
        found = [read(part.strip()) for part in text.split(",")]
        if len(found) not in (1, count):
            raise SettingError(f"option {name}={text}: {len(found)} values, this file has {count}")
        return found * count if len(found) == 1 else found


def read_activation(text: str) -> Activation | None:
    """Reads `NAME` or `NAME:NUMBER`; None for `none`."""
    name, colon, number = text.partition(":")
    if text == "none":
        return None
    if name not in ACTIVATIONS or (colon and name not in WITH_PARAMETER):
        known = ", ".join(f"{n}:NUMBER" if n in WITH_PARAMETER else n for n in ACTIVATIONS)
        raise SettingError(f"option activation={text}: choose from {known}, none")
    if name not in WITH_PARAMETER:
        return Activation(name)
    parameter = _number(number) if colon else SLOPES[name]
    if parameter is None:
        raise SettingError(f"option activation={text}: {number} is no number")
    return Activation(name, parameter)


def spell_activation(activation: Activation | None) -> str:
    """Undoes `read_activation`."""
    if activation is None:
        return "none"
    parameter = activation.parameter
    return activation.name if parameter is None else f"{activation.name}:{parameter:g}"


def spell_list(values: Sequence[object], always: bool = False) -> str:
    """Writes the values of a list as an option takes them; once where all are equal.

    Args:
        values: texts and numbers.
        always: write all of them even so.
    """
    texts = [f"{v:g}".replace("e-0", "e-") if isinstance(v, float) else str(v) for v in values]
    return texts[0] if texts and not always and len(set(texts)) == 1 else ",".join(texts)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if -1e6 < value < 1e6 else None


def _epsilon(text: str) -> float:
    value = _number(text)
    if value is None or value < 0:
        raise SettingError(f"option epsilon={text}: numbers >= 0 are needed")
    return value


def _whole(name: str, text: str) -> int:
    least = {"strides": 1, "output_paddings": -MAX_NUMBER}.get(name, 0)
    if not re.fullmatch(r"-?\d{1,4}", text) or not least <= int(text) <= MAX_NUMBER:
        raise SettingError(f"option {name}={text}: whole numbers >= {least} are needed")
    return int(text)


def _one_of(name: str, choices: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise SettingError(f"option {name}={text}: choose from {', '.join(choices)}")
        return text

    return read
