"""Stacks of layers of any names: `sequential`, and DCGAN where it is the tutorial's network.

What a stack consists of is read from names and shapes, or from modules that were stored as objects;
see `convert/stack`. What the file does not show is assumed, said, and set by options.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from mgp_jax.errors import CheckpointError, SettingError
from mgp_jax.generators.dcgan import DCGANConfig
from mgp_jax.generators.sequential import SequentialConfig
from mgp_jax.generators.stack_layers import Dense
from mgp_jax.generators.stack_pointwise import Activation

from ..layout import Layout, Plan, Shapes
from ..options import Options
from ..stack.assembly import Assembly, assemble
from ..stack.elements import Stack
from ..stack.labels import find_vectors, join_label
from ..stack.modules import Modules, read_modules
from ..stack.options import StackOptions
from ..stack.parts import Part, find_parts
from ..stack.reading import read_stack
from ..stack.refusals import refuse_other_ends, refuse_others
from ..stack.unsorted import by_names
from ..wrappers import StateDict

# What a module shows; options for it would contradict the file.
SHOWN = (
    *("activation", "strides", "paddings", "output_paddings", "epsilon", "norm", "upsample"),
    "order",
)


def plan(state: StateDict, options: Options) -> Plan:
    """Plan for a stack of any layers."""
    made, assumed = _assemble(state, options)
    return _make_plan("sequential", made.config, made, assumed)


def plan_tutorial(state: StateDict, options: Options) -> Plan:
    """Plan for the layout of the PyTorch tutorial: family `dcgan`, unless options say otherwise."""
    made, assumed = _assemble(state, options)
    dcgan = _as_dcgan(made.config)
    if dcgan is None:
        return _make_plan("sequential", made.config, made, assumed)
    return _make_plan("dcgan", dcgan, made, assumed)


def _make_plan(
    family: str,
    config: SequentialConfig | DCGANConfig,
    made: Assembly,
    assumed: Mapping[str, str],
) -> Plan:
    settings = _plain(dataclasses.asdict(config))
    if config.labels is None:
        settings.pop("labels", None)
    return Plan(made.rows, lambda sizes: settings, made.ignored, assumed, family)


def _assemble(state: StateDict, options: Options) -> tuple[Assembly, Mapping[str, str]]:
    refuse_others(state.shapes, state.names)
    parts, _ = find_parts(state.shapes)
    vectors, parts = find_vectors(parts, options)
    refuse_other_ends([part for part in parts if len(part.weight) in (2, 4)])
    stack = _read(state, parts, options)
    try:
        made = assemble(stack)
    except SettingError as error:
        raise CheckpointError(str(error)) from None
    assumed = {**stack.assumed, **made.assumed}
    if vectors is not None:
        made, joined = join_label(made, vectors, parts, options)
        assumed |= joined
    elif unused := sorted(options.values.keys() & {"label", "label_join"}):
        raise SettingError(
            f"option {', '.join(unused)}: the names show no label; say with classes=K that one "
            "of K classes is joined to the code as a one-hot vector"
        )
    return made, assumed


def _read(state: StateDict, parts: list[Part], options: Options) -> Stack:
    if state.module is None:
        try:
            return read_stack(parts, options)
        except CheckpointError:
            # Perhaps the file has sorted its names.
            if (other := by_names(parts)) == parts:
                raise
            return read_stack(other, options)
    found = read_modules(state.module, {part.name: part for part in parts})
    if not found.has_activations:
        return read_stack(parts, options, found.known)
    return _shown(found, options)


def _shown(found: Modules, options: Options) -> Stack:
    """Takes a stack as its modules show it."""
    if extra := sorted(options.values.keys() & set(SHOWN)):
        raise SettingError(f"option {', '.join(extra)}: the file itself shows it")
    given = StackOptions(options)
    elements = list(found.elements)
    assumed: dict[str, str] = {}
    last = elements[-1] if elements else None
    output = given.output if "output" in options.values else "none"
    if isinstance(last, Activation) and last.name in ("tanh", "sigmoid"):
        if "output" in options.values:
            raise SettingError("option output: the file itself shows it")
        output = last.name
        elements.pop()
    elif "output" not in options.values and not found.in_order:
        assumed["output"] = "none"
    if "latent" not in options.values:
        assumed["latent"] = given.latent
    if not found.in_order:
        assumed["order"] = "as the modules were registered"
    return Stack(tuple(elements), output, given.latent, assumed)


def _as_dcgan(config: SequentialConfig) -> DCGANConfig | None:
    """Returns the DCGAN that a stack is, or None."""
    if config.labels is not None:
        return None
    first, *others = (layer for layer in config.layers if not isinstance(layer, Activation))
    if not isinstance(first, Dense) or not all(hasattr(layer, "channels") for layer in others):
        return None
    widths = [first.channels, *(layer.channels for layer in others)]  # type: ignore[attr-defined]
    dcgan = DCGANConfig(config.latent_size, tuple(widths[:-1]), widths[-1])
    same = (dcgan.layers, dcgan.output, "normal") == (config.layers, config.output, config.latent)
    return dcgan if same else None


def _plain(value: Any) -> Any:
    """Returns tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def matches(shapes: Shapes) -> bool:
    """There is a layer with weights, and most tensors belong to layers of PyTorch."""
    parts, others = find_parts(shapes)
    weighted = any(len(part.weight) in (2, 4) for part in parts)
    return weighted and len(others) <= len(parts)


def matches_tutorial(shapes: Shapes) -> bool:
    """All layers have kernels of 4 x 4; all but the last one have a norm behind."""
    parts, _ = find_parts(shapes)
    weights = [part.weight for part in parts if part.weight[2:] == (4, 4)]
    norms = [part for part in parts if part.is_norm and part.is_tracked]
    alternate = len(weights) == len(norms) + 1 and len(parts) == len(weights) + len(norms)
    return len(weights) > 1 and alternate and weights[0][1] in weights[1][:2]


LAYOUTS = (
    Layout("dcgan", "PyTorch tutorial", matches_tutorial, plan_tutorial),
    Layout("sequential", "stack of layers", matches, plan),
)
