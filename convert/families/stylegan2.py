"""StyleGAN2 in five layouts: mganprior, genforce, rosinality, stylegan2-ada-pytorch, -torch.

The network is the same everywhere. Layouts differ in names and axes, in the direction of the
kernels of doubling layers, in whether style biases include the one that modulation is around, and
in whether weights are scaled before they are demodulated.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mgp_jax.errors import CheckpointError, SettingError
from mgp_jax.generators.labels import Labels

from ..layout import Layout, Plan, Row, Shape, Shapes, Sizes, count
from ..options import Options
from ..transforms import Transform, flip, keep
from ..unpickler import Record
from ..wrappers import StateDict
from .style import (
    AVERAGED_CODES,
    MAPPING_MULTIPLIER,
    averaged_row,
    check_filters,
    constant_map,
    gained,
    mapping_rows,
    mapping_widths,
    mean_row,
    multiplier,
    noise_map,
    per_style,
    transpose,
)
from .stylegan2_names import (
    ADA,
    GENFORCE,
    MGANPRIOR,
    ROSINALITY,
    STYLEGAN2_TORCH,
    Names,
    resolution,
)

ROOT2 = 2**0.5
FILTER = (1, 3, 3, 1)
# What the official training of stylegan2-ada-pytorch uses; only its pickles say so.
ADA_CLAMP = 256.0


@dataclass(frozen=True)
class Form:
    """What one checkpoint looks like.

    Attributes:
        names: names and arrangement of its tensors.
        layers: number of convolution layers.
        skip: whether there is a to-RGB layer for every resolution.
        mapping: rows of the mapping network.
        mean: row of the mean style.
        mapping_layers: number of layers of the mapping network.
        copies: 1, or the number of styles if the mapping network has one for each.
        labels: how the mapping network takes a class.
        clamp: limit of the outputs of layers.
        use_wscale: whether equalised learning rate was on.
        ignored: tensors to ignore, with the reason.
    """

    names: Names
    layers: int
    skip: bool
    mapping: list[Row]
    mean: Row
    mapping_layers: int
    clamp: float | None
    copies: int = 1
    labels: Labels | None = None
    use_wscale: bool = True
    ignored: Mapping[str, str] = field(default_factory=dict)


def plan_mganprior(state: StateDict, options: Options) -> Plan:
    """Plan for the layout of the multi-code paper's code."""
    return _plan_tensorflow_style(state, options, MGANPRIOR)


def plan_genforce(state: StateDict, options: Options) -> Plan:
    """Plan for genforce's layout."""
    return _plan_tensorflow_style(state, options, GENFORCE)


def _plan_tensorflow_style(state: StateDict, options: Options, names: Names) -> Plan:
    shapes = state.shapes
    layers = _odd(
        count(shapes, r"synthesis\.layer(\d{1,3})\."),
        2 * count(shapes, r"synthesis\.output(\d{1,3})\.") - 1,
    )
    depth = count(shapes, r"mapping\.dense(\d{1,3})\.")
    one_style = f"{names.layer(0)}.{names.style[0]}"
    copies = per_style(state, names.mean, one_style, layers + 1)
    use_wscale = bool(options.flag("use_wscale", True))
    mapping = mapping_rows(
        names.dense[0].format,
        names.dense[1].format,
        depth,
        "w" if copies == 1 else (copies, "w"),
        1.0,
        multiplier(options),
        use_wscale,
    )
    form = Form(
        names,
        layers,
        skip=layers == 1 or any(key.startswith("synthesis.output0.") for key in shapes),
        mapping=mapping,
        mean=mean_row(names.mean, copies),
        mapping_layers=depth,
        clamp=_clamp(options, None),
        copies=copies,
        use_wscale=use_wscale,
        ignored={"truncation.truncation": "truncation factors, made anew from psi and cut-off"},
    )
    return _plan(state, options, form)


def plan_rosinality(state: StateDict, options: Options) -> Plan:
    """Plan for rosinality's layout, in which the mean style is beside the state dict, if at all."""
    shapes, names = state.shapes, ROSINALITY
    layers = _odd(
        count(shapes, r"convs\.(\d{1,3})\.") + 1, 2 * count(shapes, r"to_rgbs\.(\d{1,3})\.") + 1
    )
    depth = count(shapes, r"style\.(\d{1,3})\.") - 1
    mapping = _mapping_behind_norm(names, depth, options)
    stored = state.beside.get(names.mean)
    if isinstance(stored, np.ndarray):
        size = shapes.get("conv1.conv.modulation.weight", (0, 0))[-1]
        mean = np.asarray(stored, np.float64)
        if mean.size != size or not np.isfinite(mean).all():
            raise CheckpointError(f"{names.mean} is no finite vector of length {size}")
        mean_style = Row("truncation.mean", {}, lambda: mean.reshape(-1))
    else:
        mean_style = averaged_row(mapping, ROOT2)
    return _plan(state, options, _skip_form(names, layers, mapping, mean_style, options))


def plan_stylegan2_torch(state: StateDict, options: Options) -> Plan:
    """Plan for stylegan2-torch, which stores neither noise nor a mean style."""
    shapes, names = state.shapes, STYLEGAN2_TORCH
    layers = _odd(
        2 * count(shapes, r"convs\.(\d{1,3})\.") - 1, 2 * count(shapes, r"to_rgbs\.(\d{1,3})\.") - 1
    )
    depth = count(shapes, r"mapping\.(\d{1,3})\.") - 1
    mapping = _mapping_behind_norm(names, depth, options)
    mean = averaged_row(mapping, ROOT2)
    return _plan(state, options, _skip_form(names, layers, mapping, mean, options))


def _mapping_behind_norm(names: Names, depth: int, options: Options) -> list[Row]:
    """Rows of a mapping network that is a Sequential whose number 0 is the pixel norm."""
    weight, bias = names.dense
    return mapping_rows(
        lambda i: weight.format(i + 1),
        lambda i: bias.format(i + 1),
        depth,
        "w",
        1.0,
        multiplier(options),
    )


def _skip_form(names: Names, layers: int, mapping: list[Row], mean: Row, options: Options) -> Form:
    depth, clamp = len(mapping) // 2, _clamp(options, None)
    return Form(names, layers, True, mapping, mean, depth, clamp)


def plan_ada(state: StateDict, options: Options) -> Plan:
    """Plan for stylegan2-ada-pytorch; a pickle also holds settings, as attributes of modules."""
    shapes, names = state.shapes, ADA
    largest = count(shapes, r"synthesis\.b(\d{1,5})\.") - 1
    layers = 2 * (largest.bit_length() - 3) + 1
    depth = count(shapes, r"mapping\.fc(\d{1,3})\.")
    rate = _attribute(state, "mapping.fc0", "bias_gain")
    mapping = mapping_rows(
        names.dense[0].format,
        names.dense[1].format,
        depth,
        "w",
        1.0,
        multiplier(options, rate if isinstance(rate, int | float) else MAPPING_MULTIPLIER),
    )
    activation = _attribute(state, names.layer(0), "activation")
    if activation not in (None, "lrelu"):
        raise CheckpointError(f"a StyleGAN2 with the activation {activation}; lrelu is supported")
    labels: Labels | None = None
    label_rows: list[Row] = []
    if "mapping.embed.weight" in shapes:
        label_rows, labels = _label_rows(state, options)
    elif options.text("label") is not None:
        raise SettingError("option label: the generator is unconditional")
    form = Form(
        names,
        layers,
        skip=layers == 1 or any(key.startswith("synthesis.b4.torgb.") for key in shapes),
        mapping=[*mapping, *label_rows],
        mean=mean_row(names.mean, 1)
        if names.mean in shapes
        else averaged_row(mapping, ROOT2, next(iter(label_rows), None)),
        mapping_layers=depth,
        clamp=_clamp(options, _stored_clamp(state)),
        labels=labels,
    )
    return _plan(state, options, form)


def _plan(state: StateDict, options: Options, form: Form) -> Plan:
    names, last = form.names, form.layers - 1
    noisy = any(names.noise(i) in state.tensors for i in range(form.layers))
    rows = [*form.mapping, form.mean]
    rows.append(Row("layer0.const", {names.const: names.const_shape}, constant_map))
    for i in range(form.layers):
        layer, inputs, outputs = names.layer(i), f"c{max(i - 1, 0)}", f"c{i}"
        transform = _flipped(names.hwio) if names.flips and i % 2 else names.hwio
        kernel = gained(transform, 1.0, form.use_wscale and names.scales)
        strength = {f"{layer}.{names.strength}": names.strength_shape}
        shape = names.weight_shape(3, inputs, outputs)
        rows += [
            Row(f"layer{i}.kernel", {f"{layer}.{names.weight}": shape}, kernel),
            Row(f"layer{i}.bias", {f"{layer}.{names.bias}": (outputs,)}, keep),
            _noise_row(i, names, noisy),
            Row(f"layer{i}.noise_strength", strength, np.ravel),
            *_style_rows(f"layer{i}", layer, inputs, form),
        ]
        if i % 2 == 0 and (form.skip or i == last):
            target = "to_rgb" if i == last else f"layer{i}.rgb"
            rows += _rgb_rows(target, names.rgb(i // 2), outputs, form)

    def configure(sizes: Sizes) -> dict[str, Any]:
        labels = {"labels": dataclasses.asdict(form.labels)} if form.labels else {}
        return {
            "latent_size": sizes["latent"] - (form.labels.size if form.labels else 0),
            "w_size": sizes["w"],
            "mapping": mapping_widths(sizes, form.mapping_layers, form.copies),
            "channels": [sizes[f"c{i}"] for i in range(form.layers)],
            "image_channels": sizes["image"],
            "final_tanh": bool(options.flag("final_tanh", False)),
            "architecture": "skip" if form.skip else "origin",
            "conv_clamp": form.clamp,
            **labels,
        }

    filters = check_filters(state, names.filters, FILTER, names.filter_sum)
    noted = {} if noisy else {"noise": "of zeros (none is stored)"}
    if len(form.mean.sources) > 1:
        noted["mean style"] = f"of {AVERAGED_CODES} codes (none is stored)"
    return Plan(tuple(rows), configure, {**filters, **form.ignored}, noted=noted)


def _noise_row(i: int, names: Names, noisy: bool) -> Row:
    """Row of a noise map, of zeros where the file has none: its code draws one for each image."""
    size = resolution(i)
    if not noisy:
        return Row(f"layer{i}.noise", {}, lambda: np.zeros((1, size, size, 1)))
    shape: Shape = (*names.noise_shape, size, size)
    return Row(f"layer{i}.noise", {names.noise(i): shape}, noise_map)


def _style_rows(target: str, layer: str, channels: str, form: Form) -> list[Row]:
    weight, bias = (f"{layer}.{part}" for part in form.names.style)
    kernel = gained(transpose, 1.0, form.use_wscale)
    one = _one_more if form.names.adds_one else keep
    return [
        Row(f"{target}.style.kernel", {weight: (channels, "w")}, kernel),
        Row(f"{target}.style.bias", {bias: (channels,)}, one),
    ]


def _rgb_rows(target: str, layer: str, channels: str, form: Form) -> list[Row]:
    names = form.names
    shape = names.weight_shape(1, channels, "image")
    kernel = gained(lambda weight: names.hwio(weight)[0, 0], 1.0, form.use_wscale)
    return [
        Row(f"{target}.kernel", {f"{layer}.{names.weight}": shape}, kernel),
        Row(f"{target}.bias", {f"{layer}.bias": names.rgb_bias}, np.ravel),
        *_style_rows(target, layer, channels, form),
    ]


def _label_rows(state: StateDict, options: Options) -> tuple[list[Row], Labels]:
    """Returns the rows of a label, and how it is joined to the code.

    The code and the vector of the class are normalised apart and concatenated.
    """
    size, classes = (*state.shapes["mapping.embed.weight"], 0, 0)[:2]
    if state.shapes.get("mapping.fc0.weight", (0, 0))[-1] - size < 1:
        raise CheckpointError("a generator without a latent code, only with a class")
    label = options.label(classes)
    kept = slice(None) if label is None else slice(label, label + 1)
    labels = Labels(classes if label is None else 1, size)

    def table(embed: np.ndarray, bias: np.ndarray) -> np.ndarray:
        vectors = embed.T[kept] / embed.shape[1] ** 0.5 + bias
        return vectors / np.sqrt(np.mean(vectors**2, axis=1, keepdims=True) + 1e-8)

    sources: dict[str, Shape] = {
        "mapping.embed.weight": ("embedding", "classes"),
        "mapping.embed.bias": ("embedding",),
    }
    even = np.full(labels.classes, 1 / labels.classes)
    return [
        Row("mapping.label.table", sources, table),
        Row("mapping.label.weights", {}, lambda: even),
    ], labels


def _clamp(options: Options, stored: float | None) -> float | None:
    text = options.text("conv_clamp")
    if text is None:
        return stored
    return None if text.lower() == "none" else options.number("conv_clamp")


def _stored_clamp(state: StateDict) -> float | None:
    """Returns the limit that a pickle holds; for a mere state dict the official one."""
    if not state.attributes:
        return ADA_CLAMP
    module = _module(state, "synthesis.b4.conv1")
    settings = state.attributes.get("_init_kwargs")
    settings = settings.get("synthesis_kwargs") if isinstance(settings, Mapping) else None
    if "conv_clamp" in module:
        clamp = module["conv_clamp"]
    else:
        clamp = settings.get("conv_clamp") if isinstance(settings, Mapping) else None
    if clamp is None:
        return None
    if isinstance(clamp, int | float) and 0 <= clamp < math.inf:
        return float(clamp)
    raise CheckpointError("the stored conv_clamp is not a number >= 0")


def _attribute(state: StateDict, module: str, name: str) -> Any:
    return _module(state, module).get(name)


def _module(state: StateDict, path: str) -> Mapping[str, Any]:
    """Returns the attributes of a module inside a pickled one; none for a mere state dict."""
    attributes = state.attributes
    for name in path.split("."):
        modules = attributes.get("_modules")
        module = modules.get(name) if isinstance(modules, Mapping) else None
        attributes = module.attributes if isinstance(module, Record) else {}
    return attributes


def _odd(*counts: int) -> int:
    """Returns the largest of several numbers of layers, made odd, as it is in a whole network."""
    return max(*counts, 1) | 1


def _flipped(transform: Transform) -> Transform:
    return lambda weight: flip(transform(weight))


def _one_more(bias: np.ndarray) -> np.ndarray:
    return bias + 1


def _is_tensorflow_style(style: str) -> Callable[[Shapes], bool]:
    def matches(shapes: Shapes) -> bool:
        return "synthesis.early_layer.const" in shapes and f"synthesis.layer0.{style}" in shapes

    return matches


LAYOUTS = (
    Layout("stylegan2", "stylegan2-ada-pytorch", lambda shapes: ADA.const in shapes, plan_ada),
    Layout(
        "stylegan2",
        "rosinality",
        lambda shapes: ROSINALITY.const in shapes and "conv1.conv.modulation.weight" in shapes,
        plan_rosinality,
    ),
    Layout(
        "stylegan2",
        "stylegan2-torch",
        lambda shapes: ROSINALITY.const in shapes and "convs.0.affine.weight" in shapes,
        plan_stylegan2_torch,
    ),
    Layout("stylegan2", "mganprior", _is_tensorflow_style(MGANPRIOR.style[0]), plan_mganprior),
    Layout("stylegan2", "genforce", _is_tensorflow_style(GENFORCE.style[0]), plan_genforce),
)
