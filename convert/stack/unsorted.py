"""Brings modules into order whose file has sorted them by name, as safetensors does."""

import re
from collections.abc import Sequence

from .parts import Part

Unit = list[Part]
NORM_WORDS = re.compile(r"_?(bn|batch_?norm|norm|in|gn)_?", re.IGNORECASE)


def by_names(parts: Sequence[Part]) -> list[Part]:
    """Returns the parts as code would most likely have them.

    Numbered modules of one container stay together in order. A norm of a name of its own follows
    the layer of the same name or number. Linear layers come first.
    """
    units: dict[str, Unit] = {}
    for part in parts:
        container, _, leaf = part.name.rpartition(".")
        units.setdefault(f"{container}." if leaf.isdecimal() else part.name, []).append(part)
    layers = {name: unit for name, unit in units.items() if any(_is_layer(p) for p in unit)}
    for name, unit in units.items():
        if name not in layers:
            layer = _layer_of(name, unit, layers)
            if layer is None:
                return list(parts)
            layers[layer] = [*layers[layer], *unit]
    ordered = sorted(layers.values(), key=lambda unit: not any(len(p.weight) == 2 for p in unit))
    return [part for unit in ordered for part in unit]


def _is_layer(part: Part) -> bool:
    return len(part.weight) in (2, 4)


def _layer_of(name: str, unit: Unit, layers: dict[str, Unit]) -> str | None:
    """Returns the layer that a norm belongs to: of the same name without `bn`, or number."""
    stem, number = NORM_WORDS.sub("", name), re.findall(r"\d+", name)[-1:]
    for layer in layers:
        if layer == stem:
            return layer
    same = [layer for layer in layers if number and re.findall(r"\d+", layer)[-1:] == number]
    fitting = [
        layer
        for layer in same
        if len(layers[layer]) == 1 and unit[0].channels in layers[layer][0].weight[:2]
    ]
    return fitting[0] if len(fitting) == 1 else None
